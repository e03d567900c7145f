import type { Kind } from '../kind.ts';
import { forbidden, notFound } from '../status.ts';
import type { Store } from '../store/store.ts';

/** New objects need a namespace that exists and is not going away. */
export function assertNamespaceTakesNew(store: Store, kind: Kind, namespace: string, name: string): void {
  if (!kind.namespaced) return;
  const found = store.newest('/namespaces', namespace)?.object;
  if (found === undefined) throw notFound({ group: '', plural: 'namespaces' }, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw forbidden(kind, name, why, [
    {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    },
  ]);
}
