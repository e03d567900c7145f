import type { DaemonSet } from '../../../kube/types/apps.ts';
import type { ConfigMap } from '../../../kube/types/config.ts';
import type { Node } from '../../../kube/types/node.ts';
import type { Service } from '../../../kube/types/service.ts';
import { readProxySettings } from './settings.ts';
import type { ProxySettings } from './settings.ts';

export interface ServiceModeObjects {
  /** Absent: the kind could not be read. */
  readonly configMaps?: readonly ConfigMap[];
  readonly daemonSets?: readonly DaemonSet[];
  readonly nodes?: readonly Node[];
  readonly services?: readonly Service[];
}

/** Where Services go: kube-proxy's nftables mode, or Fairlead's agents. */
export type ServiceModeTarget = 'nftables' | 'fairlead';

export interface ServiceModeChange {
  readonly code: string;
  /** `blocks`: it cannot be done yet; `changes`: somebody will notice; `check`: only people know whether; `leftover`: what stays behind. */
  readonly weight: 'blocks' | 'changes' | 'check' | 'leftover';
  readonly sentence: string;
  /** Names of what it is about, bounded. */
  readonly objects: readonly string[];
  readonly next: string;
}

export interface ServiceModeReport {
  readonly from: string;
  readonly to: ServiceModeTarget;
  /** Absent: no ConfigMap of kube-proxy was found. */
  readonly settings?: ProxySettings;
  readonly counts: { readonly nodes: number; readonly services: number; readonly nodePorts: number };
  readonly changes: readonly ServiceModeChange[];
  /** What could not be looked at, in sentences. */
  readonly unchecked: readonly string[];
}

interface Context {
  readonly from: string;
  readonly to: ServiceModeTarget;
  readonly settings: ProxySettings | undefined;
  readonly nodes: readonly Node[];
  readonly services: readonly Service[];
  readonly daemonSets: readonly DaemonSet[];
}

const mostNames = 10;

/** What would change for whom, what stays behind, and what stands in the way. Pure. */
export function compareServiceModes(objects: ServiceModeObjects, to: ServiceModeTarget): ServiceModeReport {
  const settings = readProxySettings(objects.configMaps ?? []);
  const from = settings?.mode ?? 'unknown';
  const context: Context = {
    from,
    to,
    settings,
    nodes: (objects.nodes ?? []).filter(
      ({ status }) => (status?.nodeInfo?.operatingSystem ?? 'linux') === 'linux',
    ),
    services: objects.services ?? [],
    daemonSets: objects.daemonSets ?? [],
  };
  const unchecked = (['configMaps', 'daemonSets', 'nodes', 'services'] as const)
    .filter(kind => objects[kind] === undefined)
    .map(kind => `${kind} could not be read`);
  return {
    from,
    to,
    ...(settings === undefined ? {} : { settings }),
    counts: {
      nodes: context.nodes.length,
      services: context.services.length,
      nodePorts: withNodePorts(context.services).length,
    },
    changes: settings?.mode === 'nftables' && to === 'nftables' ? [] : rules.flatMap(rule => rule(context)),
    unchecked:
      settings === undefined && objects.configMaps !== undefined
        ? [...unchecked, 'there is no ConfigMap of kube-proxy: what runs now is not known']
        : unchecked,
  };
}

type Rule = (context: Context) => readonly ServiceModeChange[];

const withNodePorts = (services: readonly Service[]): readonly Service[] =>
  services.filter(({ spec }) => spec.ports?.some(({ nodePort }) => nodePort !== undefined));

const nameOf = ({ metadata }: Service): string => `${metadata.namespace ?? 'default'}/${metadata.name}`;

function some(names: readonly string[]): readonly string[] {
  return names.length <= mostNames
    ? names
    : [...names.slice(0, mostNames), `${names.length - mostNames} more`];
}

const change = (
  weight: ServiceModeChange['weight'],
  code: string,
  sentence: string,
  next: string,
  objects: readonly string[] = [],
): ServiceModeChange => ({ weight, code, sentence, next, objects: some(objects) });

const versionOf = (text: string | undefined): readonly [number, number] | undefined => {
  const match = /v?(\d+)\.(\d+)/.exec(text ?? '');
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
};

const isBefore = (version: readonly [number, number], major: number, minor: number): boolean =>
  version[0] < major || (version[0] === major && version[1] < minor);

const olderThan = (nodes: readonly Node[], major: number, minor: number): readonly string[] =>
  nodes.flatMap(({ metadata, status }) => {
    const version = versionOf(status?.nodeInfo?.kernelVersion);
    return version !== undefined && isBefore(version, major, minor)
      ? [`${metadata.name} (${status?.nodeInfo?.kernelVersion ?? ''})`]
      : [];
  });

