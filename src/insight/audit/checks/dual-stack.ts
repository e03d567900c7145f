import { parseAddress, parsePrefix } from '../../../base/ip.ts';
import type { Service } from '../../../kube/types/service.ts';
import { listsOf, some } from '../check.ts';
import type { Check, Found } from '../check.ts';
import type { AuditFacts } from '../facts.ts';
import { readKubeProxy } from '../kube-proxy.ts';

const familiesOf = (addresses: readonly string[]): ReadonlySet<number> =>
  new Set(addresses.flatMap(text => (parseAddress(text) ?? parsePrefix(text))?.family ?? []));

const lacks = (families: ReadonlySet<number>): string => (families.has(4) ? 'IPv6' : 'IPv4');

const clusterAddresses = ({ spec }: Service): readonly string[] =>
  (spec.clusterIPs ?? [spec.clusterIP ?? '']).filter(address => parseAddress(address) !== undefined);

/** Somebody has both families, so that the cluster hands them out. */
const hasBoth = (facts: AuditFacts): boolean =>
  listsOf(facts).services.some(service => familiesOf(clusterAddresses(service)).size === 2);

export const dualStackChecks: readonly Check[] = [
  {
    code: 'dual-stack-nodes',
    item: 'dual-stack',
    title: 'a node has addresses or pod prefixes of one family',
    severity: 'medium',
    why: 'Pods and Services of the other family end at that node.',
    next: 'Give kubelet both addresses (--node-ip) and the controller manager prefixes of both families (--cluster-cidr).',
    needs: ['nodes'],
    run: facts => {
      const { nodes } = listsOf(facts);
      return {
        looked: nodes.length,
        found: nodes.flatMap((node): Found[] => {
          const object = { kind: 'Node', metadata: node.metadata };
          const addresses = (node.status?.addresses ?? []).flatMap(({ address, type }) =>
            type === 'InternalIP' ? [address] : [],
          );
          const own = familiesOf(addresses);
          const prefixes = familiesOf(node.spec?.podCIDRs ?? [node.spec?.podCIDR ?? '']);
          return [
            ...(own.size === 1
              ? [{ object, field: 'status.addresses', evidence: `${some(addresses)}: no ${lacks(own)}` }]
              : []),
            ...(prefixes.size === 1
              ? [
                  {
                    object,
                    field: 'spec.podCIDRs',
                    evidence: `${some(node.spec?.podCIDRs ?? [])}: no ${lacks(prefixes)}`,
                  },
                ]
              : []),
          ];
        }),
      };
    },
  },
  {
    code: 'dual-stack-service-range',
    item: 'dual-stack',
    title: 'cluster addresses are of one family',
    severity: 'medium',
    why: 'No Service can be reached by the other family, whatever the pods have.',
    next: 'Give the API server both ranges (--service-cluster-ip-range), or add a ServiceCIDR.',
    needs: ['services', 'pods'],
    run: facts => {
      if (facts.source === 'manifests') return { unchecked: 'manifests hold no ranges' };
      const { pods, services } = listsOf(facts);
      const ranges = pods.flatMap(({ spec }) =>
        spec.containers.flatMap(({ args = [], command = [] }) =>
          [...command, ...args].flatMap(word =>
            word.startsWith('--service-cluster-ip-range=') ? [word.split('=')[1] ?? ''] : [],
          ),
        ),
      );
      if (hasBoth(facts)) return { looked: 1, found: [] };
      const range = ranges[0];
      if (range === undefined)
        return services.some(service => service.spec.ipFamilyPolicy === 'PreferDualStack')
          ? { looked: 1, found: [{ evidence: 'Services that prefer both families got addresses of one' }] }
          : {
              unchecked: 'no Service asks for both families, and the API server’s options are not to be seen',
            };
      return {
        looked: 1,
        found:
          familiesOf(range.split(',')).size === 2
            ? []
            : [{ evidence: `--service-cluster-ip-range=${range}` }],
      };
    },
  },
  {
    code: 'dual-stack-proxy',
    item: 'dual-stack',
    title: 'kube-proxy knows the pods’ prefix of one family',
    severity: 'medium',
    why: 'Of the other family it cannot tell pods from others: what nodes and the outside send to a cluster address is not masqueraded, so that answers may miss the way back, and pods lose the short way to Services with externalTrafficPolicy: Local.',
    next: 'Write both prefixes into clusterCIDR.',
    needs: ['configMaps', 'services'],
    run: facts => {
      const proxy = readKubeProxy(listsOf(facts).configMaps);
      if (proxy === undefined) return { unchecked: 'there is no ConfigMap of kube-proxy' };
      const families = familiesOf(proxy.clusterCidrs);
      // Other modes look at the node’s own prefixes or interfaces; with one family in the cluster nothing is missing.
      const matters = proxy.detectLocalMode === 'ClusterCIDR' && hasBoth(facts);
      return {
        looked: matters && families.size > 0 ? 1 : 0,
        found:
          matters && families.size === 1
            ? [{ object: proxy.object, field: 'clusterCIDR', evidence: proxy.clusterCidrs.join(',') }]
            : [],
      };
    },
  },
  {
    code: 'dual-stack-services',
    item: 'dual-stack',
    title: 'a Service has one family where the cluster has both',
    severity: 'low',
    why: 'Clients of the other family cannot reach it; a pod’s second family is of no use to it.',
    next: 'Set spec.ipFamilyPolicy: PreferDualStack: an existing Service keeps its address and gets a second one.',
    needs: ['services'],
    run: facts => {
      const { services } = listsOf(facts);
      if (facts.source === 'manifests') {
        const own = services.filter(({ spec }) => spec.type !== 'ExternalName');
        return {
          looked: own.length,
          found: own
            .filter(({ spec }) => (spec.ipFamilyPolicy ?? 'SingleStack') === 'SingleStack')
            .map(({ metadata, spec }) => ({
              object: { kind: 'Service', metadata },
              field: 'spec.ipFamilyPolicy',
              evidence: spec.ipFamilyPolicy ?? 'not set, which means SingleStack',
            })),
        };
      }
      const withAddress = services.filter(service => clusterAddresses(service).length > 0);
      return {
        looked: hasBoth(facts) ? withAddress.length : 0,
        found: !hasBoth(facts)
          ? []
          : withAddress.flatMap((service): Found[] => {
              const families = familiesOf(clusterAddresses(service));
              return families.size === 2
                ? []
                : [
                    {
                      object: { kind: 'Service', metadata: service.metadata },
                      field: 'spec.ipFamilyPolicy',
                      evidence: `${some(clusterAddresses(service))}: no ${lacks(families)}`,
                    },
                  ];
            }),
      };
    },
  },
  {
    code: 'dual-stack-outside',
    item: 'dual-stack',
    title: 'a way in has an address of one family',
    severity: 'medium',
    why: 'Clients with the other family alone (mobile networks, new providers) do not get in.',
    next: 'Ask for both: ipFamilyPolicy of the LoadBalancer Service, spec.addresses of the Gateway, and a AAAA record.',
    needs: ['services', 'gateways'],
    run: facts => {
      if (facts.source === 'manifests') return { unchecked: 'manifests hold no addresses' };
      const { gateways, services } = listsOf(facts);
      const ways = [
        ...gateways.map(({ metadata, status }) => ({
          object: { kind: 'Gateway', metadata },
          addresses: (status?.addresses ?? []).map(address => address.value),
        })),
        ...services
          .filter(
            ({ metadata, spec }) => spec.type === 'LoadBalancer' && metadata.ownerReferences === undefined,
          )
          .map(({ metadata, status }) => ({
            object: { kind: 'Service', metadata },
            addresses: (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []),
          })),
      ].filter(({ addresses }) => familiesOf(addresses).size > 0);
      return {
        looked: ways.length,
        found: ways.flatMap(({ addresses, object }): Found[] => {
          const families = familiesOf(addresses);
          return families.size === 2
            ? []
            : [{ object, field: 'status', evidence: `${some(addresses)}: no ${lacks(families)}` }];
        }),
      };
    },
  },
];
