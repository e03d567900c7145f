import { isFields } from '../../object.ts';
import { within } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { qualifiedName } from '../text/names.ts';

/** The finalizer that keeps a namespace until everything in it is gone. */
const CONTENT = 'kubernetes';

export const NAMESPACE: Definition = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  schema: 'io.k8s.api.core.v1.Namespace',
  namespaced: false,
  shortNames: ['ns'],
  nameFormat: 'label',
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  subresources: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }, statusOf('Namespace')],
  defaults: object => within(object, 'metadata', withOwnLabel),
  validate: (found, object) => {
    for (const finalizer of object.child('spec').child('finalizers').items()) {
      found.complaints(finalizer, qualifiedName);
      if (!finalizer.text.includes('/') && finalizer.text !== CONTENT) {
        found.invalid(finalizer, 'name is neither a standard finalizer name nor is it fully qualified');
      }
    }
  },
  strategy: {
    statusFields: ['status'],
    allowsUnconditionalUpdate: true,
    onCreate: object => ({
      ...object,
      metadata: withOwnLabel(object.metadata),
      spec: { finalizers: [...new Set([...finalizersOf(object), CONTENT])] },
      status: { phase: 'Active' },
    }),
    onUpdate: (object, before, subresource) => {
      if (subresource === 'finalize') return { ...object, status: before['status'] };
      // The finalizers of the spec belong to the finalize subresource.
      return { ...object, spec: before['spec'] };
    },
    onDeletionMark: object => ({
      ...object,
      status: { ...(object['status'] as object), phase: 'Terminating' },
    }),
    isHeld: object => finalizersOf(object).length > 0,
  },
  selectors: ['status.phase'],
  table: {
    columns: [NAME, column('Status', 'Active, or Terminating once it is deleted.'), AGE],
    cells: (object, now) => [nameOf(object), object.child('status').child('phase').text, ageOf(object, now)],
  },
};

/** Every namespace can be selected by its name; a generated one is known only when the object is made. */
function withOwnLabel<T extends { readonly name?: unknown; readonly labels?: unknown }>(metadata: T): T {
  const { name, labels } = metadata;
  if (typeof name !== 'string' || name === '') return metadata;
  const given = isFields(labels) ? labels : {};
  return { ...metadata, labels: { ...given, 'kubernetes.io/metadata.name': name } };
}

function finalizersOf(object: Readonly<Record<string, unknown>>): readonly string[] {
  const spec = object['spec'] as { readonly finalizers?: readonly string[] } | undefined;
  return spec?.finalizers ?? [];
}
