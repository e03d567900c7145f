import type { Kind } from '../kind.ts';
import { forbidden, notFound } from '../status.ts';
import type { Store } from '../store/store.ts';

const IMMORTAL = ['default', 'kube-system', 'kube-public'];

/** The namespaces that every cluster has stay (NamespaceLifecycle). */
export function assertMayGo(kind: Kind, name: string): void {
  if (kind.group !== '' || kind.plural !== 'namespaces' || !IMMORTAL.includes(name)) return;
  throw forbidden(kind, name, 'this namespace may not be deleted');
}

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
