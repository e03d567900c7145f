import { matchesAll } from '../../../kube/selector.ts';
import type { Service } from '../../../kube/types/service.ts';
import { listsOf, some } from '../check.ts';
import type { Check, Found } from '../check.ts';
import { installedPlugins } from '../installed-plugins.ts';
import { readKubeProxy } from '../kube-proxy.ts';

/** From here on iptables' cost per change and per first packet is felt. */
const manyServices = 1000;
/** From this share on a burst fills the table. */
const fullConntrack = 0.8;
/** kube-proxy's nftables mode asks for it. */
const nftablesKernel = [5, 13] as const;

const about = (service: Service) => ({ kind: 'Service', metadata: service.metadata });

export const serviceChecks: readonly Check[] = [
  {
    code: 'services-ipvs',
    item: 'services',
    title: 'kube-proxy runs in IPVS mode',
    severity: 'high',
    why: 'The mode is deprecated since Kubernetes 1.35 and will be removed; it also keeps every cluster address on an interface of every node.',
    next: 'Move to nftables (kernel 5.13 or later) or to a replacement of kube-proxy, node pool by node pool.',
    needs: ['configMaps'],
    run: facts => {
      const proxy = readKubeProxy(listsOf(facts).configMaps);
      if (proxy === undefined) return { unchecked: 'there is no ConfigMap of kube-proxy' };
      return {
        looked: 1,
        found:
          proxy.mode === 'ipvs' ? [{ object: proxy.object, field: 'mode', evidence: 'mode is "ipvs"' }] : [],
      };
    },
  },
  {
    code: 'services-iptables',
    item: 'services',
    title: 'kube-proxy runs in iptables mode',
    severity: 'medium',
    why: 'Its rules are walked one by one for the first packet of each connection, and large parts are written anew for small changes: both grow with the number of Services.',
    next: 'Set mode: nftables where every node’s kernel is 5.13 or later, or use a replacement of kube-proxy.',
    needs: ['configMaps', 'services'],
    run: facts => {
      const { configMaps, services } = listsOf(facts);
      const proxy = readKubeProxy(configMaps);
      if (proxy === undefined) return { unchecked: 'there is no ConfigMap of kube-proxy' };
      if (proxy.mode !== 'iptables') return { looked: 1, found: [] };
      const many = services.length >= manyServices;
      return {
        looked: 1,
        found: [
          {
            object: proxy.object,
            field: 'mode',
            evidence: `mode is ${proxy.written === '' ? 'not set, which means iptables' : '"iptables"'}, with ${services.length} Services`,
            ...(many ? { severity: 'high' as const } : {}),
          },
        ],
      };
    },
  },
  {
    code: 'services-kernel-too-old',
    item: 'services',
    title: 'a node’s kernel is too old for nftables mode',
    severity: 'medium',
    why: 'kube-proxy’s nftables mode needs Linux 5.13; without it a node can only stay with iptables or IPVS.',
    next: 'Update the node’s image before changing the mode.',
    needs: ['nodes'],
    run: facts => {
      const nodes = listsOf(facts).nodes.filter(
        ({ status }) => status?.nodeInfo?.operatingSystem === 'linux',
      );
      return {
        looked: nodes.length,
        found: nodes.flatMap((node): Found[] => {
          const version = node.status?.nodeInfo?.kernelVersion ?? '';
          const parts = /^(\d+)\.(\d+)/.exec(version);
          if (parts === null) return [];
          const [major, minor] = [Number(parts[1]), Number(parts[2])];
          const [needMajor, needMinor] = nftablesKernel;
          return major > needMajor || (major === needMajor && minor >= needMinor)
            ? []
            : [
                {
                  object: { kind: 'Node', metadata: node.metadata },
                  field: 'status.nodeInfo.kernelVersion',
                  evidence: `its kernel is ${version}`,
                },
              ];
        }),
      };
    },
  },
  {
    code: 'services-two-translators',
    item: 'services',
    title: 'kube-proxy runs beside a replacement',
    severity: 'high',
    why: 'Both translate the same addresses; which one wins depends on hooks and order, and rules of the one that is left behind go stale.',
    next: 'Remove the DaemonSet of kube-proxy, then clean its rules on each node: kube-proxy --cleanup.',
    needs: ['daemonSets', 'configMaps'],
    run: facts => {
      const { configMaps, daemonSets } = listsOf(facts);
      const proxy = daemonSets.find(
        ({ metadata, status }) =>
          metadata.namespace === 'kube-system' &&
          metadata.name.startsWith('kube-proxy') &&
          status?.desiredNumberScheduled !== 0,
      );
      const replacement = installedPlugins(daemonSets).find(
        ({ plugin }) =>
          plugin.replacesProxy === true ||
          (plugin.name === 'Cilium' &&
            configMaps.some(
              ({ data, metadata }) => metadata.name === 'cilium-config' && replacesProxy(data),
            )),
      );
      return {
        looked: proxy === undefined && replacement === undefined ? 0 : 1,
        found:
          proxy === undefined || replacement === undefined
            ? []
            : [
                {
                  object: { kind: 'DaemonSet', metadata: proxy.metadata },
                  evidence: `it runs on ${proxy.status?.desiredNumberScheduled ?? 'all'} nodes, and ${replacement.plugin.name} translates Services too`,
                },
              ],
      };
    },
  },
  {
    code: 'services-external-ips',
    item: 'services',
    title: 'a Service claims external addresses',
    severity: 'high',
    why: 'Who may write a Service can take over traffic of the whole cluster to any address in that field (CVE-2020-8554); the field is deprecated.',
    next: 'Use a LoadBalancer Service or a Gateway, and forbid spec.externalIPs by an admission policy.',
    needs: ['services'],
    run: facts => {
      const { services } = listsOf(facts);
      return {
        looked: services.length,
        found: services.flatMap((service): Found[] => {
          const addresses = service.spec.externalIPs ?? [];
          return addresses.length === 0
            ? []
            : [{ object: about(service), field: 'spec.externalIPs', evidence: some(addresses) }];
        }),
      };
    },
  },
  {
    code: 'services-local-node-ports',
    item: 'services',
    title: 'node ports may be used by way of localhost',
    severity: 'low',
    why: 'Only kube-proxy’s iptables mode answers node ports on 127.0.0.1; after a move to nftables or a replacement such users get a refusal.',
    next: 'Look for localhost:NODEPORT in scripts and probes of the nodes; give them a node’s address or a hostPort.',
    needs: ['services', 'configMaps'],
    run: facts => {
      const { configMaps, services } = listsOf(facts);
      const withPorts = services.filter(({ spec }) =>
        spec.ports?.some(({ nodePort }) => nodePort !== undefined),
      );
      const proxy = readKubeProxy(configMaps);
      if (proxy === undefined) return { unchecked: 'there is no ConfigMap of kube-proxy' };
      const answers = proxy.mode === 'iptables' && proxy.nodePortAddresses.length === 0;
      return {
        looked: withPorts.length,
        found:
          answers && withPorts.length > 0
            ? [
                {
                  object: proxy.object,
                  field: 'nodePortAddresses',
                  evidence: `not set, and ${withPorts.length} Services have node ports: ${some(withPorts.map(nameOf))}`,
                },
              ]
            : [],
      };
    },
  },
  {
    code: 'services-without-endpoints',
    item: 'services',
    title: 'a Service has no ready endpoint',
    severity: 'medium',
    why: 'Every connection to it is refused.',
    next: 'Compare spec.selector with the labels of the pods, and look why those pods are not Ready.',
    needs: ['services', 'endpointSlices'],
    run: facts => {
      if (facts.source === 'manifests') return { unchecked: 'manifests hold no endpoints' };
      const { endpointSlices, services } = listsOf(facts);
      const ready = new Set<string>();
      for (const { endpoints, metadata } of endpointSlices) {
        if (endpoints?.some(({ conditions }) => conditions?.ready !== false) !== true) continue;
        ready.add(`${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name']}`);
      }
      const selecting = services.filter(
        ({ spec }) => spec.type !== 'ExternalName' && Object.keys(spec.selector ?? {}).length > 0,
      );
      return {
        looked: selecting.length,
        found: selecting.flatMap((service): Found[] =>
          ready.has(nameOf(service))
            ? []
            : [
                {
                  object: about(service),
                  field: 'spec.selector',
                  evidence: `no ready pod has ${some(Object.entries(service.spec.selector ?? {}).map(pair => pair.join('=')))}`,
                },
              ],
        ),
      };
    },
  },
  {
    code: 'services-selector-matches-nothing',
    item: 'services',
    title: 'a Service’s selector matches no pod',
    severity: 'medium',
    why: 'Once applied, every connection to it is refused.',
    next: 'Compare spec.selector with the labels in the workloads’ pod templates.',
    needs: ['services', 'pods'],
    run: facts => {
      if (facts.source === 'cluster') return { unchecked: 'services-without-endpoints says it of a cluster' };
      const { pods, services } = listsOf(facts);
      const byNamespace = Map.groupBy(pods, ({ metadata }) => metadata.namespace ?? 'default');
      const selecting = services.filter(({ spec }) => Object.keys(spec.selector ?? {}).length > 0);
      const matches = ({ metadata, spec }: Service): boolean =>
        (byNamespace.get(metadata.namespace ?? 'default') ?? []).some(pod =>
          matchesAll(spec.selector, pod.metadata.labels),
        );
      return {
        looked: selecting.length,
        found: selecting
          .filter(service => !matches(service))
          .map(service => ({
            object: about(service),
            field: 'spec.selector',
            evidence: `no workload has ${some(Object.entries(service.spec.selector ?? {}).map(pair => pair.join('=')))}`,
          })),
      };
    },
  },
  {
    code: 'services-conntrack',
    item: 'services',
    title: 'connection tracking is nearly full',
    severity: 'high',
    why: 'Past the last entry new connections are dropped.',
    next: 'Raise net.netfilter.nf_conntrack_max, or shorten timeouts.',
    needs: ['metrics'],
    run: facts => {
      const { metrics } = listsOf(facts);
      const limits = metrics.filter(({ name }) => name === 'node_nf_conntrack_entries_limit');
      if (limits.length === 0)
        return { unchecked: 'the metrics hold no node_nf_conntrack_entries_limit (node exporter)' };
      return {
        looked: limits.length,
        found: limits.flatMap(({ labels, source, value: limit }): Found[] => {
          const entries = metrics.find(
            one =>
              one.name === 'node_nf_conntrack_entries' &&
              one.source === source &&
              one.labels['instance'] === labels['instance'],
          );
          if (entries === undefined || entries.value < fullConntrack * limit) return [];
          return [
            {
              evidence: `${labels['instance'] ?? source}: ${entries.value} of ${limit} entries are in use`,
              ...(entries.value >= limit ? { severity: 'critical' as const } : {}),
            },
          ];
        }),
      };
    },
  },
];

const nameOf = ({ metadata }: Service): string => `${metadata.namespace ?? 'default'}/${metadata.name}`;

const replacesProxy = (data: Readonly<Record<string, string>> = {}): boolean =>
  data['kube-proxy-replacement'] === 'true' || data['kube-proxy-replacement'] === 'strict';
