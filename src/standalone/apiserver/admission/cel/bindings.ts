import type { Authorizer } from '../../access/attributes.ts';
import { ruleValue } from '../../crd/cel/values.ts';
import type { Kind } from '../../kind.ts';
import type { ApiObject, Fields } from '../../object.ts';
import { valueAt } from '../../object.ts';
import { inVersion } from '../question.ts';
import type { Writing } from '../question.ts';
import { AskAuthorizer } from './authorizer.ts';
import type { Bindings } from './expression.ts';
import { requestOf } from '../request-fields.ts';

/** What expressions see of a request in the form of `kind`: every part is made when it is first asked for, and once. */
export function bindingsFor(
  writing: Writing,
  kind: Kind,
  namespace: ApiObject | undefined,
  access: Authorizer,
): Bindings {
  const isBody = writing.subresource === '' || writing.subresource === 'status';
  const converted = (object: Fields | undefined) =>
    ruleValue(undefined, (isBody ? inVersion(object, writing.kind, kind) : object) ?? null);
  const { group, plural } = writing.kind;
  const { subresource, namespace: place, name, user } = writing;
  const resource = { group, plural, subresource, namespace: place, name };
  return lazily({
    object: () => converted(writing.object),
    oldObject: () => converted(writing.before),
    request: () => ruleValue(undefined, requestOf(writing, kind)),
    namespaceObject: () => ruleValue(undefined, namespace === undefined ? null : shown(namespace)),
    authorizer: () => new AskAuthorizer(access, user, resource),
    params: () => null,
    variables: () => ({}),
  }) as Bindings; // it has exactly these names
}

/** An object whose fields are computed once each, when they are looked at. */
export function lazily(makers: Readonly<Record<string, () => unknown>>): object {
  const object = Object.create(null) as object;
  for (const [name, make] of Object.entries(makers)) {
    let made: { readonly value: unknown } | undefined;
    const get = () => (made ??= { value: make() }).value;
    Object.defineProperty(object, name, { get, enumerable: true });
  }
  return object;
}

const SHOWN = [
  'name',
  'generateName',
  'namespace',
  'labels',
  'annotations',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'resourceVersion',
  'finalizers',
];

/** Of the namespace, what expressions may read (no owners, no managed fields). */
function shown(namespace: ApiObject): Fields {
  const metadata = Object.fromEntries(
    Object.entries(namespace.metadata).filter(([name]) => SHOWN.includes(name)),
  );
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata,
    spec: { finalizers: valueAt(namespace, ['spec', 'finalizers']) ?? [] },
    status: namespace['status'] ?? {},
  };
}
