import type { Kind, Subresource, Verb } from '../../kind.ts';
import { STANDARD_VERBS } from '../../kind.ts';
import type { Schema } from './schema.ts';

/** What the operations of one kind refer to. */
export interface References {
  readonly object: Schema;
  readonly list: Schema;
  readonly status: Schema;
  readonly deleteOptions: Schema;
  readonly patch: Schema;
  /** Custom resources have no merge keys; clients look at the types that a patch may have. */
  readonly takesStrategicMerge: boolean;
  /** The body of a subresource, where it is another kind. */
  readonly bodyOf: (subresource: Subresource) => Schema | undefined;
}

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

interface Operation {
  readonly method: Method;
  /** `x-kubernetes-action`. */
  readonly action: string;
  readonly verb: Verb;
}

const ON_COLLECTION: readonly Operation[] = [
  { method: 'get', action: 'list', verb: 'list' },
  { method: 'post', action: 'post', verb: 'create' },
  { method: 'delete', action: 'deletecollection', verb: 'deletecollection' },
];

const ON_OBJECT: readonly Operation[] = [
  { method: 'get', action: 'get', verb: 'get' },
  { method: 'put', action: 'put', verb: 'update' },
  { method: 'patch', action: 'patch', verb: 'patch' },
  { method: 'delete', action: 'delete', verb: 'delete' },
];

const ON_SUBRESOURCE: readonly Operation[] = [
  ...ON_OBJECT.slice(0, 3),
  { method: 'post', action: 'post', verb: 'create' },
];

const PATCH_TYPES = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
];
const STRATEGIC_MERGE = 'application/strategic-merge-patch+json';

const LIST_PARAMETERS = [
  query('allowWatchBookmarks', 'boolean'),
  query('continue', 'string'),
  query('fieldSelector', 'string'),
  query('labelSelector', 'string'),
  query('limit', 'integer'),
  query('resourceVersion', 'string'),
  query('resourceVersionMatch', 'string'),
  query('sendInitialEvents', 'boolean'),
  query('timeoutSeconds', 'integer'),
  query('watch', 'boolean'),
];
const WRITE_PARAMETERS = [
  query('dryRun', 'string'),
  query('fieldManager', 'string'),
  query('fieldValidation', 'string'),
];
const DELETE_PARAMETERS = [
  query('dryRun', 'string'),
  query('gracePeriodSeconds', 'integer'),
  query('orphanDependents', 'boolean'),
  query('propagationPolicy', 'string'),
];
const PARAMETERS: Readonly<Record<string, readonly Schema[]>> = {
  list: LIST_PARAMETERS,
  deletecollection: [...LIST_PARAMETERS, ...DELETE_PARAMETERS],
  post: WRITE_PARAMETERS,
  put: WRITE_PARAMETERS,
  patch: [...WRITE_PARAMETERS, query('force', 'boolean')],
  delete: DELETE_PARAMETERS,
};

/** The paths of one kind. Clients look here for the kind behind a path, and whether a write knows fieldValidation. */
export function pathsOf(kind: Kind, references: References): Readonly<Record<string, Schema>> {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const collection = kind.namespaced
    ? `${root}/namespaces/{namespace}/${kind.plural}`
    : `${root}/${kind.plural}`;
  const verbs = kind.verbs ?? STANDARD_VERBS;
  const gvk = { group: kind.group, kind: kind.kind, version: kind.version };
  const item = `${collection}/{name}`;
  const inNamespace = kind.namespaced ? [pathParameter('namespace')] : [];
  const paths: Record<string, Schema> = {
    [collection]: pathItem(ON_COLLECTION, verbs, gvk, references.object, references, inNamespace),
    [item]: pathItem(ON_OBJECT, verbs, gvk, references.object, references, [
      ...inNamespace,
      pathParameter('name'),
    ]),
  };
  if (kind.namespaced) {
    paths[`${root}/${kind.plural}`] = pathItem(
      ON_COLLECTION.slice(0, 1),
      verbs,
      gvk,
      references.object,
      references,
      [],
    );
  }
  for (const subresource of kind.subresources) {
    const own = { group: subresource.group ?? kind.group, version: subresource.version ?? kind.version };
    const body = references.bodyOf(subresource) ?? { type: 'string' };
    paths[`${item}/${subresource.name}`] = pathItem(
      ON_SUBRESOURCE,
      subresource.verbs,
      { ...own, kind: subresource.kind },
      body,
      references,
      [...inNamespace, pathParameter('name')],
    );
  }
  return paths;
}

function pathItem(
  operations: readonly Operation[],
  verbs: readonly Verb[],
  gvk: Schema,
  body: Schema,
  references: References,
  parameters: readonly Schema[],
): Schema {
  const offered = operations.filter(operation => verbs.includes(operation.verb));
  return {
    ...Object.fromEntries(
      offered.map(operation => [operation.method, describe(operation, gvk, body, references)] as const),
    ),
    ...(parameters.length === 0 ? {} : { parameters }),
  };
}

function describe(operation: Operation, gvk: Schema, body: Schema, references: References): Schema {
  const { action, method } = operation;
  const answer = action === 'list' ? references.list : method === 'delete' ? references.status : body;
  const parameters = PARAMETERS[action];
  const request = requestOf(operation, body, references);
  return {
    ...(parameters === undefined ? {} : { parameters }),
    ...(request === undefined ? {} : { requestBody: { content: request } }),
    responses: { [action === 'post' ? '201' : '200']: { description: 'OK', content: json(answer) } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk,
  };
}

function requestOf(operation: Operation, body: Schema, references: References): Schema | undefined {
  switch (operation.method) {
    case 'get':
      return undefined;
    case 'patch':
      return Object.fromEntries(
        patchTypes(references).map(type => [type, { schema: references.patch }] as const),
      );
    case 'delete':
      return { '*/*': { schema: references.deleteOptions } };
    case 'post':
    case 'put':
      return { '*/*': { schema: body } };
    default:
      return operation.method satisfies never;
  }
}

const patchTypes = (references: References): readonly string[] =>
  references.takesStrategicMerge ? [...PATCH_TYPES, STRATEGIC_MERGE] : PATCH_TYPES;

const json = (schema: Schema): Schema => ({ 'application/json': { schema } });

function query(name: string, type: string): Schema {
  return { in: 'query', name, schema: { type, uniqueItems: true } };
}

function pathParameter(name: string): Schema {
  return { in: 'path', name, required: true, schema: { type: 'string', uniqueItems: true } };
}
