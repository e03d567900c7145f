import type { DecodedBody } from '../codec/body.ts';
import { apiVersionOf } from '../kind.ts';
import type { Kind } from '../kind.ts';
import type { ApiObject, Fields } from '../object.ts';
import { isFields } from '../object.ts';
import { badRequest } from '../status.ts';
import type { StatusError } from '../status.ts';

/** An object of the right kind and types, without unknown fields, and what to warn about. */
export interface Checked {
  readonly object: ApiObject;
  readonly warnings: readonly string[];
}

/** Unknown and duplicate fields that an answer names. */
const MOST_SHOWN = 100;

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** `?fieldValidation=`; Warn where nothing is said, as since Kubernetes 1.27. */
export function fieldValidationOf(query: URLSearchParams): FieldValidation {
  const value = query.get('fieldValidation') ?? '';
  switch (value) {
    case '':
      return 'Warn';
    case 'Strict':
    case 'Warn':
    case 'Ignore':
      return value;
    default:
      throw badRequest(`fieldValidation ${JSON.stringify(value)} is not known`); // the options' rules let none through
  }
}

/** How a body that does not fit is refused, by what is wrong with it. */
export type Refuse = (why: string) => StatusError;

/** 400, as for a whole object that was sent. */
const asBadRequest =
  (kind: Kind): Refuse =>
  why =>
    badRequest(
      `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: ${why}`,
    );

/** Checks a body against its kind: refused are another kind, wrong types, and (Strict) unknown or duplicate fields. */
export function checkBody(
  body: DecodedBody,
  kind: Kind,
  validation: FieldValidation,
  refuseAs?: Refuse,
): Checked {
  const fields = withKind(body.fields, kind, refuseAs ?? badRequest);
  const refuse = refuseAs ?? asBadRequest(kind);
  const metadata = metadataProblem(fields['metadata'], kind.kind);
  if (metadata !== undefined) throw refuse(`json: cannot unmarshal ${metadata}`);
  const [wrong] = kind.typeErrors(fields);
  if (wrong !== undefined) throw refuse(wrong);
  const object = { ...fields, metadata: fields['metadata'] ?? {} } as ApiObject;
  if (validation === 'Ignore') return { object: kind.withoutUnknownFields(object), warnings: [] };
  const strict = [
    ...body.duplicates.map(path => `duplicate field ${JSON.stringify(path)}`),
    ...kind.unknownFields(fields),
  ];
  if (strict.length === 0) return { object, warnings: [] };
  if (validation === 'Strict') {
    const shown = strict.slice(0, MOST_SHOWN);
    if (strict.length > shown.length) shown.push(`and ${strict.length - shown.length} more`);
    throw refuse(`strict decoding error: ${shown.join(', ')}`);
  }
  return { object: kind.withoutUnknownFields(object), warnings: strict };
}

/** apiVersion and kind of a built-in kind may be left out: the path says them. */
function withKind(fields: Fields, kind: Kind, refuse: Refuse): Fields {
  const wanted = { apiVersion: apiVersionOf(kind), kind: kind.kind };
  if (kind.openApi !== undefined) assertTyped(fields, wanted, refuse);
  const { apiVersion = wanted.apiVersion, kind: given = wanted.kind } = fields;
  if (given !== wanted.kind) {
    throw refuse(`the kind in the data (${String(given)}) does not match the expected kind (${wanted.kind})`);
  }
  if (apiVersion !== wanted.apiVersion) {
    throw refuse(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${wanted.apiVersion})`,
    );
  }
  const { apiVersion: _version, kind: _kind, ...rest } = fields;
  return { ...wanted, ...rest };
}

/** A custom resource says itself what it is. */
function assertTyped(fields: Fields, wanted: { apiVersion: string; kind: string }, refuse: Refuse): void {
  if ((fields['kind'] ?? '') === '') {
    throw refuse(`Object 'Kind' is missing in ${JSON.stringify(JSON.stringify(fields).slice(0, 256))}`);
  }
  if ((fields['apiVersion'] ?? '') === '') {
    throw refuse(
      `the API version in the data () does not match the expected API version (${wanted.apiVersion})`,
    );
  }
}

/** The handler itself relies on metadata's types, whatever a kind's schema checks. */
function metadataProblem(metadata: unknown, kind: string): string | undefined {
  if (metadata === undefined || metadata === null) return undefined;
  if (!isFields(metadata))
    return `${jsonType(metadata)} into Go struct field ${kind}.metadata of type v1.ObjectMeta`;
  const wrong = (field: string, type: string) =>
    `${jsonType(metadata[field])} into Go struct field ObjectMeta.metadata.${field} of type ${type}`;
  for (const field of STRINGS) if (!isAbsentOr(metadata[field], isString)) return wrong(field, 'string');
  for (const field of ['labels', 'annotations']) {
    const map = metadata[field];
    if (!isAbsentOr(map, isFields)) return wrong(field, 'map[string]string');
    const bad = isFields(map) ? Object.values(map).find(value => !isAbsentOr(value, isString)) : undefined;
    if (bad !== undefined)
      return `${jsonType(bad)} into Go struct field ObjectMeta.metadata.${field} of type string`;
  }
  const isStrings = (value: unknown) => Array.isArray(value) && value.every(isString);
  if (!isAbsentOr(metadata['finalizers'], isStrings)) return wrong('finalizers', '[]string');
  const isObjects = (value: unknown) => Array.isArray(value) && value.every(isFields);
  if (!isAbsentOr(metadata['ownerReferences'], isObjects))
    return wrong('ownerReferences', '[]v1.OwnerReference');
  return undefined;
}

const STRINGS = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
];

const isString = (value: unknown): boolean => typeof value === 'string';
const isAbsentOr = (value: unknown, check: (value: unknown) => boolean): boolean =>
  value === undefined || value === null || check(value);

/** As Go's decoder calls what it found. */
export function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
