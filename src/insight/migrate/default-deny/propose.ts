import type { ConfigMap, Namespace } from '../../../kube/types/config.ts';
import type { EndpointSlice } from '../../../kube/types/discovery.ts';
import type { Gateway } from '../../../kube/types/gateway.ts';
import type { LabelSelector } from '../../../kube/types/meta.ts';
import type {
  Ingress,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicySpec,
} from '../../../kube/types/networking.ts';
import type { Pod } from '../../../kube/types/pod.ts';
import type { Service } from '../../../kube/types/service.ts';
import { backendsOfIngress, routesOf } from '../../route-backends.ts';
import type { Route, RouteBackend, RouteLists } from '../../route-backends.ts';
import { findEdges, proxyEdges, resolverOf, targetsOf, workloadsBehind } from './find-edges.ts';
import type { Edge, EdgePort } from './find-edges.ts';
import { workloadsOf } from './workloads.ts';
import type { Workload } from './workloads.ts';

export interface DefaultDenyObjects extends RouteLists {
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly configMaps: readonly ConfigMap[];
  readonly gateways: readonly Gateway[];
  readonly ingresses: readonly Ingress[];
}

/** A policy to review, with what it stands on. */
export interface ProposedPolicy {
  readonly policy: NetworkPolicy;
  readonly because: readonly string[];
}

export interface Proposal {
  /** Namespace by namespace; the one that closes it is the last. */
  readonly policies: readonly ProposedPolicy[];
  readonly edges: readonly Edge[];
  /** What a person has to know or decide, in sentences. */
  readonly open: readonly string[];
}

const systemNamespaces: ReadonlySet<string> = new Set(['kube-system', 'kube-public', 'kube-node-lease']);
const namespaceLabel = 'kubernetes.io/metadata.name';
const gatewayLabel = 'gateway.networking.k8s.io/gateway-name';
/** Addresses that are nobody’s on the Internet: a connection to the world does not need them (RFC 1918, RFC 6598, RFC 4193). */
const inside = {
  v4: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'],
  v6: ['fc00::/7'],
} as const;

/**
 * Policies that close namespaces in both directions and open what is declared: Services that settings name, routes and
 * Ingresses, load balancers, DNS, and the API server for pods with an account of their own. `namespaces` empty: all but
 * the system’s.
 */
export function proposeDefaultDeny(
  objects: DefaultDenyObjects,
  options: { readonly namespaces: readonly string[]; readonly clusterDomain: string },
): Proposal {
  const found = workloadsOf(objects.pods);
  const proxies = proxiesOf(objects.gateways, found);
  const workloads = [...found, ...proxies.filter(({ pods }) => pods.length === 0)];
  const routes = routesOf(objects);
  const resolver = resolverOf(objects.services, options.clusterDomain);
  const edges = [
    ...findEdges(found, objects.services, objects.configMaps, resolver),
    ...proxyEdges(proxies, routes, objects.services, found),
  ];
  const entrances = findEntrances(objects, routes, workloads, proxies);
  const chosen = [...new Set(workloads.map(({ namespace }) => namespace))].filter(name =>
    options.namespaces.length === 0 ? !systemNamespaces.has(name) : options.namespaces.includes(name),
  );
  const apiServer = apiServerEnds(objects);
  const open: string[] = [];
  const policies = chosen.flatMap(namespace => {
    const own = workloads.filter(workload => workload.namespace === namespace);
    const nameless = own.filter(({ selector }) => Object.keys(selector.matchLabels ?? {}).length === 0);
    for (const { key } of nameless)
      open.push(
        `${key} has no labels that last: give its pods one, it is closed and nothing can be opened for it.`,
      );
    return [
      allowDns(namespace),
      ...own
        .filter(workload => !nameless.includes(workload))
        .flatMap(workload => [
          ...incoming(workload, edges, entrances, open),
          ...outgoing(workload, edges, apiServer, open),
        ]),
      deny(namespace),
    ];
  });
  const quiet = workloads.filter(
    ({ key, namespace }) =>
      chosen.includes(namespace) &&
      !edges.some(({ from }) => from.key === key) &&
      !edges.some(({ to }) => to !== 'world' && to.workloads.some(one => one.key === key)) &&
      !entrances.some(({ workload }) => workload.key === key),
  );
  if (quiet.length > 0)
    open.push(
      `Nothing declares who speaks to ${quiet.map(({ key }) => key).join(', ')}: look at fairlead flows --verdict allowed before closing them.`,
    );
  return {
    policies,
    edges: edges.filter(({ from }) => chosen.includes(from.namespace)),
    open: [...new Set(open)],
  };
}

/** Who from outside of the workloads reaches one, by what declares it. */
interface Entrance extends Opening {
  readonly workload: Workload;
}

/** The pods that serve a Gateway; where none are known yet, those that its controller will make. */
interface Proxy extends Workload {
  /** `namespace/name` */
  readonly gateway: string;
  readonly ports: readonly EdgePort[];
}

