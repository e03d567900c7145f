import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import {
  CONFIG_MAPS,
  CONTROLLER_REVISIONS,
  CRON_JOBS,
  DAEMON_SETS,
  DEPLOYMENTS,
  ENDPOINTS,
  ENDPOINT_SLICES,
  JOBS,
  GATEWAYS,
  LEASES,
  NAMESPACES,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
  POD_DISRUPTION_BUDGETS,
  REPLICA_SETS,
  SECRETS,
  SERVICE_ACCOUNTS,
  SERVICES,
  STATEFUL_SETS,
} from '../../kube/resources.ts';
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from '../../kube/types/apps.ts';
import type { CronJob, Job } from '../../kube/types/batch.ts';
import type {
  ConfigMap,
  Namespace,
  Node,
  PersistentVolumeClaim,
  Pod,
  Secret,
  ServiceAccount,
} from '../../kube/types/core.ts';
import type { Lease } from '../../kube/types/coordination.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { Endpoints } from '../../kube/types/endpoints.ts';
import type { Gateway } from '../../kube/types/gateway.ts';
import type { PodDisruptionBudget } from '../../kube/types/disruption.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { Service } from '../../kube/types/service.ts';
import { serviceKeyOf } from './endpoint-slices/plan.ts';
import { DEFAULT_SERVICE_ACCOUNT, NODE_LEASE_NAMESPACE, ROOT_CERTIFICATE_CONFIG_MAP } from './names.ts';
import { controllerOf } from './ownership.ts';

/** One informer a kind for all controllers, and only the objects that some controller reads. */
export interface SharedInformers {
  /** Indexes: `controller` (see `controllerIndex`), `namespace`, `node`. */
  readonly pods: Informer<Pod>;
  /** Indexes: `controller`, `namespace`. */
  readonly replicaSets: Informer<ReplicaSet>;
  /** Index: `namespace`. */
  readonly deployments: Informer<Deployment>;
  /** Index: `namespace`. */
  readonly statefulSets: Informer<StatefulSet>;
  /** Index: `namespace`. */
  readonly daemonSets: Informer<DaemonSet>;
  /** Index: `controller`. */
  readonly controllerRevisions: Informer<ControllerRevision>;
  /** Indexes: `controller`, `namespace`. */
  readonly jobs: Informer<Job>;
  readonly cronJobs: Informer<CronJob>;
  /** Index: `namespace`. */
  readonly disruptionBudgets: Informer<PodDisruptionBudget>;
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly nodes: Informer<Node>;
  readonly namespaces: Informer<Namespace>;
  /** Index: `namespace`. */
  readonly services: Informer<Service>;
  /** Index: `service` (see `serviceKeyOf`). */
  readonly endpointSlices: Informer<EndpointSlice>;
  readonly endpoints: Informer<Endpoints>;
  /** The nodes' heartbeats. */
  readonly leases: Informer<Lease>;
  /** Those named `default`. */
  readonly serviceAccounts: Informer<ServiceAccount>;
  /** Those named `kube-root-ca.crt`. */
  readonly rootCertificates: Informer<ConfigMap>;
  readonly gateways: Informer<Gateway>;
  /** Those of type kubernetes.io/tls. */
  readonly tlsSecrets: Informer<Secret>;
}

/** Fills all of them; resolves when every cache holds the server's state. */
export async function startInformers(informers: SharedInformers, signal: AbortSignal): Promise<void> {
  const all = Object.values(informers) as readonly Informer<KubeObject>[]; // their kinds do not matter here
  for (const informer of all) informer.start(signal);
  await Promise.all(all.map(informer => informer.synced));
}

export function createInformers(client: KubeClient, clock: Clock, log: Log): SharedInformers {
  const options = { clock, log };
  const controller = (object: KubeObject) => [controllerIndex(object)];
  const namespace = (object: KubeObject) => [object.metadata.namespace ?? ''];
  const named = (name: string) => ({ ...options, fieldSelector: `metadata.name=${name}` });
  return {
    pods: new Informer(client, PODS, {
      ...options,
      indexes: { controller, namespace, node: pod => (pod.spec.nodeName ? [pod.spec.nodeName] : []) },
    }),
    replicaSets: new Informer(client, REPLICA_SETS, { ...options, indexes: { controller, namespace } }),
    deployments: new Informer(client, DEPLOYMENTS, { ...options, indexes: { namespace } }),
    statefulSets: new Informer(client, STATEFUL_SETS, { ...options, indexes: { namespace } }),
    daemonSets: new Informer(client, DAEMON_SETS, { ...options, indexes: { namespace } }),
    controllerRevisions: new Informer(client, CONTROLLER_REVISIONS, { ...options, indexes: { controller } }),
    jobs: new Informer(client, JOBS, { ...options, indexes: { controller, namespace } }),
    cronJobs: new Informer(client, CRON_JOBS, options),
    disruptionBudgets: new Informer(client, POD_DISRUPTION_BUDGETS, { ...options, indexes: { namespace } }),
    claims: new Informer(client, PERSISTENT_VOLUME_CLAIMS, { ...options, indexes: { namespace } }),
    nodes: new Informer(client, NODES, options),
    namespaces: new Informer(client, NAMESPACES, options),
    services: new Informer(client, SERVICES, { ...options, indexes: { namespace } }),
    endpointSlices: new Informer(client, ENDPOINT_SLICES, {
      ...options,
      indexes: { service: slice => [serviceKeyOf(slice)] },
    }),
    endpoints: new Informer(client, ENDPOINTS, options),
    leases: new Informer(client, LEASES, { ...options, namespace: NODE_LEASE_NAMESPACE }),
    serviceAccounts: new Informer(client, SERVICE_ACCOUNTS, named(DEFAULT_SERVICE_ACCOUNT)),
    rootCertificates: new Informer(client, CONFIG_MAPS, named(ROOT_CERTIFICATE_CONFIG_MAP)),
    gateways: new Informer(client, GATEWAYS, options),
    tlsSecrets: new Informer(client, SECRETS, { ...options, fieldSelector: 'type=kubernetes.io/tls' }),
  };
}

/** The value of index `controller`: the controlling owner's uid, or `orphan/NAMESPACE` where there is none. */
export function controllerIndex(object: KubeObject): string {
  return controllerOf(object)?.uid ?? orphanIndex(object.metadata.namespace ?? '');
}

export const orphanIndex = (namespace: string): string => `orphan/${namespace}`;
