import { matchesSelector } from '../../kube/selector.ts';
import type { Deployment, ReplicaSet } from '../../kube/types/apps.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { Pod } from '../../kube/types/pod.ts';
import { problemOf } from '../pod-problem.ts';

export type Readiness =
  | { readonly state: 'ready' }
  /** `hopeless`: waiting alone does not mend it. */
  | { readonly state: 'waiting'; readonly why: string; readonly hopeless: boolean };

const ready: Readiness = { state: 'ready' };

/** Kinds that are waited for; every other kind is ready when it is stored. */
export const awaitedKinds: ReadonlySet<string> = new Set(['Pod', 'Deployment', 'ReplicaSet']);

/** Whether a workload does what its spec says, and if not, why; `pods` are those of its namespace. */
export function readinessOf(object: KubeObject, pods: readonly Pod[]): Readiness {
  switch (object.kind) {
    case 'Pod':
      return ofPod(object as Pod);
    case 'Deployment':
      return ofDeployment(object as Deployment, pods);
    case 'ReplicaSet':
      return ofReplicaSet(object as ReplicaSet, pods);
    default:
      return ready;
  }
}

function ofPod(pod: Pod): Readiness {
  const problem = problemOf(pod);
  return problem === undefined ? ready : { state: 'waiting', why: problem.text, hopeless: problem.hopeless };
}

function ofDeployment(deployment: Deployment, pods: readonly Pod[]): Readiness {
  const { spec, status, metadata } = deployment;
  const wanted = spec?.replicas ?? 1;
  const isSeen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  const isDone =
    (status?.updatedReplicas ?? 0) >= wanted &&
    (status?.availableReplicas ?? 0) >= wanted &&
    (status?.replicas ?? 0) <= wanted;
  if (isSeen && isDone) return ready;
  return waiting(
    `${status?.availableReplicas ?? 0} of ${wanted} pods are available`,
    podsOf(deployment, pods),
  );
}

function ofReplicaSet(replicaSet: ReplicaSet, pods: readonly Pod[]): Readiness {
  const { spec, status } = replicaSet;
  const wanted = spec?.replicas ?? 1;
  if ((status?.readyReplicas ?? 0) >= wanted) return ready;
  return waiting(`${status?.readyReplicas ?? 0} of ${wanted} pods are ready`, podsOf(replicaSet, pods));
}

function podsOf(owner: Deployment | ReplicaSet, pods: readonly Pod[]): readonly Pod[] {
  const selector = owner.spec?.selector;
  return selector === undefined
    ? []
    : pods.filter(pod => matchesSelector(selector, pod.metadata.labels ?? {}));
}

function waiting(count: string, pods: readonly Pod[]): Readiness {
  const problems = pods.flatMap(pod => {
    const problem = problemOf(pod);
    return problem === undefined ? [] : [{ ...problem, pod: pod.metadata.name }];
  });
  const worst = problems.find(problem => problem.hopeless) ?? problems[0];
  if (worst === undefined) return { state: 'waiting', why: count, hopeless: false };
  return { state: 'waiting', why: `${count}; pod ${worst.pod} ${worst.text}`, hopeless: worst.hopeless };
}