function proxiesOf(gateways: readonly Gateway[], workloads: readonly Workload[]): readonly Proxy[] {
  return gateways.flatMap(({ metadata, spec }): readonly Proxy[] => {
    const { name, namespace = 'default' } = metadata;
    const gateway = `${namespace}/${name}`;
    const ports = unique(
      spec.listeners.map(({ port, protocol }) => ({ protocol: protocol === 'UDP' ? 'UDP' : 'TCP', port })),
    );
    const own = workloads.filter(
      workload => workload.namespace === namespace && workload.selector.matchLabels?.[gatewayLabel] === name,
    );
    const selector = { matchLabels: { [gatewayLabel]: name } };
    return own.length > 0
      ? own.map(workload => ({ ...workload, gateway, ports }))
      : [{ key: gateway, gateway, namespace, name, selector, pods: [], serviceAccount: 'default', ports }];
  });
}

function findEntrances(
  objects: DefaultDenyObjects,
  routes: readonly Route[],
  workloads: readonly Workload[],
  proxies: readonly Proxy[],
): readonly Entrance[] {
  const listening = proxies
    .filter(({ pods }) => pods.length === 0)
    .map(workload => ({
      workload,
      peers: worldPeers([]),
      ports: workload.ports,
      because: `Gateway ${workload.gateway} listens there`,
    }));
  const services = new Map(
    objects.services.map(service => [
      `${service.metadata.namespace ?? 'default'}/${service.metadata.name}`,
      service,
    ]),
  );
  const published = objects.services
    .filter(({ spec }) => spec.type === 'LoadBalancer' || spec.type === 'NodePort')
    .flatMap(service =>
      workloadsBehind(service, workloads).map(workload => ({
        workload,
        peers: worldPeers(service.spec.loadBalancerSourceRanges ?? []),
        ports: targetsOf(service, undefined),
        because: `Service ${service.metadata.name} is of type ${service.spec.type ?? ''}`,
      })),
    );
  const ledTo = (
    { object, port, service: key }: RouteBackend,
    peers: readonly NetworkPolicyPeer[],
    hint: string,
  ): readonly Entrance[] => {
    const service = services.get(key);
    if (service === undefined) return [];
    return workloadsBehind(service, workloads).map(workload => ({
      workload,
      peers,
      ports: targetsOf(service, port),
      because: `${object.kind} ${object.metadata.namespace ?? 'default'}/${object.metadata.name} leads to ${port === undefined ? '' : `port ${port} of `}Service ${service.metadata.name}${hint}`,
    }));
  };
  return [
    ...listening,
    ...published,
    ...objects.ingresses
      .flatMap(backendsOfIngress)
      .flatMap(backend =>
        ledTo(
          backend,
          [{ namespaceSelector: {} }],
          '; narrow the peer to your Ingress controller’s namespace',
        ),
      ),
    ...routes.flatMap(route =>
      route.backends.flatMap(backend =>
        route.kind === 'TCPRoute' || route.kind === 'UDPRoute'
          ? ledTo(
              backend,
              [...gatewayPeers(route), ...worldPeers([])],
              '; a Gateway without a proxy for it shows the pods its clients’ addresses: narrow them',
            )
          : ledTo(backend, gatewayPeers(route), ''),
      ),
    ),
  ];
}

const gatewayPeers = ({ metadata, parentRefs }: Route): readonly NetworkPolicyPeer[] =>
  parentRefs
    // A route of a mesh has a Service as its parent.
    .filter(({ kind = 'Gateway' }) => kind === 'Gateway')
    .map(parent => ({
      namespaceSelector: namespaced(parent.namespace ?? metadata.namespace ?? 'default'),
      podSelector: { matchLabels: { [gatewayLabel]: parent.name } },
    }));

const worldPeers = (ranges: readonly string[]): readonly NetworkPolicyPeer[] =>
  (ranges.length === 0 ? ['0.0.0.0/0', '::/0'] : ranges).map(cidr => ({ ipBlock: { cidr: cidr.trim() } }));

/** Connections that a policy opens at one end: their other ends, their ports, and what declares them. */
interface Opening {
  readonly peers: readonly NetworkPolicyPeer[];
  readonly ports: readonly EdgePort[];
  readonly because: string;
}

/**
 * In a NetworkPolicy a list of no peers is everybody, and one of no ports every port: what would be written so is left
 * closed, and a person is told.
 */
function definite({ key }: Workload, openings: readonly Opening[], open: string[]): readonly Opening[] {
  return openings.filter(({ because, peers, ports }) => {
    if (peers.length > 0 && ports.length > 0) return true;
    open.push(
      `${key}: ${because}, but ${peers.length === 0 ? 'nothing says who speaks there' : 'nothing says which port'}: it stays closed, open it by hand.`,
    );
    return false;
  });
}

