import type { ConfigMap, Namespace } from '../../../kube/types/config.ts';
import type { EndpointSlice } from '../../../kube/types/discovery.ts';
import type { HTTPRoute } from '../../../kube/types/gateway-routes.ts';
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
import { backendsOf } from '../../route-backends.ts';
import { findEdges, proxyEdges, resolverOf, targetOf, workloadsBehind } from './find-edges.ts';
import type { Edge, EdgePort } from './find-edges.ts';
import { workloadsOf } from './workloads.ts';
import type { Workload } from './workloads.ts';

export interface DefaultDenyObjects {
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly configMaps: readonly ConfigMap[];
  readonly gateways: readonly Gateway[];
  readonly httpRoutes: readonly HTTPRoute[];
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
  const resolver = resolverOf(objects.services, options.clusterDomain);
  const edges = [
    ...findEdges(found, objects.services, objects.configMaps, resolver),
    ...proxyEdges(proxies, objects.httpRoutes, objects.services, found),
  ];
  const entrances = findEntrances(objects, workloads, proxies);
  const chosen = [...new Set(workloads.map(({ namespace }) => namespace))].filter(name =>
    options.namespaces.length === 0 ? !systemNamespaces.has(name) : options.namespaces.includes(name),
  );
  const apiServer = apiServerPeers(objects);
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
          ...incoming(workload, edges, entrances),
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
  return { policies, edges: edges.filter(({ from }) => chosen.includes(from.namespace)), open };
}

/** Who from outside of the workloads reaches one, by what declares it. */
interface Entrance {
  readonly workload: Workload;
  readonly peers: readonly NetworkPolicyPeer[];
  readonly ports: readonly EdgePort[];
  readonly because: string;
}

/** The pods that serve a Gateway; where none are known yet, those that its controller will make. */
interface Proxy extends Workload {
  /** `namespace/name` */
  readonly gateway: string;
  readonly ports: readonly number[];
}

