import { createHash } from 'node:crypto';
import type { Registry } from '../registry.ts';
import type { ApiRequest, ApiResponse } from '../request.ts';
import { json } from '../resource/present.ts';
import type { Schemas } from '../schemas.ts';
import { unknownPath } from '../status.ts';

/**
 * `/openapi/v3` (the index of documents, with hashes) and `/openapi/v3/PATH` (one document). The hashes are made when
 * the index is asked for first; documents themselves are not kept.
 */
export class OpenApi {
  readonly #schemas: Schemas;
  readonly #registry: Registry;
  readonly #hashes = new Map<string, string>();
  /** Of the registry when the hashes were made. */
  #revision = -1;

  constructor(schemas: Schemas, registry: Registry) {
    this.#schemas = schemas;
    this.#registry = registry;
  }

  async answer(request: ApiRequest): Promise<ApiResponse> {
    if (this.#revision !== this.#registry.revision) this.#hashes.clear();
    this.#revision = this.#registry.revision;
    const path = request.path.replace(/^\/openapi\/v3\/?/, '');
    return path === '' ? this.#index(request) : this.#document(request, path);
  }

  async #index(request: ApiRequest): Promise<ApiResponse> {
    const paths: Record<string, { serverRelativeURL: string }> = {};
    for (const path of this.#schemas.openApiPaths(this.#registry.all())) {
      const hash = await this.#hashOf(path);
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
    }
    const body = JSON.stringify({ paths });
    return conditional(request, json(200, body), hashOf(body), 'no-cache, private');
  }

  async #document(request: ApiRequest, path: string): Promise<ApiResponse> {
    const text = await this.#textOf(path);
    if (text === undefined) throw unknownPath();
    const hash = hashOf(text);
    this.#hashes.set(path, hash);
    const asked = request.query.get('hash');
    if (asked !== null && asked !== hash) {
      const location = `/openapi/v3/${path}?hash=${hash}`;
      return { status: 301, headers: { location }, body: '' };
    }
    return conditional(
      request,
      json(200, text),
      hash,
      asked === null ? 'no-cache, private' : 'public, immutable',
    );
  }

  #textOf(path: string): Promise<string | undefined> {
    return this.#schemas.openApiDocument(path, this.#registry.all());
  }

  async #hashOf(path: string): Promise<string> {
    const present = this.#hashes.get(path);
    if (present !== undefined) return present;
    const made = hashOf((await this.#textOf(path)) ?? '');
    this.#hashes.set(path, made);
    return made;
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').toUpperCase();

function conditional(request: ApiRequest, answer: ApiResponse, hash: string, caching: string): ApiResponse {
  const etag = `"${hash}"`;
  const headers = { ...answer.headers, etag, 'cache-control': caching, vary: 'Accept-Encoding, Accept' };
  if (request.headers['if-none-match'] === etag) return { status: 304, headers, body: '' };
  return { ...answer, headers };
}

/** As clients ask for it, and as it is answered: `@` may not stand in a media type (RFC 6838), so clients cannot read it. */
const GNOSTIC = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
const GNOSTIC_ANSWER = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/**
 * `/openapi/v2` without a single schema. kubectl asks for it where v3 does not help (a `List` in `apply -f`), and only
 * in protobuf; for kinds that it finds no schema of it leaves validation to the server, which validates anyway.
 */
export function openApiV2Answer(request: ApiRequest): ApiResponse {
  const accept = request.headers['accept'] ?? '';
  if (accept.includes(GNOSTIC)) {
    return { status: 200, headers: { 'content-type': GNOSTIC_ANSWER }, body: EMPTY_V2 };
  }
  const info = { title: TITLE, version: VERSION };
  return json(200, JSON.stringify({ swagger: '2.0', info, paths: {}, definitions: {} }));
}

const TITLE = 'Fairlead; the schemas are at /openapi/v3';
const VERSION = 'v1';

/** Document of openapi.v2: swagger = 1, info = 2 (title = 1, version = 2), paths = 8. */
const EMPTY_V2 = Buffer.concat([
  lengthDelimited(1, Buffer.from('2.0')),
  lengthDelimited(
    2,
    Buffer.concat([lengthDelimited(1, Buffer.from(TITLE)), lengthDelimited(2, Buffer.from(VERSION))]),
  ),
  lengthDelimited(8, Buffer.alloc(0)),
]);

/** A protobuf field of wire type 2; the value is shorter than 128 bytes. */
function lengthDelimited(field: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, value.length]), value]);
}