/** Where the API server is behind its Service: policies see the address after the translation. */
const apiServerEnds = ({ endpointSlices }: DefaultDenyObjects): readonly Omit<Opening, 'because'>[] =>
  endpointSlices
    .filter(
      ({ metadata }) =>
        metadata.namespace === 'default' && metadata.labels?.['kubernetes.io/service-name'] === 'kubernetes',
    )
    .map(({ addressType, endpoints, ports }) => ({
      peers: (endpoints ?? []).flatMap(({ addresses }) =>
        addresses.map(address => ({
          ipBlock: { cidr: `${address}/${addressType === 'IPv4' ? 32 : 128}` },
        })),
      ),
      ports: (ports ?? []).flatMap(({ port }) =>
        port === undefined || port === null ? [] : [{ protocol: 'TCP' as const, port }],
      ),
    }))
    .filter(({ peers, ports }) => peers.length > 0 && ports.length > 0);

function incoming(
  workload: Workload,
  edges: readonly Edge[],
  entrances: readonly Entrance[],
  open: string[],
): readonly ProposedPolicy[] {
  const from = edges.flatMap(edge =>
    edge.to !== 'world' && edge.to.workloads.some(({ key }) => key === workload.key)
      ? [
          {
            peers: [peerOf(edge.from, workload.namespace)],
            ports: edge.ports,
            because: `${edge.from.key}: ${edge.because}`,
          },
        ]
      : [],
  );
  const openings = definite(
    workload,
    [...from, ...entrances.filter(one => one.workload.key === workload.key)],
    open,
  );
  if (openings.length === 0) return [];
  const ingress = openings.map(({ peers, ports }) => ({ from: peers, ports: unique(ports) }));
  return [
    proposed(
      workload,
      'ingress',
      { podSelector: workload.selector, policyTypes: ['Ingress'], ingress },
      openings,
    ),
  ];
}

function outgoing(
  workload: Workload,
  edges: readonly Edge[],
  apiServer: readonly Omit<Opening, 'because'>[],
  open: string[],
): readonly ProposedPolicy[] {
  const declared = edges
    .filter(({ from }) => from.key === workload.key)
    .flatMap((edge): readonly Opening[] => {
      const { because, ports, to } = edge;
      if (to === 'world') return [{ peers: theWorld, ports, because }];
      if (to.workloads.length === 0) {
        const { metadata } = to.service;
        open.push(
          `${workload.key}: ${because}, but Service ${metadata.namespace ?? 'default'}/${metadata.name} selects no pod that is known: open its addresses by hand.`,
        );
        return [];
      }
      return [{ peers: to.workloads.map(one => peerOf(one, workload.namespace)), ports, because }];
    });
  const asksApi = workload.serviceAccount !== 'default';
  if (asksApi && apiServer.length === 0)
    open.push(
      `${workload.key} has the account ${workload.serviceAccount} and may ask the API server, whose addresses are not known here.`,
    );
  const because = `it has the account ${workload.serviceAccount}, so that it may ask the API server`;
  const openings = [
    ...definite(workload, declared, open),
    ...(asksApi ? apiServer.map(end => ({ ...end, because })) : []),
  ];
  if (openings.length === 0) return [];
  const egress = openings.map(({ peers, ports }) => ({ to: peers, ports: unique(ports) }));
  return [
    proposed(
      workload,
      'egress',
      { podSelector: workload.selector, policyTypes: ['Egress'], egress },
      openings,
    ),
  ];
}

const theWorld: readonly NetworkPolicyPeer[] = [
  { ipBlock: { cidr: '0.0.0.0/0', except: inside.v4 } },
  { ipBlock: { cidr: '::/0', except: inside.v6 } },
];

function proposed(
  { name, namespace }: Workload,
  direction: 'ingress' | 'egress',
  spec: NetworkPolicySpec,
  openings: readonly Opening[],
): ProposedPolicy {
  // 253 characters are a name’s most.
  return {
    policy: policyNamed(namespace, `${name.slice(0, 240)}-${direction}`, spec),
    because: [...new Set(openings.map(({ because }) => because))],
  };
}

function peerOf({ namespace, selector }: Workload, from: string): NetworkPolicyPeer {
  return namespace === from
    ? { podSelector: selector }
    : { namespaceSelector: namespaced(namespace), podSelector: selector };
}

const namespaced = (name: string): LabelSelector => ({ matchLabels: { [namespaceLabel]: name } });

const unique = (ports: readonly EdgePort[]): readonly EdgePort[] => [
  ...new Map(ports.map(port => [`${port.protocol} ${port.port}`, port])).values(),
];

const policyNamed = (namespace: string, name: string, spec: NetworkPolicySpec): NetworkPolicy => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace },
  spec,
});

const allowDns = (namespace: string): ProposedPolicy => ({
  policy: policyNamed(namespace, 'allow-dns', {
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [
      {
        to: [
          {
            namespaceSelector: namespaced('kube-system'),
            podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
          },
        ],
        ports: [
          { protocol: 'UDP', port: 53 },
          { protocol: 'TCP', port: 53 },
        ],
      },
    ],
  }),
  because: ['every pod asks the cluster’s DNS'],
});

const deny = (namespace: string): ProposedPolicy => ({
  policy: policyNamed(namespace, 'default-deny', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
  because: ['what no policy opens is closed'],
});
