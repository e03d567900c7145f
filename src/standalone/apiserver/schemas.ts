import type { Kind } from './kind.ts';
import type { Fields } from './object.ts';

/** What the server takes from the tables of kinds beside the kinds themselves. */
export interface Schemas {
  readonly kinds: readonly Kind[];
  /** The object within a `k8s\0` envelope (runtime.Unknown), as its JSON form; throws FairleadError `api/bad-protobuf`. */
  decodeProtobuf(bytes: Uint8Array): Promise<Fields>;
  /** Paths of the documents of `kinds` (default: those from the start), as in `/openapi/v3`, `apis/apps/v1`, without hashes; the server adds those. */
  openApiPaths(kinds?: readonly Kind[]): readonly string[];
  /** The OpenAPI v3 document of one such path, as JSON text; undefined for an unknown path. */
  openApiDocument(path: string, kinds?: readonly Kind[]): Promise<string | undefined>;
  /** The OpenAPI v2 document of all kinds: JSON text, or gnostic's protobuf. */
  openApiV2(form: 'json' | 'protobuf', kinds?: readonly Kind[]): Promise<string | Uint8Array>;
}