function proxiesOf(gateways: readonly Gateway[], workloads: readonly Workload[]): readonly Proxy[] {
  return gateways.flatMap(({ metadata, spec }): readonly Proxy[] => {
    const { name, namespace = 'default' } = metadata;
    const gateway = `${namespace}/${name}`;
    const ports = [...new Set(spec.listeners.map(({ port }) => port))];
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
  workloads: readonly Workload[],
  proxies: readonly Proxy[],
): readonly Entrance[] {
  const listening = proxies
    .filter(({ pods }) => pods.length === 0)
    .map(workload => ({
      workload,
      peers: worldPeers([]),
      ports: workload.ports.map(port => ({ protocol: 'TCP' as const, port })),
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
        ports: (service.spec.ports ?? []).map(targetOf),
        because: `Service ${service.metadata.name} is of type ${service.spec.type ?? ''}`,
      })),
    );
  const routed = backendsOf(objects.ingresses, objects.httpRoutes).flatMap(
    ({ object, port, service: key }) => {
      const service = services.get(key);
      if (service === undefined) return [];
      const ports = (service.spec.ports ?? []).filter(
        one => port === undefined || one.name === port || String(one.port) === port,
      );
      const peers =
        object.kind === 'HTTPRoute'
          ? gatewayPeers(objects.httpRoutes, object.metadata)
          : [{ namespaceSelector: {} }];
      return workloadsBehind(service, workloads).map(workload => ({
        workload,
        peers,
        ports: ports.map(targetOf),
        because: `${object.kind} ${object.metadata.namespace ?? 'default'}/${object.metadata.name} leads to Service ${service.metadata.name}${object.kind === 'Ingress' ? '; narrow the peer to your Ingress controller’s namespace' : ''}`,
      }));
    },
  );
  return [...listening, ...published, ...routed];
}

function gatewayPeers(
  routes: readonly HTTPRoute[],
  { name, namespace = 'default' }: { readonly name: string; readonly namespace?: string },
): readonly NetworkPolicyPeer[] {
  const route = routes.find(
    ({ metadata }) => metadata.name === name && (metadata.namespace ?? 'default') === namespace,
  );
  return (route?.spec.parentRefs ?? []).map(parent => ({
    namespaceSelector: { matchLabels: { [namespaceLabel]: parent.namespace ?? namespace } },
    podSelector: { matchLabels: { [gatewayLabel]: parent.name } },
  }));
}

const worldPeers = (ranges: readonly string[]): readonly NetworkPolicyPeer[] =>
  (ranges.length === 0 ? ['0.0.0.0/0', '::/0'] : ranges).map(cidr => ({ ipBlock: { cidr } }));

/** Where the API server is behind its Service: policies see the address after the translation. */
function apiServerPeers({ endpointSlices }: DefaultDenyObjects): readonly NetworkPolicySpec[] {
  return endpointSlices
    .filter(
      ({ metadata }) =>
        metadata.namespace === 'default' && metadata.labels?.['kubernetes.io/service-name'] === 'kubernetes',
    )
    .map(({ addressType, endpoints, ports }) => ({
      egress: [
        {
          to: (endpoints ?? []).flatMap(({ addresses }) =>
            addresses.map(address => ({
              ipBlock: { cidr: `${address}/${addressType === 'IPv4' ? 32 : 128}` },
            })),
          ),
          ports: (ports ?? []).flatMap(({ port }) =>
            port === undefined || port === null ? [] : [{ protocol: 'TCP' as const, port }],
          ),
        },
      ],
    }));
}

function incoming(
  workload: Workload,
  edges: readonly Edge[],
  entrances: readonly Entrance[],
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
  const rules = [...from, ...entrances.filter(one => one.workload.key === workload.key)];
  if (rules.length === 0) return [];
  return [
    proposed(
      workload,
      'ingress',
      {
        podSelector: workload.selector,
        policyTypes: ['Ingress'],
        ingress: rules.map(({ peers, ports }) => ({ from: peers, ports: unique(ports) })),
      },
      rules.map(({ because }) => because),
    ),
  ];
}

function outgoing(
  workload: Workload,
  edges: readonly Edge[],
  apiServer: readonly NetworkPolicySpec[],
  open: string[],
): readonly ProposedPolicy[] {
  const own = edges.filter(({ from }) => from.key === workload.key);
  const rules = own.flatMap(edge => {
    if (edge.to === 'world')
      return [
        {
          to: [
            { ipBlock: { cidr: '0.0.0.0/0', except: inside.v4 } },
            { ipBlock: { cidr: '::/0', except: inside.v6 } },
          ],
          ports: edge.ports,
        },
      ];
    if (edge.to.workloads.length === 0) {
      const { metadata } = edge.to.service;
      open.push(
        `${workload.key}: ${edge.because}, but Service ${metadata.namespace ?? 'default'}/${metadata.name} selects no pod that is known: open its addresses by hand.`,
      );
      return [];
    }
    return [{ to: edge.to.workloads.map(one => peerOf(one, workload.namespace)), ports: edge.ports }];
  });
  const because = own.filter(({ to }) => to === 'world' || to.workloads.length > 0).map(edge => edge.because);
  const asksApi = workload.serviceAccount !== 'default';
  const api = asksApi ? apiServer.flatMap(({ egress = [] }) => egress) : [];
  if (asksApi && api.length === 0)
    open.push(
      `${workload.key} has the account ${workload.serviceAccount} and may ask the API server, whose addresses are not known here.`,
    );
  if (rules.length === 0 && api.length === 0) return [];
  return [
    proposed(
      workload,
      'egress',
      {
        podSelector: workload.selector,
        policyTypes: ['Egress'],
        egress: [...rules.map(({ ports, to }) => ({ to, ports: unique(ports) })), ...api],
      },
      [
        ...because,
        ...(api.length > 0
          ? [`it has the account ${workload.serviceAccount}, so that it may ask the API server`]
          : []),
      ],
    ),
  ];
}

function proposed(
  { name, namespace }: Workload,
  direction: 'ingress' | 'egress',
  spec: NetworkPolicySpec,
  because: readonly string[],
): ProposedPolicy {
  // 253 characters are a name’s most.
  return {
    policy: policyNamed(namespace, `${name.slice(0, 240)}-${direction}`, spec),
    because: [...new Set(because)],
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
