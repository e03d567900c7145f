import type { ReferenceGrant } from '../kube/types/gateway.ts';

export interface Reference {
  readonly fromGroup: string;
  readonly fromKind: string;
  readonly fromNamespace: string;
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * May an object refer to one in another namespace? Only where a ReferenceGrant there says so; in its own namespace it
 * needs none (Gateway API, ReferenceGrant).
 */
export function isGranted(
  reference: Reference,
  grantsIn: (namespace: string) => readonly ReferenceGrant[],
): boolean {
  const { fromGroup, fromKind, fromNamespace, group, kind, namespace, name } = reference;
  if (namespace === fromNamespace) return true;
  return grantsIn(namespace).some(
    ({ spec }) =>
      spec.from.some(
        from => from.group === fromGroup && from.kind === fromKind && from.namespace === fromNamespace,
      ) &&
      spec.to.some(
        to =>
          to.group === group &&
          to.kind === kind &&
          (to.name === undefined || to.name === '' || to.name === name),
      ),
  );
}
