import { matchesSelector } from '../../kube/selector.ts';
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../../kube/types/apps.ts';
import type { Job } from '../../kube/types/batch.ts';
import type { HTTPRoute } from '../../kube/types/gateway-routes.ts';
import type { Gateway } from '../../kube/types/gateway.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { Service } from '../../kube/types/service.ts';
import { problemOf } from '../pod-problem.ts';
import { gatewayReadiness, loadBalancerReadiness, routeReadiness } from './network-readiness.ts';

export type Readiness =
  | { readonly state: 'ready' }
  /** `hopeless`: waiting alone does not mend it. */
  | { readonly state: 'waiting'; readonly why: string; readonly hopeless: boolean };

const ready: Readiness = { state: 'ready' };

/** What the objects of one namespace are judged by, beside themselves. */
export interface Surroundings {
  readonly pods: readonly Pod[];
  readonly deployments: readonly Deployment[];
}

const workloadKinds: ReadonlySet<string> = new Set([
  'Pod',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
]);

/** What runs; it is waited for. */
export const isWorkload = ({ kind }: KubeObject): boolean => workloadKinds.has(kind);

/** What leads into the cluster; it is waited for too. Every other object is ready when it is stored. */
export function isEntrance(object: KubeObject): boolean {
  if (object.kind === 'Service') return (object as Service).spec.type === 'LoadBalancer'; // the kind says its type
  return object.kind === 'Gateway' || object.kind === 'HTTPRoute';
}

/** Whether an object does what its spec says, and if not, why. */
export function readinessOf(object: KubeObject, around: Surroundings): Readiness {
  // The kind says which type it is.
  switch (object.kind) {
    case 'Pod':
      return ofPod(object as Pod);
    case 'Deployment':
      return ofDeployment(object as Deployment, around.pods);
    case 'ReplicaSet':
      return ofReplicaSet(object as ReplicaSet, around.pods);
    case 'StatefulSet':
      return ofStatefulSet(object as StatefulSet, around.pods);
    case 'DaemonSet':
      return ofDaemonSet(object as DaemonSet, around.pods);
    case 'Job':
      return ofJob(object as Job, around.pods);
    case 'Service':
      return loadBalancerReadiness(object as Service);
    case 'Gateway':
      return ofGateway(object as Gateway, around);
    case 'HTTPRoute':
      return routeReadiness(object as HTTPRoute);
    default:
      return ready;
  }
}

/** Programmed, and all of its proxies are there: one that is missing is missed when another one ends. */
function ofGateway(gateway: Gateway, { deployments, pods }: Surroundings): Readiness {
  const programmed = gatewayReadiness(gateway);
  if (programmed.state === 'waiting' && programmed.hopeless) return programmed;
  const { name } = gateway.metadata;
  const proxies = deployments.filter(
    it => it.metadata.labels?.['gateway.networking.k8s.io/gateway-name'] === name,
  );
  const waits = proxies.map(it => ofDeployment(it, pods)).find(it => it.state === 'waiting');
  return waits ?? programmed;
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

/** Places below the partition keep their revision, and with OnDelete all do. */
function ofStatefulSet(set: StatefulSet, pods: readonly Pod[]): Readiness {
  const { spec, status, metadata } = set;
  const wanted = spec.replicas ?? 1;
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  const updated = type === 'OnDelete' ? 0 : Math.max(0, wanted - (rollingUpdate?.partition ?? 0));
  const isSeen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  const isDone = (status?.updatedReplicas ?? 0) >= updated && (status?.availableReplicas ?? 0) >= wanted;
  if (isSeen && isDone) return ready;
  return waiting(`${status?.availableReplicas ?? 0} of ${wanted} pods are available`, podsOf(set, pods));
}

function ofDaemonSet(set: DaemonSet, pods: readonly Pod[]): Readiness {
  const { spec, status, metadata } = set;
  const wanted = status?.desiredNumberScheduled ?? 0;
  const updated = spec.updateStrategy?.type === 'OnDelete' ? 0 : wanted;
  const isSeen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  const isDone = (status?.updatedNumberScheduled ?? 0) >= updated && (status?.numberAvailable ?? 0) >= wanted;
  if (isSeen && isDone) return ready;
  return waiting(`${status?.numberAvailable ?? 0} of ${wanted} nodes have it`, podsOf(set, pods));
}

/** A Job is at work when a pod of it is, or was with success; how long it takes is its own affair. */
function ofJob(job: Job, pods: readonly Pod[]): Readiness {
  const { spec, status } = job;
  const failed = status?.conditions?.find(each => each.type === 'Failed' && each.status === 'True');
  if (failed !== undefined)
    return {
      state: 'waiting',
      why: `it has failed: ${failed.message ?? failed.reason ?? ''}`,
      hopeless: true,
    };
  const isAtWork = (status?.ready ?? 0) > 0 || (status?.succeeded ?? 0) > 0;
  if (isAtWork || spec.suspend === true) return ready;
  return waiting('no pod of it is at work yet', podsOf(job, pods));
}

function podsOf(
  owner: Deployment | ReplicaSet | StatefulSet | DaemonSet | Job,
  pods: readonly Pod[],
): readonly Pod[] {
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
