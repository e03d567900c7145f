import { parsePrefix } from '../../../base/ip.ts';
import type { Node } from '../../../kube/types/node.ts';
import { listsOf, some } from '../check.ts';
import type { Check, Found } from '../check.ts';
import { installedPlugins, installedPolicyEngine } from '../installed-plugins.ts';

/** Nodes at this share of their pod addresses are about to refuse pods. */
const fullShare = 0.85;
/** IPv6 asks for it on every link (RFC 8200, section 5). */
const leastMtu = 1280;

const condition = (node: Node, type: string) =>
  node.status?.conditions?.find(condition => condition.type === type);

export const cniChecks: readonly Check[] = [
  {
    code: 'cni-node-without-network',
    item: 'cni',
    title: 'a node has no pod network',
    severity: 'critical',
    why: 'No pod starts on such a node, and those on it may be cut off.',
    next: 'Look at the log of the network plugin’s pod on that node; without one, install a plugin.',
    needs: ['nodes'],
    run: facts => {
      const { nodes } = listsOf(facts);
      const found = nodes.flatMap((node): Found[] => {
        const object = { kind: 'Node', metadata: node.metadata };
        const ready = condition(node, 'Ready');
        const unavailable = condition(node, 'NetworkUnavailable');
        if (unavailable?.status === 'True')
          return [
            {
              object,
              evidence: `NetworkUnavailable: ${unavailable.message ?? unavailable.reason ?? 'True'}`,
            },
          ];
        return ready?.status === 'False' && /cni|network plugin/i.test(ready.message ?? '')
          ? [{ object, evidence: `Ready is False: ${ready.message ?? ''}` }]
          : [];
      });
      return { looked: nodes.length, found };
    },
  },
  {
    code: 'cni-several',
    item: 'cni',
    title: 'several network plugins are installed',
    severity: 'high',
    why: 'The one whose file sorts first in the configuration directory gets the pods, so an update or a restart can move them from one network to the other.',
    next: 'Decide for one, remove the DaemonSet of the other, and delete its file from /etc/cni/net.d on every node.',
    needs: ['daemonSets'],
    run: facts => {
      const plugins = installedPlugins(listsOf(facts).daemonSets).filter(
        ({ plugin }) => plugin.companion !== true,
      );
      const all = [...new Set(plugins.map(({ plugin }) => plugin.name))];
      // One that is made to stand beneath another is no rival of it.
      const names = all.filter(
        name =>
          !plugins.some(
            ({ plugin }) => plugin.name === name && plugin.beneath?.some(one => all.includes(one)) === true,
          ),
      );
      return {
        looked: plugins.length,
        found: names.length > 1 ? [{ evidence: `${names.join(' and ')} run on the nodes` }] : [],
      };
    },
  },
  {
    code: 'cni-unknown',
    item: 'cni',
    title: 'no network plugin was recognised',
    severity: 'low',
    why: 'What a plugin can do, and whether it is still maintained, could not be held against this cluster.',
    next: 'Find out what gives pods their interfaces (ls /etc/cni/net.d on a node), and whether it enforces NetworkPolicies.',
    needs: ['daemonSets', 'nodes'],
    run: facts => {
      const { daemonSets, nodes } = listsOf(facts);
      if (facts.source === 'manifests') return { unchecked: 'manifests need not hold the plugin' };
      const known = installedPlugins(daemonSets).length > 0 || nodes.some(isOurs);
      return {
        looked: nodes.length === 0 ? 0 : 1,
        found:
          known || nodes.length === 0
            ? []
            : [
                {
                  evidence: `none of ${daemonSets.length} DaemonSets runs the image of a known network plugin`,
                },
              ],
      };
    },
  },
  {
    code: 'cni-policies-not-enforced',
    item: 'cni',
    title: 'NetworkPolicies are not enforced',
    severity: 'critical',
    why: 'The objects are accepted by the API and change nothing: everything that they forbid is open.',
    next: 'Install a plugin or a companion that enforces them, then prove it: a pod under a default-deny policy must not be reached.',
    needs: ['daemonSets', 'networkPolicies'],
    run: facts => {
      const { daemonSets, networkPolicies } = listsOf(facts);
      const plugins = installedPlugins(daemonSets).filter(({ plugin }) => plugin.companion !== true);
      if (plugins.length === 0)
        return { unchecked: 'the network plugin is not known, and no probe was sent' };
      if (plugins.some(({ plugin }) => plugin.enforces) || installedPolicyEngine(daemonSets) !== undefined)
        return { looked: networkPolicies.length, found: [] };
      const names = plugins.map(({ plugin }) => plugin.name).join(', ');
      if (plugins.some(({ plugin }) => plugin.switchable === true))
        return {
          unchecked: `${names} enforces NetworkPolicies only where that is switched on, which no object here says`,
        };
      return {
        looked: networkPolicies.length,
        found:
          networkPolicies.length === 0
            ? []
            : [{ evidence: `${networkPolicies.length} NetworkPolicies, and ${names} does not enforce them` }],
      };
    },
  },
  {
    code: 'cni-ended',
    item: 'cni',
    title: 'the network plugin has ended',
    severity: 'high',
    why: 'Nobody mends its security holes or follows new kernels and Kubernetes releases.',
    next: 'Plan the move to a maintained plugin: a new node pool with it, then drain the old one.',
    needs: ['daemonSets'],
    run: facts => {
      const plugins = installedPlugins(listsOf(facts).daemonSets);
      return {
        looked: plugins.length,
        found: plugins.flatMap(({ daemonSet, plugin, version }) =>
          plugin.ended === undefined
            ? []
            : [
                {
                  object: { kind: 'DaemonSet', metadata: daemonSet.metadata },
                  evidence: `${plugin.name} ${version}: ${plugin.ended}`,
                },
              ],
        ),
      };
    },
  },
  {
    code: 'cni-not-everywhere',
    item: 'cni',
    title: 'the network plugin does not run on every node',
    severity: 'high',
    why: 'On nodes without it no pod starts, policies are not kept up to date, and routes to new nodes are missing.',
    next: 'kubectl -n NAMESPACE describe daemonset NAME, and the events of the pods that are not ready.',
    needs: ['daemonSets'],
    run: facts => {
      const plugins = installedPlugins(listsOf(facts).daemonSets).filter(
        ({ daemonSet }) => daemonSet.status !== undefined,
      );
      return {
        looked: plugins.length,
        found: plugins.flatMap(({ daemonSet, plugin }): Found[] => {
          const { desiredNumberScheduled = 0, numberReady = 0 } = daemonSet.status ?? {};
          return numberReady >= desiredNumberScheduled
            ? []
            : [
                {
                  object: { kind: 'DaemonSet', metadata: daemonSet.metadata },
                  evidence: `${plugin.name} is ready on ${numberReady} of ${desiredNumberScheduled} nodes`,
                },
              ];
        }),
      };
    },
  },
  {
    code: 'cni-addresses-run-out',
    item: 'cni',
    title: 'a node runs out of pod addresses',
    severity: 'high',
    why: 'Past the last address pods stay in ContainerCreating, often just when a node takes over the load of another.',
    next: 'Lower maxPods, or give nodes larger prefixes (node-cidr-mask-size) in a new node pool.',
    needs: ['nodes', 'pods'],
    run: facts => {
      const { nodes, pods } = listsOf(facts);
      const used = new Map<string, number>();
      for (const { spec, status } of pods) {
        if (spec.hostNetwork === true || spec.nodeName === undefined) continue;
        if (status?.phase === 'Succeeded' || status?.phase === 'Failed') continue;
        used.set(spec.nodeName, (used.get(spec.nodeName) ?? 0) + 1);
      }
      const withPrefix = nodes.flatMap(node => {
        const prefixes = node.spec?.podCIDRs ?? (node.spec?.podCIDR === undefined ? [] : [node.spec.podCIDR]);
        const capacities = prefixes.flatMap(text => {
          const prefix = parsePrefix(text);
          if (prefix === undefined) return [];
          const bits = (prefix.family === 4 ? 32 : 128) - prefix.length;
          // The first and the last address, and the gateway that most plugins take.
          return [bits > 20 ? Infinity : 2 ** bits - 3];
        });
        return capacities.length === 0 ? [] : [{ node, capacity: Math.min(...capacities) }];
      });
      const found = withPrefix.flatMap(({ capacity, node }): Found[] => {
        const taken = used.get(node.metadata.name) ?? 0;
        return taken < fullShare * capacity
          ? []
          : [
              {
                object: { kind: 'Node', metadata: node.metadata },
                field: 'spec.podCIDRs',
                evidence: `${taken} of ${capacity} pod addresses are in use`,
                ...(taken >= capacity ? { severity: 'critical' as const } : {}),
              },
            ];
      });
      return { looked: withPrefix.length, found };
    },
  },
  {
    code: 'cni-mtu',
    item: 'cni',
    title: 'the MTU of the pod network is too small or differs',
    severity: 'medium',
    why: 'IPv6 needs 1280 bytes on every link, and where settings differ large packets vanish while small ones pass.',
    next: 'Set one MTU everywhere: that of the smallest link, less what the encapsulation takes (50 bytes for VXLAN over IPv4).',
    needs: ['configMaps'],
    run: facts => {
      const told = listsOf(facts).configMaps.flatMap(map => {
        const mtu = mtuOf(map.data ?? {});
        return mtu === undefined ? [] : [{ map, mtu }];
      });
      if (told.length === 0) return { unchecked: 'no ConfigMap of a network plugin says an MTU' };
      const object = (map: (typeof told)[number]['map']) => ({ kind: 'ConfigMap', metadata: map.metadata });
      const small = told.flatMap(({ map, mtu }): Found[] =>
        mtu >= leastMtu ? [] : [{ object: object(map), evidence: `the MTU is ${mtu}` }],
      );
      const values = [...new Set(told.map(({ mtu }) => mtu))];
      const differing: Found[] =
        values.length > 1
          ? [{ evidence: some(told.map(({ map, mtu }) => `${map.metadata.name} says ${mtu}`)) }]
          : [];
      return { looked: told.length, found: [...small, ...differing] };
    },
  },
];

/** Our own nodes carry the agent beside their pods, without a DaemonSet, in a standalone cluster. */
const isOurs = (node: Node): boolean =>
  node.status?.nodeInfo?.containerRuntimeVersion.startsWith('fairlead') === true;

/** The keys in which well-known plugins keep it; 0 stands for "find out". */
function mtuOf(data: Readonly<Record<string, string>>): number | undefined {
  for (const key of ['mtu', 'veth_mtu', 'MTU']) {
    const value = Number(data[key]);
    if (Number.isInteger(value) && value > 0) return value;
  }
  return undefined;
}
