import type { PersistentVolumeClaim, Pod, Volume } from '../../../kube/types/core.ts';
import { conditionOf } from '../conditions.ts';
import { isTerminated, timeOf } from '../pod-state.ts';

/** Who made the volume, as claims say it: a directory of this machine, which all of its nodes reach. */
export const PROVISIONER = 'fairlead.dev/local';

const PROTECTION = 'kubernetes.io/pvc-protection';

export const CLAIM_TYPE = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' } as const;

/** What a claim needs next. */
export type ClaimStep =
  | { readonly do: 'nothing' }
  /** It gets its volume: first the name of it, then the status. */
  | { readonly do: 'name' | 'bind'; readonly claim: PersistentVolumeClaim }
  /** Nobody uses it: it may go. */
  | { readonly do: 'let-go'; readonly claim: PersistentVolumeClaim }
  | { readonly do: 'refuse'; readonly why: string };

/** `pods` are those of its namespace. */
export function stepOf(claim: PersistentVolumeClaim, pods: readonly Pod[]): ClaimStep {
  const { metadata, spec, status } = claim;
  if (metadata.deletionTimestamp !== undefined) {
    const finalizers = metadata.finalizers ?? [];
    if (!finalizers.includes(PROTECTION) || pods.some(pod => uses(pod, claim))) return { do: 'nothing' };
    const rest = finalizers.filter(each => each !== PROTECTION);
    return { do: 'let-go', claim: { ...claim, metadata: { ...metadata, finalizers: rest } } };
  }
  if (status?.phase === 'Bound') return { do: 'nothing' };
  const why = refusalOf(claim);
  if (why !== undefined) return { do: 'refuse', why };
  const volumeName = `pvc-${metadata.uid ?? ''}`;
  if (spec.volumeName !== volumeName) {
    const annotations = {
      ...metadata.annotations,
      'pv.kubernetes.io/bind-completed': 'yes',
      'volume.kubernetes.io/storage-provisioner': PROVISIONER,
    };
    return {
      do: 'name',
      claim: { ...claim, metadata: { ...metadata, annotations }, spec: { ...spec, volumeName } },
    };
  }
  const { accessModes = [], resources } = spec;
  const storage = resources?.requests?.['storage'];
  const capacity = storage === undefined ? {} : { capacity: { storage } };
  return { do: 'bind', claim: { ...claim, status: { ...status, phase: 'Bound', accessModes, ...capacity } } };
}

/** What a directory cannot be. */
function refusalOf({ metadata, spec }: PersistentVolumeClaim): string | undefined {
  const { volumeName = '', volumeMode, selector, dataSource, dataSourceRef } = spec;
  if (volumeName !== '' && volumeName !== `pvc-${metadata.uid ?? ''}`)
    return `spec.volumeName "${volumeName}" names a volume, and there are none of their own`;
  if (selector !== undefined) return 'spec.selector chooses among volumes, and there are none of their own';
  if (volumeMode === 'Block') return 'spec.volumeMode Block is not offered';
  if (dataSource !== undefined || dataSourceRef !== undefined) return 'spec.dataSource is not offered';
  return undefined;
}

/** Whether a pod that has not ended has the deleted claim. One that came later waits for the next of that name. */
function uses(pod: Pod, claim: PersistentVolumeClaim): boolean {
  if (isTerminated(pod) || !(pod.spec.volumes ?? []).some(volume => isBehind(pod, volume, claim)))
    return false;
  const created = timeOf(pod.metadata.creationTimestamp) ?? 0;
  const deleted = timeOf(claim.metadata.deletionTimestamp) ?? 0;
  // Volumes are there before the sandbox is.
  return (
    created < deleted || conditionOf(pod.status?.conditions, 'PodReadyToStartContainers')?.status === 'True'
  );
}

/** The claim of an ephemeral volume is named after pod and volume, and belongs to that pod alone. */
function isBehind(pod: Pod, volume: Volume, { metadata }: PersistentVolumeClaim): boolean {
  if (volume.persistentVolumeClaim !== undefined)
    return volume.persistentVolumeClaim.claimName === metadata.name;
  if (volume.ephemeral === undefined || metadata.name !== `${pod.metadata.name}-${volume.name}`) return false;
  return metadata.ownerReferences?.some(owner => owner.uid === pod.metadata.uid) === true;
}

/** The claims of a pod's ephemeral volumes, which live as long as the pod (core/v1 EphemeralVolumeSource). */
export function ephemeralClaims(pod: Pod): readonly PersistentVolumeClaim[] {
  const { name, namespace = '', uid = '' } = pod.metadata;
  const owner = { apiVersion: 'v1', kind: 'Pod', name, uid, controller: true, blockOwnerDeletion: true };
  return (pod.spec.volumes ?? []).flatMap(volume => {
    const template = volume.ephemeral?.volumeClaimTemplate;
    if (template === undefined) return [];
    const { labels, annotations } = template.metadata ?? { name: '' };
    return [
      {
        ...CLAIM_TYPE,
        metadata: {
          name: `${name}-${volume.name}`,
          namespace,
          ownerReferences: [owner],
          ...(labels === undefined ? {} : { labels }),
          ...(annotations === undefined ? {} : { annotations }),
        },
        spec: template.spec,
      },
    ];
  });
}