const rules: readonly Rule[] = [
  ({ nodes, to }) => {
    const old = olderThan(nodes, 5, 13);
    if (old.length === 0) return [];
    return [
      change(
        'blocks',
        'kernel',
        `${to === 'nftables' ? 'kube-proxy’s nftables mode' : 'Fairlead'} needs Linux 5.13 or later.`,
        'Update the image of these nodes first.',
        old,
      ),
    ];
  },
  ({ nodes, to }) => {
    if (to !== 'nftables') return [];
    const old = nodes.flatMap(({ metadata, status }) => {
      const version = versionOf(status?.nodeInfo?.kubeletVersion);
      return version !== undefined && isBefore(version, 1, 31)
        ? [`${metadata.name} (${status?.nodeInfo?.kubeletVersion ?? ''})`]
        : [];
    });
    if (old.length === 0) return [];
    return [
      change(
        'blocks',
        'version',
        'kube-proxy’s nftables mode is on by default since 1.31, and stable since 1.33.',
        'Update Kubernetes on these nodes first.',
        old,
      ),
    ];
  },
  ({ from, services, settings }) => {
    const ports = withNodePorts(services);
    const off = settings?.values.get('iptables.localhostNodePorts') === 'false';
    if (from !== 'iptables' || ports.length === 0 || off) return [];
    return [
      change(
        'changes',
        'node-ports-on-localhost',
        'Node ports no longer answer on 127.0.0.1 of a node: only the iptables mode does that.',
        'Look for localhost:NODEPORT in scripts, probes and registries of the nodes; use a node’s address, or a hostPort.',
        ports.map(nameOf),
      ),
    ];
  },
  ({ services, settings, to }) => {
    const ports = withNodePorts(services);
    const addresses = settings?.values.get('nodePortAddresses');
    if (ports.length === 0 || addresses === 'primary') return [];
    if (addresses !== undefined)
      return [
        change(
          'check',
          'node-port-addresses',
          `nodePortAddresses is ${addresses}.`,
          to === 'nftables'
            ? 'It stays in force; nothing has to be done.'
            : `Start the agents with --node-port-addresses ${addresses}.`,
        ),
      ];
    return [
      change(
        'changes',
        'node-port-addresses',
        'Node ports answer at a node’s primary address of each family alone; until now they answer at every address of the node.',
        to === 'nftables'
          ? 'Where somebody uses another address (a second network, a keepalived address), set nodePortAddresses to its prefixes.'
          : 'Where somebody uses another address, start the agents with --node-port-addresses and its prefixes.',
        ports.map(nameOf),
      ),
    ];
  },
  ({ from, settings }) => {
    const scheduler = settings?.values.get('ipvs.scheduler') ?? 'rr';
    if (from !== 'ipvs') return [];
    const hashes = ['sh', 'dh', 'mh'].includes(scheduler);
    return [
      change(
        hashes ? 'changes' : 'check',
        'scheduler',
        `The scheduler is ${scheduler}; afterwards each new connection draws an endpoint at random, with the same likelihood.`,
        hashes
          ? 'Give Services whose clients have to stay with an endpoint sessionAffinity: ClientIP.'
          : 'Look at long-lived connections, which least-connection schedulers spread better; nothing else tells.',
      ),
    ];
  },
  ({ from, services }) =>
    from === 'ipvs'
      ? [
          change(
            'changes',
            'addresses-on-nodes',
            'Cluster addresses are no longer on an interface of each node (kube-ipvs0): they do not answer ping, and what a node’s own programs offer on all addresses is not reached by them any more.',
            'Look for checks that ping a cluster address; give them a port.',
            services.length === 0 ? [] : [`${services.length} Services`],
          ),
        ]
      : [],
  ({ from, settings }) => {
    const set = [...(settings?.values ?? [])].filter(([key]) =>
      /^ipvs\.(tcpTimeout|tcpFinTimeout|udpTimeout|strictARP|excludeCIDRs|syncPeriod|minSyncPeriod)$/.test(
        key,
      ),
    );
    const kept = set.filter(([, value]) => value !== '0s' && value !== 'false');
    return from === 'ipvs' && kept.length > 0
      ? [
          change(
            'check',
            'ipvs-settings',
            `Settings of IPVS lose their meaning: ${kept.map(([key, value]) => `${key}: ${value}`).join(', ')}.`,
            'Timeouts are then those of connection tracking (net.netfilter.nf_conntrack_*_timeout_*); strictARP was for load balancers on the nodes, and is not needed where no address is on kube-ipvs0.',
          ),
        ]
      : [];
  },
  ({ services }) => {
    const sticky = services.filter(({ spec }) => spec.sessionAffinity === 'ClientIP');
    return sticky.length === 0
      ? []
      : [
          change(
            'changes',
            'affinity',
            'Clients of Services with sessionAffinity get a new endpoint once, when a node moves: what the old mode remembers is not read.',
            'Move nodes in a quiet hour where sessions are kept in pods.',
            sticky.map(nameOf),
          ),
        ];
  },
  ({ services }) => {
    const claimed = services.filter(({ spec }) => (spec.externalIPs ?? []).length > 0);
    return claimed.length === 0
      ? []
      : [
          change(
            'check',
            'external-addresses',
            'externalIPs stay in force; in IPVS mode they were on kube-ipvs0, so that a node answered ARP for them.',
            'See that something outside of the nodes leads to these addresses.',
            claimed.map(nameOf),
          ),
        ];
  },
  ({ from, services, to }) => {
    const ports = withNodePorts(services);
    return from === 'iptables' && to === 'nftables' && ports.length > 0
      ? [
          change(
            'check',
            'firewall',
            'The iptables mode lets traffic of Services through a host firewall that is closed by default; the nftables mode adds no such rules.',
            'Open the node ports, and forwarding between pods, in the firewall of the nodes (a policy DROP on FORWARD, as Docker sets it).',
          ),
        ]
      : [];
  },
  ({ from, nodes, to }) => {
    const old = olderThan(nodes, 6, 1);
    return from === 'iptables' && to === 'nftables' && old.length > 0
      ? [
          change(
            'check',
            'invalid-packets',
            'Before Linux 6.1 long-lived connections to Services could be reset by packets out of window; the iptables mode works around that, the nftables mode does not.',
            'Set conntrack.tcpBeLiberal: true in the configuration of kube-proxy.',
            old,
          ),
        ]
      : [];
  },
  ({ daemonSets, from }) => {
    const cache = daemonSets.find(({ metadata }) => /node-?local-?dns/.test(metadata.name));
    return cache === undefined
      ? []
      : [
          change(
            'check',
            'node-local-dns',
            from === 'ipvs'
              ? 'The node-local DNS cache listens at an address of its own because of IPVS, and kubelets name that address to pods.'
              : 'The node-local DNS cache takes the cluster’s DNS address by iptables rules (NOTRACK), which the nftables mode leaves in force.',
            'Leave it as it is for the move; ask a name from a pod of each node after it.',
            [`${cache.metadata.namespace ?? 'default'}/${cache.metadata.name}`],
          ),
        ];
  },
  ({ daemonSets, to }) => {
    const others = daemonSets.filter(({ metadata }) =>
      /kube-router|istio-cni|calico-node|cilium|kube-vip|metallb|antrea|weave/.test(metadata.name),
    );
    return others.length === 0
      ? []
      : [
          change(
            'check',
            'addons',
            to === 'fairlead'
              ? 'These change packets or addresses of nodes too; a network plugin of its own cannot run beside Fairlead’s pod networking.'
              : 'These write rules beside kube-proxy, or read its rules or kube-ipvs0.',
            'Read in their documentation whether they know the new mode.',
            others.map(({ metadata }) => `${metadata.namespace ?? 'default'}/${metadata.name}`),
          ),
        ];
  },
  ({ services, to }) => {
    const named = services.filter(
      ({ metadata }) => metadata.labels?.['service.kubernetes.io/service-proxy-name'] !== undefined,
    );
    return named.length === 0
      ? []
      : [
          change(
            'check',
            'other-proxies',
            `Services with service.kubernetes.io/service-proxy-name are left to another proxy, by ${to === 'fairlead' ? 'Fairlead' : 'kube-proxy'} as well.`,
            'Nothing has to be done.',
            named.map(nameOf),
          ),
        ];
  },
  ({ from }) =>
    from === 'ipvs'
      ? [
          change(
            'leftover',
            'ipvs-leftovers',
            'Virtual servers of IPVS, the interface kube-ipvs0, sets named KUBE-* and chains named KUBE-* stay on a node until they are taken away, and translate on.',
            'kube-proxy takes them away when it starts in nftables mode; else: kube-proxy --cleanup, or restart the node. Look: ipvsadm -Ln; ip link show kube-ipvs0; ipset list -n | grep KUBE-; iptables-save | grep -c KUBE-',
          ),
        ]
      : [],
  ({ from }) =>
    from === 'iptables'
      ? [
          change(
            'leftover',
            'iptables-leftovers',
            'Chains named KUBE-* stay on a node until they are taken away, and translate on.',
            'kube-proxy takes them away when it starts in nftables mode; else: kube-proxy --cleanup, or restart the node. KUBE-KUBELET-CANARY and KUBE-IPTABLES-HINT are kubelet’s, and stay. Look: iptables-save | grep -c KUBE-SVC; ip6tables-save | grep -c KUBE-SVC',
          ),
        ]
      : [],
  ({ to }) =>
    to === 'fairlead'
      ? [
          change(
            'changes',
            'refusals',
            'A cluster address without a port for what is sent is refused at once, and an address of the Service prefixes that no Service has is dropped.',
            'Nothing has to be done; clients see an error earlier.',
          ),
        ]
      : [],
];
