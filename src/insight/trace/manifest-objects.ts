import type { Namespace } from '../../kube/types/core.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { Gateway, GatewayClass } from '../../kube/types/gateway.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { Ingress, IngressClass } from '../../kube/types/networking.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { Service, ServicePort } from '../../kube/types/service.ts';
import { readManifestObjects } from '../policy/index.ts';
import type { ClusterFacts, TraceObjects } from './cluster.ts';

/** Classes that are written nowhere are taken for ours: the question is what would become of the Gateways here. */
const controllerName = 'fairlead.dev/gateway-controller';
const ingressController = 'fairlead.dev/ingress-controller';

/** What manifests would be in a cluster: one pod of each workload, and the endpoints that Services would have. */
export function traceObjectsOf(written: readonly KubeObject[], facts: ClusterFacts): TraceObjects {
  const objects = written.map(inNamespace);
  // An object of a kind has its shape, or any API server refuses it; who reads one that has not says so.
  const ofKind = (kind: string): readonly never[] => objects.filter(object => object.kind === kind) as never;
  const { clusterPolicies = [], namespaces, nodes, pods, policies } = readManifestObjects(objects);
  const services: readonly Service[] = ofKind('Service');
  const gateways: readonly Gateway[] = ofKind('Gateway');
  const classes: readonly GatewayClass[] = ofKind('GatewayClass');
  const named = new Set(classes.map(({ metadata }) => metadata.name));
  const missing = new Set(
    gateways.map(({ spec }) => spec?.gatewayClassName).filter(name => name !== undefined && !named.has(name)),
  );
  const ingresses: readonly Ingress[] = ofKind('Ingress');
  const ingressClasses: readonly IngressClass[] = ofKind('IngressClass');
  const knownClasses = new Set(ingressClasses.map(({ metadata }) => metadata.name));
  const missingClasses = new Set(
    ingresses.flatMap(({ spec }) => spec?.ingressClassName ?? []).filter(name => !knownClasses.has(name)),
  );
  return {
    pods,
    nodes,
    namespaces: withAll(namespaces, objects),
    services,
    endpointSlices: [...ofKind('EndpointSlice'), ...services.flatMap(service => slicesOf(service, pods))],
    networkPolicies: policies,
    clusterNetworkPolicies: clusterPolicies,
    gatewayClasses: [...classes, ...[...missing].map(classNamed)],
    gateways,
    listenerSets: ofKind('ListenerSet'),
    httpRoutes: ofKind('HTTPRoute'),
    grpcRoutes: ofKind('GRPCRoute'),
    tlsRoutes: ofKind('TLSRoute'),
    backendTlsPolicies: ofKind('BackendTLSPolicy'),
    ingressClasses: [...ingressClasses, ...[...missingClasses].map(ingressClassNamed)],
    ingresses,
    referenceGrants: ofKind('ReferenceGrant'),
    facts,
  };
}

const clusterScoped: ReadonlySet<string> = new Set([
  'ClusterNetworkPolicy',
  'GatewayClass',
  'IngressClass',
  'Namespace',
  'Node',
]);

const inNamespace = (object: KubeObject): KubeObject =>
  clusterScoped.has(object.kind) || object.metadata.namespace !== undefined
    ? object
    : { ...object, metadata: { ...object.metadata, namespace: 'default' } };

/** Namespaces that only Gateways and routes name are there, too. */
function withAll(namespaces: readonly Namespace[], objects: readonly KubeObject[]): readonly Namespace[] {
  const known = new Set(namespaces.map(({ metadata }) => metadata.name));
  const others = new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []));
  return [
    ...namespaces,
    ...[...others]
      .filter(name => !known.has(name))
      .map((name): Namespace => ({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
      })),
  ];
}

const classNamed = (name: string): GatewayClass => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'GatewayClass',
  metadata: { name },
  spec: { controllerName },
});

const ingressClassNamed = (name: string): IngressClass => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name },
  spec: { controller: ingressController },
});

/** Every pod that a Service selects is ready. */
function slicesOf({ metadata, spec }: Service, pods: readonly Pod[]): readonly EndpointSlice[] {
  const selector = Object.entries(spec?.selector ?? {});
  if (selector.length === 0) return [];
  const namespace = metadata.namespace ?? 'default';
  return pods
    .filter(
      pod =>
        (pod.metadata.namespace ?? 'default') === namespace &&
        selector.every(([key, value]) => pod.metadata.labels?.[key] === value),
    )
    .flatMap((pod): readonly EndpointSlice[] => {
      const address = pod.status?.podIPs?.find(({ ip }) => !ip.includes(':'))?.ip;
      if (address === undefined) return [];
      const { name } = pod.metadata;
      return [
        {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: {
            name: `${metadata.name}-${name}`,
            namespace,
            labels: { 'kubernetes.io/service-name': metadata.name },
          },
          addressType: 'IPv4',
          endpoints: [
            {
              addresses: [address],
              conditions: { ready: true },
              targetRef: { kind: 'Pod', name, namespace },
            },
          ],
          ports: (spec.ports ?? []).flatMap(port => portAt(port, pod)),
        },
      ];
    });
}

/** A named port is the container's of that name; a pod without one is no endpoint of it. */
function portAt({ name = '', port, protocol = 'TCP', targetPort = port }: ServicePort, { spec }: Pod) {
  if (typeof targetPort === 'number') return [{ name, protocol, port: targetPort }];
  const found = spec.containers.flatMap(({ ports = [] }) => ports).find(one => one.name === targetPort);
  return found === undefined ? [] : [{ name, protocol, port: found.containerPort }];
}
