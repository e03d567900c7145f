import type { Pod, Volume } from '../../../kube/types/core.ts';
import { claimNameOf } from './claims.ts';

export interface ObjectName {
  readonly kind: 'ConfigMap' | 'PersistentVolumeClaim' | 'Secret';
  readonly name: string;
}

/** Whether a pod takes files or variables from a ConfigMap, Secret or claim of its namespace. */
export function refersTo(pod: Pod, object: ObjectName): boolean {
  const { spec } = pod;
  if (object.kind === 'PersistentVolumeClaim')
    return (spec.volumes ?? []).some(volume => claimNameOf(pod, volume) === object.name);
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  return (
    (spec.volumes ?? []).some(volume => volumeRefersTo(volume, object)) ||
    containers.some(({ env = [], envFrom = [] }) =>
      [
        ...env.map(
          ({ valueFrom }) => [valueFrom?.configMapKeyRef?.name, valueFrom?.secretKeyRef?.name] as const,
        ),
        ...envFrom.map(({ configMapRef, secretRef }) => [configMapRef?.name, secretRef?.name] as const),
      ].some(names => isNamed(names, object)),
    )
  );
}

function volumeRefersTo({ configMap, secret, projected }: Volume, object: ObjectName): boolean {
  return [
    [configMap?.name, secret?.secretName] as const,
    ...(projected?.sources ?? []).map(source => [source.configMap?.name, source.secret?.name] as const),
  ].some(names => isNamed(names, object));
}

const isNamed = (
  [configMap, secret]: readonly [string | undefined, string | undefined],
  object: ObjectName,
): boolean => (object.kind === 'ConfigMap' ? configMap : secret) === object.name;
