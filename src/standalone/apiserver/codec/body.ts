import type { Fields } from '../object.ts';
import { isFields } from '../object.ts';
import type { ApiRequest } from '../request.ts';
import type { Schemas } from '../schemas.ts';
import { StatusError, badRequest } from '../status.ts';
import { parseJson } from './json.ts';

export interface DecodedBody {
  readonly fields: Fields;
  readonly duplicates: readonly string[];
}

const ACCEPTED = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** The body as an object, by its Content-Type (JSON where there is none). Undefined for an empty body. */
export async function decodeBody(request: ApiRequest, schemas: Schemas): Promise<DecodedBody | undefined> {
  const bytes = await request.body();
  if (bytes.length === 0) return undefined;
  switch (mediaTypeOf(request)) {
    case '':
    case 'application/json':
      return fromJson(bytes);
    case 'application/yaml':
      return fromYaml(bytes);
    case 'application/vnd.kubernetes.protobuf':
      return { fields: await fromProtobuf(bytes, schemas), duplicates: [] };
    default:
      throw unsupportedMediaType(ACCEPTED);
  }
}

export const mediaTypeOf = (request: ApiRequest): string =>
  (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

export const unsupportedMediaType = (accepted: readonly string[]): StatusError =>
  new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );

/** A body that is YAML (or JSON, which is YAML as well): what server-side apply sends. */
export async function readYamlBody(request: ApiRequest): Promise<DecodedBody> {
  const bytes = await request.body();
  // Most clients send JSON under the name of YAML; it is read a thousand times faster.
  return bytes[0] === 0x7b ? fromJsonOrYaml(bytes) : fromYaml(bytes);
}

async function fromJsonOrYaml(bytes: Uint8Array): Promise<DecodedBody> {
  try {
    return fromJson(bytes);
  } catch (error) {
    if (bytes.length > YAML_LIMIT) throw error;
    return fromYaml(bytes); // a flow mapping of YAML begins with a brace too
  }
}

/** Text of a body; 400 if it is not UTF-8. */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badRequest('the body is not UTF-8');
  }
}

function fromJson(bytes: Uint8Array): DecodedBody {
  const { value, duplicates } = parseJson(textOf(bytes));
  if (!isFields(value)) throw badRequest('the body is not a JSON object');
  return { fields: value, duplicates };
}

/** Reading YAML takes the main loop a thousand times longer than JSON. */
const YAML_LIMIT = 256 * 1024;

/** Anchors may multiply what is said once: aliases are bounded, and the outcome goes through the JSON rules. */
async function fromYaml(bytes: Uint8Array): Promise<DecodedBody> {
  if (bytes.length > YAML_LIMIT) {
    throw new StatusError(
      413,
      'RequestEntityTooLarge',
      `Request entity too large: limit for YAML is ${YAML_LIMIT}`,
    );
  }
  const { parseAllDocuments } = await import('yaml');
  const documents = readYaml(() => parseAllDocuments(textOf(bytes), { uniqueKeys: false }));
  const [document] = documents;
  if (documents.length !== 1 || document === undefined || !('toJS' in document)) {
    throw badRequest('the body has to hold exactly one YAML document');
  }
  const [problem] = document.errors;
  if (problem !== undefined) throw badRequest(`error converting YAML to JSON: ${problem.message}`);
  const text = readYaml(() => JSON.stringify(document.toJS({ maxAliasCount: 100 })));
  return fromJson(Buffer.from(text));
}

/** The parser throws for too many aliases, and runs out of stack on deep nesting. */
function readYaml<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw badRequest(`error converting YAML to JSON: ${(error as Error).message}`);
  }
}

async function fromProtobuf(bytes: Uint8Array, schemas: Schemas): Promise<Fields> {
  try {
    return await schemas.decodeProtobuf(bytes);
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw badRequest(`the body is not a Kubernetes protobuf message: ${(error as Error).message}`);
  }
}
