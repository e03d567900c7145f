import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from './types/apps.ts';
import type { CronJob, Job } from './types/batch.ts';
import type { ClusterNetworkPolicy } from './types/cluster-network-policy.ts';
import type { ConfigMap, Namespace, Secret, ServiceAccount } from './types/config.ts';
import type { Lease } from './types/coordination.ts';
import type { EndpointSlice } from './types/discovery.ts';
import type { Endpoints } from './types/endpoints.ts';
import type { PodDisruptionBudget } from './types/disruption.ts';
import type { Event } from './types/event.ts';
import type { BackendTLSPolicy } from './types/gateway-policies.ts';
import type { GRPCRoute, HTTPRoute, TCPRoute, TLSRoute, UDPRoute } from './types/gateway-routes.ts';
import type { Gateway, GatewayClass, ListenerSet, ReferenceGrant } from './types/gateway.ts';
import type { KubeObject } from './types/meta.ts';
import type { Ingress, IngressClass, NetworkPolicy, ServiceCIDR } from './types/networking.ts';
import type { Node } from './types/node.ts';
import type { Pod } from './types/pod.ts';
import type { Service } from './types/service.ts';
import type { PersistentVolumeClaim } from './types/volume.ts';

/** Where objects of a kind live in the API. `T` ties the kind to its type; it has no value. */
export interface Resource<out T extends KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly _object?: T;
}

/** What names one object of a resource; cluster-scoped objects have no namespace. */
export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}

export const PODS = namespaced<Pod>('', 'v1', 'Pod', 'pods');
export const SERVICES = namespaced<Service>('', 'v1', 'Service', 'services');
export const CONFIG_MAPS = namespaced<ConfigMap>('', 'v1', 'ConfigMap', 'configmaps');
export const SECRETS = namespaced<Secret>('', 'v1', 'Secret', 'secrets');
export const PERSISTENT_VOLUME_CLAIMS = namespaced<PersistentVolumeClaim>(
  '',
  'v1',
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
);
export const SERVICE_ACCOUNTS = namespaced<ServiceAccount>('', 'v1', 'ServiceAccount', 'serviceaccounts');
export const EVENTS = namespaced<Event>('', 'v1', 'Event', 'events');
export const NODES = clusterScoped<Node>('', 'v1', 'Node', 'nodes');
export const NAMESPACES = clusterScoped<Namespace>('', 'v1', 'Namespace', 'namespaces');

export const DEPLOYMENTS = namespaced<Deployment>('apps', 'v1', 'Deployment', 'deployments');
export const REPLICA_SETS = namespaced<ReplicaSet>('apps', 'v1', 'ReplicaSet', 'replicasets');

export const STATEFUL_SETS = namespaced<StatefulSet>('apps', 'v1', 'StatefulSet', 'statefulsets');
export const DAEMON_SETS = namespaced<DaemonSet>('apps', 'v1', 'DaemonSet', 'daemonsets');
export const CONTROLLER_REVISIONS = namespaced<ControllerRevision>(
  'apps',
  'v1',
  'ControllerRevision',
  'controllerrevisions',
);

export const JOBS = namespaced<Job>('batch', 'v1', 'Job', 'jobs');
export const CRON_JOBS = namespaced<CronJob>('batch', 'v1', 'CronJob', 'cronjobs');

export const POD_DISRUPTION_BUDGETS = namespaced<PodDisruptionBudget>(
  'policy',
  'v1',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
);

export const LEASES = namespaced<Lease>('coordination.k8s.io', 'v1', 'Lease', 'leases');

export const ENDPOINTS = namespaced<Endpoints>('', 'v1', 'Endpoints', 'endpoints');
export const ENDPOINT_SLICES = namespaced<EndpointSlice>(
  'discovery.k8s.io',
  'v1',
  'EndpointSlice',
  'endpointslices',
);

const NETWORKING = 'networking.k8s.io';
export const NETWORK_POLICIES = namespaced<NetworkPolicy>(
  NETWORKING,
  'v1',
  'NetworkPolicy',
  'networkpolicies',
);
export const CLUSTER_NETWORK_POLICIES = clusterScoped<ClusterNetworkPolicy>(
  'policy.networking.k8s.io',
  'v1alpha2',
  'ClusterNetworkPolicy',
  'clusternetworkpolicies',
);
export const INGRESSES = namespaced<Ingress>(NETWORKING, 'v1', 'Ingress', 'ingresses');
export const SERVICE_CIDRS = clusterScoped<ServiceCIDR>(NETWORKING, 'v1', 'ServiceCIDR', 'servicecidrs');
export const INGRESS_CLASSES = clusterScoped<IngressClass>(
  NETWORKING,
  'v1',
  'IngressClass',
  'ingressclasses',
);

const GATEWAY = 'gateway.networking.k8s.io';
export const GATEWAY_CLASSES = clusterScoped<GatewayClass>(GATEWAY, 'v1', 'GatewayClass', 'gatewayclasses');
export const GATEWAYS = namespaced<Gateway>(GATEWAY, 'v1', 'Gateway', 'gateways');
export const LISTENER_SETS = namespaced<ListenerSet>(GATEWAY, 'v1', 'ListenerSet', 'listenersets');
export const HTTP_ROUTES = namespaced<HTTPRoute>(GATEWAY, 'v1', 'HTTPRoute', 'httproutes');
export const GRPC_ROUTES = namespaced<GRPCRoute>(GATEWAY, 'v1', 'GRPCRoute', 'grpcroutes');
export const TLS_ROUTES = namespaced<TLSRoute>(GATEWAY, 'v1', 'TLSRoute', 'tlsroutes');
export const TCP_ROUTES = namespaced<TCPRoute>(GATEWAY, 'v1', 'TCPRoute', 'tcproutes');
export const UDP_ROUTES = namespaced<UDPRoute>(GATEWAY, 'v1', 'UDPRoute', 'udproutes');
export const BACKEND_TLS_POLICIES = namespaced<BackendTLSPolicy>(
  GATEWAY,
  'v1',
  'BackendTLSPolicy',
  'backendtlspolicies',
);
/** v1beta1 is what every release of the Gateway API serves; v1 came late. */
export const REFERENCE_GRANTS = namespaced<ReferenceGrant>(
  GATEWAY,
  'v1beta1',
  'ReferenceGrant',
  'referencegrants',
);

/** `v1`, `apps/v1`: what objects carry as apiVersion. */
export function apiVersionOf(resource: Pick<Resource<KubeObject>, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** `namespace/name`, or `name` for cluster-scoped objects: the key of caches and work queues. */
export function keyOf(object: { readonly metadata: ObjectKey }): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** The inverse of `keyOf`. */
export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** `Kind/namespace/name`, as errors and logs name an object. */
export function describeObject(object: { readonly kind: string; readonly metadata: ObjectKey }): string {
  return `${object.kind}/${keyOf(object)}`;
}

function namespaced<T extends KubeObject>(group: string, version: string, kind: T['kind'], plural: string) {
  return resource<T>(group, version, kind, plural, true);
}

function clusterScoped<T extends KubeObject>(
  group: string,
  version: string,
  kind: T['kind'],
  plural: string,
) {
  return resource<T>(group, version, kind, plural, false);
}

function resource<T extends KubeObject>(
  group: string,
  version: string,
  kind: T['kind'],
  plural: string,
  isNamespaced: boolean,
): Resource<T> {
  return Object.freeze({ group, version, kind, plural, namespaced: isNamespaced });
}
