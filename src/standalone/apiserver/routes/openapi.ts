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

  /** `/openapi/v2`: all kinds in one document, made when it is asked for and not kept; kubectl asks for it in protobuf alone. */
  async answerV2(request: ApiRequest): Promise<ApiResponse> {
    this.#forget();
    const form = PROTOBUF.test(request.headers['accept'] ?? '') ? 'protobuf' : 'json';
    const key = `v2 ${form}`;
    const known = this.#hashes.get(key);
    const type = form === 'json' ? 'application/json' : PROTOBUF_ANSWER;
    const answer = { status: 200, headers: { 'content-type': type }, body: '' };
    const cached = known === undefined ? undefined : conditional(request, answer, known, CACHED);
    if (cached?.status === 304) return cached;
    const body = await this.#schemas.openApiV2(form, this.#registry.all());
    const hash = hashOf(body);
    this.#hashes.set(key, hash);
    return conditional(request, { ...answer, body }, hash, CACHED);
  }

  async answer(request: ApiRequest): Promise<ApiResponse> {
    this.#forget();
    const path = request.path.replace(/^\/openapi\/v3\/?/, '');
    return path === '' ? this.#index(request) : this.#document(request, path);
  }

  /** Other kinds, other documents. */
  #forget(): void {
    if (this.#revision !== this.#registry.revision) this.#hashes.clear();
    this.#revision = this.#registry.revision;
  }

  async #index(request: ApiRequest): Promise<ApiResponse> {
    const paths: Record<string, { serverRelativeURL: string }> = {};
    for (const path of this.#schemas.openApiPaths(this.#registry.all())) {
      const hash = await this.#hashOf(path);
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
    }
    const body = JSON.stringify({ paths });
    return conditional(request, json(200, body), hashOf(body), CACHED);
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
    return conditional(request, json(200, text), hash, asked === null ? CACHED : 'public, immutable');
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

const CACHED = 'no-cache, private';
/** As clients ask for it, and as it is answered: `@` may not stand in a media type (RFC 6838), so clients cannot read it. */
const PROTOBUF = /application\/com\.github\.proto-openapi\.spec\.v2[.@]v1\.0\+protobuf/;
const PROTOBUF_ANSWER = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

const hashOf = (text: string | Uint8Array): string =>
  createHash('sha256').update(text).digest('hex').toUpperCase();

function conditional(request: ApiRequest, answer: ApiResponse, hash: string, caching: string): ApiResponse {
  const etag = `"${hash}"`;
  const headers = { ...answer.headers, etag, 'cache-control': caching, vary: 'Accept-Encoding, Accept' };
  if (request.headers['if-none-match'] === etag) return { status: 304, headers, body: '' };
  return { ...answer, headers };
}
