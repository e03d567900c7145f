import { createHash } from 'node:crypto';
import type { ApiRequest, ApiResponse } from '../request.ts';
import { json } from '../resource/present.ts';
import type { Schemas } from '../schemas.ts';
import { StatusError, unknownPath } from '../status.ts';

/**
 * `/openapi/v3` (the index of documents, with hashes) and `/openapi/v3/PATH` (one document). The hashes are made when
 * the index is asked for first; documents themselves are not kept.
 */
export class OpenApi {
  readonly #schemas: Schemas;
  readonly #hashes = new Map<string, string>();

  constructor(schemas: Schemas) {
    this.#schemas = schemas;
  }

  async answer(request: ApiRequest): Promise<ApiResponse> {
    const path = request.path.replace(/^\/openapi\/v3\/?/, '');
    return path === '' ? this.#index(request) : this.#document(request, path);
  }

  async #index(request: ApiRequest): Promise<ApiResponse> {
    const paths: Record<string, { serverRelativeURL: string }> = {};
    for (const path of this.#schemas.openApiPaths()) {
      const hash = await this.#hashOf(path);
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
    }
    const body = JSON.stringify({ paths });
    return conditional(request, json(200, body), hashOf(body), 'no-cache, private');
  }

  async #document(request: ApiRequest, path: string): Promise<ApiResponse> {
    const text = await this.#schemas.openApiDocument(path);
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

  async #hashOf(path: string): Promise<string> {
    const present = this.#hashes.get(path);
    if (present !== undefined) return present;
    const made = hashOf((await this.#schemas.openApiDocument(path)) ?? '');
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

/**
 * `/openapi/v2` is not served: kubectl asks for it only when v3 fails, and takes a 404 as "no schema", upon which it
 * goes on without.
 */
export const openApiV2Answer = (): ApiResponse => {
  throw new StatusError(404, 'NotFound', 'OpenAPI v2 is not served; the schemas are at /openapi/v3', {});
};
