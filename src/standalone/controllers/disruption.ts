import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/api-error.ts';
import { PODS, keyOf, parseKey } from '../../kube/resources.ts';
import type { Pod } from '../../kube/types/core.ts';
import { withCondition } from './conditions.ts';
import { timestampOf } from '../../kube/timestamps.ts';
import { isTerminated } from './pod-state.ts';

/** core/v1 PodCondition DisruptionTarget: who reads the pod's end learns that it was not the pod's own doing. */
export interface Disruption {
  readonly reason: 'DeletionByTaintManager' | 'DeletionByPodGC';
  readonly message: string;
  /** The node is gone for good: nobody will end the pod's processes or report their end. */
  readonly force: boolean;
}

/** Marks the pod and deletes it; a pod that is gone already is fine. */
export async function disrupt(
  client: KubeClient,
  pod: Pod,
  disruption: Disruption,
  now: number,
): Promise<void> {
  const key = parseKey(keyOf(pod));
  const { uid } = pod.metadata;
  try {
    if (!isTerminated(pod)) {
      const conditions = withCondition(pod.status?.conditions, {
        type: 'DisruptionTarget',
        status: 'True',
        reason: disruption.reason,
        message: disruption.message,
        lastTransitionTime: timestampOf(now),
      });
      const status = { conditions, ...(disruption.force ? { phase: 'Failed' } : {}) };
      const { resourceVersion } = pod.metadata;
      const patch = { metadata: { uid, resourceVersion }, status };
      await client.patch(PODS, key, patch, { type: 'merge', subresource: 'status' });
    }
    await client.delete(PODS, key, {
      ...(uid === undefined ? {} : { preconditions: { uid } }),
      ...(disruption.force ? { gracePeriodSeconds: 0 } : {}),
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
