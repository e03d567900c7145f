import { sentenceOf } from '../../base/errors.ts';
import { buildClusterNames } from '../../dns/index.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { Gateway, GatewayClass } from '../../kube/types/gateway.ts';
import type { ObjectMeta } from '../../kube/types/meta.ts';
import type { Ingress, IngressClass, NetworkPolicy } from '../../kube/types/networking.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { Service } from '../../kube/types/service.ts';
import { readNode } from '../../pods/index.ts';
import { buildPolicyModel } from '../../policy/index.ts';
import { buildServiceModel } from '../../services/index.ts';
import { addressesOf } from './addresses.ts';
import type { TraceObjects } from './cluster.ts';
import { readGateways } from './read-gateways.ts';

/** Without the objects that a block cannot read, each of which is named: they are few, and the others are traced. */
export function readableObjects(given: TraceObjects): {
  readonly objects: TraceObjects;
  readonly problems: readonly string[];
} {
  const problems: string[] = [];
  const readable = <T>(kind: string, list: readonly T[], read: (one: T) => unknown): readonly T[] =>
    list.filter(one => {
      try {
        read(one);
        return true;
      } catch (error) {
        problems.push(`${kind}/${nameOf(one)} cannot be read: ${sentenceOf(error)}`);
        return false;
      }
    });
  const empty = emptyObjects(given);
  const oneGateway = { ...empty, gatewayClasses: [classOf(anyGateway)], gateways: [anyGateway] };
  const nothing = { pods: [], namespaces: [], policies: [], nodes: [], nodeLocalServices: [] };
  const noNames = { clusterDomain: 'x', namespaces: [], services: [], endpointSlices: [] };
  const namespaces = readable('Namespace', given.namespaces, one => {
    buildPolicyModel({ ...nothing, namespaces: [one] });
    buildClusterNames({ ...noNames, namespaces: [one] });
  });
  const objects: TraceObjects = {
    ...given,
    namespaces,
    pods: readable('Pod', given.pods, one => {
      buildPolicyModel({ ...nothing, namespaces, pods: [one], policies: [everything(one)] });
      addressesOf(one);
    }),
    nodes: readable('Node', given.nodes, one => {
      readNode(one);
      buildPolicyModel({ ...nothing, nodes: [one] });
    }),
    services: readable('Service', given.services, one => {
      buildServiceModel([one], []);
      buildClusterNames({ ...noNames, services: [one] });
      buildPolicyModel({ ...nothing, nodeLocalServices: [one] });
    }),
    endpointSlices: readable('EndpointSlice', given.endpointSlices, one => {
      buildServiceModel([serviceFor(one)], [one]);
      buildClusterNames({ ...noNames, endpointSlices: [one] });
    }),
    networkPolicies: readable('NetworkPolicy', given.networkPolicies, one =>
      buildPolicyModel({ ...nothing, policies: [one] }),
    ),
    clusterNetworkPolicies: readable('ClusterNetworkPolicy', given.clusterNetworkPolicies ?? [], one =>
      buildPolicyModel({ ...nothing, clusterPolicies: [one] }),
    ),
    gatewayClasses: readable('GatewayClass', given.gatewayClasses, one =>
      readGateways({ ...empty, gatewayClasses: [one] }),
    ),
    gateways: readable('Gateway', given.gateways, one =>
      readGateways({ ...empty, gatewayClasses: [classOf(one)], gateways: [one] }),
    ),
    listenerSets: readable('ListenerSet', given.listenerSets, one =>
      readGateways({ ...oneGateway, listenerSets: [one] }),
    ),
    httpRoutes: readable('HTTPRoute', given.httpRoutes, one =>
      readGateways({ ...oneGateway, httpRoutes: [one] }),
    ),
    grpcRoutes: readable('GRPCRoute', given.grpcRoutes, one =>
      readGateways({ ...oneGateway, grpcRoutes: [one] }),
    ),
    ingressClasses: readable('IngressClass', given.ingressClasses, one =>
      readGateways({ ...empty, ingressClasses: [one] }),
    ),
    ingresses: readable('Ingress', given.ingresses, one =>
      readGateways({ ...empty, ingressClasses: [anyIngressClass], ingresses: [inAnyClass(one)] }),
    ),
    tlsRoutes: readable('TLSRoute', given.tlsRoutes, one =>
      readGateways({ ...oneGateway, tlsRoutes: [one] }),
    ),
  };
  return { objects, problems };
}

/** A policy that looks at all labels of a pod. */
function everything({ metadata }: Pod): NetworkPolicy {
  const { namespace = '' } = metadata;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'everything', namespace },
    spec: { podSelector: { matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] } },
  };
}

/** A Service that looks at all endpoints of a slice. */
function serviceFor({ metadata, ports }: EndpointSlice): Service {
  const { namespace = '', labels } = metadata;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name: labels?.['kubernetes.io/service-name'] ?? '' },
    spec: {
      clusterIPs: ['192.0.2.1', '2001:db8::1'],
      ports: (ports ?? []).map(({ name = '', protocol = 'TCP' }, index) => ({
        name,
        protocol,
        port: index + 1,
      })),
    },
  };
}

const emptyObjects = ({ facts }: TraceObjects): TraceObjects => ({
  pods: [],
  nodes: [],
  namespaces: [],
  services: [],
  endpointSlices: [],
  networkPolicies: [],
  gatewayClasses: [],
  gateways: [],
  listenerSets: [],
  httpRoutes: [],
  grpcRoutes: [],
  tlsRoutes: [],
  backendTlsPolicies: [],
  ingressClasses: [],
  ingresses: [],
  referenceGrants: [],
  facts,
});

const anyGateway: Gateway = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'any', namespace: 'any' },
  spec: { gatewayClassName: 'any', listeners: [{ name: 'any', port: 80, protocol: 'HTTP' }] },
};

const anyIngressClass: IngressClass = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'any' },
  spec: { controller: 'fairlead.dev/ingress-controller' },
};

const inAnyClass = (ingress: Ingress): Ingress => ({
  ...ingress,
  spec: { ...ingress.spec, ingressClassName: 'any' },
});

const classOf = ({ spec }: Gateway): GatewayClass => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'GatewayClass',
  metadata: { name: spec.gatewayClassName },
  spec: { controllerName: 'fairlead.dev/gateway-controller' },
});

function nameOf(object: unknown): string {
  const { metadata } = (object ?? {}) as { readonly metadata?: Partial<ObjectMeta> };
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}
