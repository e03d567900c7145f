import { sentenceOf } from '../../base/errors.ts';
import type { Address, Prefix } from '../../base/ip.ts';
import { buildClusterNames } from '../../dns/index.ts';
import type { ClusterNames } from '../../dns/index.ts';
import type { Namespace } from '../../kube/types/core.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { HTTPRoute } from '../../kube/types/gateway-routes.ts';
import type { Gateway, GatewayClass, ReferenceGrant } from '../../kube/types/gateway.ts';
import type { ObjectMeta } from '../../kube/types/meta.ts';
import type { NetworkPolicy } from '../../kube/types/networking.ts';
import type { Node } from '../../kube/types/node.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { Service } from '../../kube/types/service.ts';
import { readNode } from '../../pods/index.ts';
import type { NodeNetwork } from '../../pods/index.ts';
import { buildPolicyModel } from '../../policy/index.ts';
import type { PolicyModel } from '../../policy/index.ts';
import { buildServiceModel } from '../../services/index.ts';
import type { ServiceModel } from '../../services/index.ts';
import { addressesOf, canonical } from './addresses.ts';
import { readGateways } from './read-gateways.ts';
import type { TracedGateway } from './read-gateways.ts';

/** A whole cluster, as its API server lists it, and the few facts that the API does not tell. */
export interface TraceObjects {
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  readonly namespaces: readonly Namespace[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly networkPolicies: readonly NetworkPolicy[];
  readonly gatewayClasses: readonly GatewayClass[];
  readonly gateways: readonly Gateway[];
  readonly httpRoutes: readonly HTTPRoute[];
  readonly referenceGrants: readonly ReferenceGrant[];
  readonly facts: ClusterFacts;
}

export interface ClusterFacts {
  readonly clusterDomain: string;
  /** The prefixes of the links between nodes; empty where nobody knows. */
  readonly links: readonly { readonly name: string; readonly prefixes: readonly Prefix[] }[];
  /** Addresses of a client outside the cluster. */
  readonly world: readonly Address[];
}

/** The models of all blocks, made once for a trace. */
export interface TracedCluster {
  readonly objects: TraceObjects;
  readonly names: ClusterNames;
  readonly policy: PolicyModel;
  readonly services: ServiceModel;
  /** By `namespace/name`: those of our classes. */
  readonly gateways: ReadonlyMap<string, TracedGateway>;
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, Pod>;
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeNetwork>;
  /** Node names by address. */
  readonly nodesByAddress: ReadonlyMap<string, string>;
  /** Where the cluster's DNS answers, the primary family first. */
  readonly dnsAddresses: readonly string[];
  readonly problems: readonly string[];
}

/** The Service whose addresses pods have in their resolv.conf. */
const dnsService = { namespace: 'kube-system', name: 'kube-dns' } as const;

/** Builds all models. An object that a block cannot read is left out of it, and named. */
export function readCluster(given: TraceObjects): TracedCluster {
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
    gatewayClasses: readable('GatewayClass', given.gatewayClasses, one =>
      readGateways({ ...empty, gatewayClasses: [one] }),
    ),
    gateways: readable('Gateway', given.gateways, one =>
      readGateways({ ...empty, gatewayClasses: [classOf(one)], gateways: [one] }),
    ),
    httpRoutes: readable('HTTPRoute', given.httpRoutes, one =>
      readGateways({
        ...empty,
        gatewayClasses: [classOf(anyGateway)],
        gateways: [anyGateway],
        httpRoutes: [one],
      }),
    ),
  };
  const dns = objects.services.filter(
    ({ metadata }) => metadata.namespace === dnsService.namespace && metadata.name === dnsService.name,
  );
  const policy = buildPolicyModel({
    pods: objects.pods,
    namespaces,
    policies: objects.networkPolicies,
    nodes: objects.nodes,
    nodeLocalServices: dns,
  });
  return {
    objects,
    names: buildClusterNames({ clusterDomain: objects.facts.clusterDomain, ...objects }),
    policy,
    services: buildServiceModel(objects.services, objects.endpointSlices),
    gateways: readGateways(objects),
    pods: new Map(objects.pods.map(pod => [`${pod.metadata.namespace ?? ''}/${pod.metadata.name}`, pod])),
    nodes: new Map(objects.nodes.map(node => [node.metadata.name, readNode(node).network])),
    nodesByAddress: policy.nodesByAddress,
    dnsAddresses: dns.flatMap(({ spec }) => spec.clusterIPs ?? []).flatMap(canonical),
    problems,
  };
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
  httpRoutes: [],
  referenceGrants: [],
  facts,
});

const anyGateway: Gateway = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'any', namespace: 'any' },
  spec: { gatewayClassName: 'any', listeners: [{ name: 'any', port: 80, protocol: 'HTTP' }] },
};

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
