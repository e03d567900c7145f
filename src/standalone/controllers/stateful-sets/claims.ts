import { isAlreadyExists, isNotFound } from '../../../kube/api-error.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { PERSISTENT_VOLUME_CLAIMS } from '../../../kube/resources.ts';
import type { StatefulSet } from '../../../kube/types/apps.ts';
import type { PersistentVolumeClaim, Pod } from '../../../kube/types/core.ts';
import { CLAIM_TYPE } from '../claims/decide.ts';
import { STATEFUL_SET_TYPE, ordinalOf } from './pod.ts';

/** `TEMPLATE-SET-ORDINAL`: the pod of a place finds its claim again when it is made anew. */
const claimName = (template: string, set: StatefulSet, ordinal: number): string =>
  `${template}-${set.metadata.name}-${ordinal}`;

const templateNames = (set: StatefulSet): readonly string[] =>
  (set.spec.volumeClaimTemplates ?? []).flatMap(({ metadata }) => metadata?.name ?? []);

/** The claims of one place; with the retention policy Delete they go with the set. */
export function claimsOf(set: StatefulSet, ordinal: number): readonly PersistentVolumeClaim[] {
  const { name: owner, namespace = '', uid = '' } = set.metadata;
  const isOwned = set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete';
  return (set.spec.volumeClaimTemplates ?? []).flatMap(({ metadata, spec }) => {
    const name = metadata?.name ?? '';
    if (name === '') return [];
    const { labels, annotations } = metadata ?? {};
    return [
      {
        ...CLAIM_TYPE,
        metadata: {
          name: claimName(name, set, ordinal),
          namespace,
          labels: { ...labels, ...set.spec.selector.matchLabels },
          ...(annotations === undefined ? {} : { annotations }),
          ...(isOwned ? { ownerReferences: [{ ...STATEFUL_SET_TYPE, name: owner, uid }] } : {}),
        },
        spec,
      },
    ];
  });
}

/** Makes the claims of a place that are not there yet. */
export async function makeClaims(client: KubeClient, set: StatefulSet, ordinal: number): Promise<void> {
  for (const claim of claimsOf(set, ordinal)) {
    try {
      await client.create(PERSISTENT_VOLUME_CLAIMS, claim);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
}

/** With the retention policy Delete, the claims of a place that is taken away go with its pod. */
export async function releaseClaims(client: KubeClient, set: StatefulSet, pod: Pod): Promise<void> {
  const ordinal = ordinalOf(set, pod);
  const { ordinals, replicas = 1, persistentVolumeClaimRetentionPolicy } = set.spec;
  const start = ordinals?.start ?? 0;
  if (ordinal === undefined || (ordinal >= start && ordinal < start + replicas)) return;
  if (persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete') return;
  const { name, namespace = '', uid } = pod.metadata;
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name, uid }];
  for (const template of templateNames(set)) {
    const key = { namespace, name: claimName(template, set, ordinal) };
    try {
      await client.patch(PERSISTENT_VOLUME_CLAIMS, key, { metadata: { ownerReferences } }, { type: 'merge' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
