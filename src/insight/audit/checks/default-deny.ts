import { parseAddress } from '../../../base/ip.ts';
import { matchesSelector } from '../../../kube/selector.ts';
import type { ClusterNetworkPolicyRule } from '../../../kube/types/cluster-network-policy.ts';
import type { LabelSelector } from '../../../kube/types/meta.ts';
import type { NetworkPolicySpec } from '../../../kube/types/networking.ts';
import type { Pod } from '../../../kube/types/pod.ts';
import { decidePolicy } from '../../../policy/index.ts';
import { listsOf, namespaceObjects, some } from '../check.ts';
import type { Check, Found } from '../check.ts';
import type { AuditFacts } from '../facts.ts';

type Direction = 'ingress' | 'egress';

/** Where the control plane’s own pods are: closing these takes more care than the rest. */
const systemNamespaces: ReadonlySet<string> = new Set(['kube-system', 'kube-public', 'kube-node-lease']);

/** On the pods of a Gateway (GEP-1762). */
const gatewayLabel = 'gateway.networking.k8s.io/gateway-name';

const isEverything = (selector: LabelSelector | undefined): boolean =>
  selector === undefined ||
  (Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0);

const runs = ({ status }: Pod): boolean => status?.phase !== 'Succeeded' && status?.phase !== 'Failed';

/** Pods by namespace: what policies apply to. */
function podsByNamespace(facts: AuditFacts): ReadonlyMap<string, readonly Pod[]> {
  const pods = listsOf(facts).pods.filter(pod => runs(pod) && pod.spec.hostNetwork !== true);
  return Map.groupBy(pods, ({ metadata }) => metadata.namespace ?? 'default');
}

interface Closing {
  readonly closed: ReadonlySet<string>;
  /** Namespaces where a policy for all pods lets everybody in (or out): which, and its field. */
  readonly opened: ReadonlyMap<string, string>;
}

/** Which namespaces close themselves, for pods that are yet to come, too. */
function closedNamespaces(facts: AuditFacts, direction: Direction): Closing {
  const { clusterNetworkPolicies, namespaces, networkPolicies } = listsOf(facts);
  const type = direction === 'ingress' ? 'Ingress' : 'Egress';
  const closed = new Set<string>();
  const opened = new Map<string, string>();
  const close = (tier: 'Admin' | 'Baseline') => {
    for (const { spec } of clusterNetworkPolicies) {
      if (spec.tier !== tier || !(spec[direction] ?? []).some(rule => deniesAll(rule, direction))) continue;
      for (const { metadata } of namespaces)
        if (matchesSelector(spec.subject.namespaces, metadata.labels)) closed.add(metadata.name);
    }
  };
  close('Baseline');
  for (const { metadata, spec } of networkPolicies) {
    const types = spec.policyTypes ?? ['Ingress', ...(spec.egress === undefined ? [] : ['Egress'])];
    if (!isEverything(spec.podSelector) || !types.some(one => one === type)) continue;
    const namespace = metadata.namespace ?? 'default';
    closed.add(namespace);
    const rule = openRule(spec, direction);
    if (rule !== undefined) opened.set(namespace, `NetworkPolicy ${metadata.name} opens them: ${rule}`);
  }
  for (const namespace of opened.keys()) closed.delete(namespace);
  // What an administrator denies no NetworkPolicy opens.
  close('Admin');
  return { closed, opened };
}

/** The rule that lets everything pass: without peers and without ports. */
function openRule({ egress, ingress }: NetworkPolicySpec, direction: Direction): string | undefined {
  const rules: readonly { readonly peers: number; readonly ports: number }[] =
    direction === 'ingress'
      ? (ingress ?? []).map(({ from = [], ports = [] }) => ({ peers: from.length, ports: ports.length }))
      : (egress ?? []).map(({ ports = [], to = [] }) => ({ peers: to.length, ports: ports.length }));
  const at = rules.findIndex(({ peers, ports }) => peers === 0 && ports === 0);
  return at < 0
    ? undefined
    : `spec.${direction}[${at}] names no ${direction === 'ingress' ? 'from' : 'to'} and no port, which is all of them`;
}

function deniesAll({ action, from, protocols, to }: ClusterNetworkPolicyRule, direction: Direction): boolean {
  if (action !== 'Deny' || (protocols ?? []).length > 0) return false;
  const peers = (direction === 'ingress' ? from : to) ?? [];
  return peers.some(
    ({ namespaces, networks }) =>
      (namespaces !== undefined && isEverything(namespaces)) || networks?.includes('0.0.0.0/0') === true,
  );
}

const closedCheck = (direction: Direction): Pick<Check, 'needs' | 'run'> => ({
  needs: ['pods', 'networkPolicies', 'namespaces'],
  run: (facts, derived) => {
    const namespaces = podsByNamespace(facts);
    const model = derived.policyModel();
    const { closed, opened } = closedNamespaces(facts, direction);
    const objectOf = namespaceObjects(facts);
    return {
      looked: namespaces.size,
      found: [...namespaces].flatMap(([name, pods]): Found[] => {
        if (closed.has(name)) return [];
        const open = pods.filter(
          ({ metadata }) =>
            !model.covering[direction].has(`${metadata.namespace ?? 'default'}/${metadata.name}`),
        );
        return [
          {
            object: objectOf(name),
            evidence:
              opened.get(name) ??
              (open.length === 0
                ? `its ${pods.length} pods are covered one by one, a new one would not be`
                : `${open.length} of ${pods.length} pods are open: ${some(open.map(pod => pod.metadata.name))}`),
            ...(systemNamespaces.has(name) ? { severity: 'low' as const } : {}),
          },
        ];
      }),
    };
  },
});

export const defaultDenyChecks: readonly Check[] = [
  {
    code: 'default-deny-ingress',
    item: 'default-deny',
    title: 'a namespace does not deny incoming traffic by default',
    severity: 'high',
    why: 'Every pod of the cluster reaches every port of its pods: one that is taken over reaches all.',
    next: 'fairlead migrate default-deny prints what is declared as policies, for review; apply them, the one with podSelector: {} last.',
    ...closedCheck('ingress'),
  },
  {
    code: 'default-deny-egress',
    item: 'default-deny',
    title: 'a namespace does not deny outgoing traffic by default',
    severity: 'medium',
    why: 'A pod that is taken over can send what it has read to anywhere.',
    next: 'fairlead migrate default-deny prints them: DNS, what the pods need, and last a policy with podSelector: {} and policyTypes: [Egress].',
    ...closedCheck('egress'),
  },
  {
    code: 'default-deny-dns',
    item: 'default-deny',
    title: 'isolated pods cannot ask cluster DNS',
    severity: 'high',
    why: 'No name resolves for them: programs hang for seconds and then fail, whatever else is allowed.',
    next: 'Allow egress to namespace kube-system, pods k8s-app: kube-dns, ports 53 of UDP and TCP.',
    needs: ['pods', 'networkPolicies', 'namespaces', 'services'],
    run: (facts, derived) => {
      const model = derived.policyModel();
      const servers = [...model.pods.values()].filter(
        ({ labels, namespace }) => namespace === 'kube-system' && labels['k8s-app'] === 'kube-dns',
      );
      const isolated = [...podsByNamespace(facts).values()]
        .flat()
        .flatMap(
          ({ metadata }) => model.pods.get(`${metadata.namespace ?? 'default'}/${metadata.name}`) ?? [],
        )
        .filter(({ key }) => model.covering.egress.has(key));
      if (isolated.length > 0 && servers.length === 0)
        return { unchecked: 'no pods of cluster DNS (k8s-app=kube-dns in kube-system) are known' };
      const cannot = isolated.filter(
        ({ addresses }) =>
          !servers.some(server =>
            addresses.some(source => {
              const destination = server.addresses.find(({ family }) => family === source.family);
              return (
                destination !== undefined &&
                decidePolicy(model, { source, destination, protocol: 'UDP', port: 53 }).egress.allowed
              );
            }),
          ),
      );
      const objectOf = namespaceObjects(facts);
      const namespaces = Map.groupBy(cannot, ({ namespace }) => namespace);
      return {
        looked: isolated.length,
        found: [...namespaces].map(([name, pods]) => ({
          object: objectOf(name),
          evidence: `${pods.length} pods: ${some(pods.map(({ key }) => key.slice(name.length + 1)))}`,
        })),
      };
    },
  },
  {
    code: 'default-deny-matches-nothing',
    item: 'default-deny',
    title: 'a policy selects no pod',
    severity: 'low',
    why: 'It protects nothing; often its labels are misspelt and what it should close is open.',
    next: 'Compare spec.podSelector with the labels of the pods.',
    needs: ['pods', 'networkPolicies'],
    run: facts => {
      const { networkPolicies } = listsOf(facts);
      const namespaces = podsByNamespace(facts);
      // Pods that a controller makes are in no manifest.
      const mayMatch = (selector: LabelSelector | undefined) =>
        facts.source === 'manifests' && selector?.matchLabels?.[gatewayLabel] !== undefined;
      const narrow = networkPolicies.filter(
        ({ spec }) => !isEverything(spec.podSelector) && !mayMatch(spec.podSelector),
      );
      return {
        looked: narrow.length,
        found: narrow
          .filter(
            ({ metadata, spec }) =>
              !(namespaces.get(metadata.namespace ?? 'default') ?? []).some(pod =>
                matchesSelector(spec.podSelector, pod.metadata.labels),
              ),
          )
          .map(({ metadata, spec }) => ({
            object: { kind: 'NetworkPolicy', metadata },
            field: 'spec.podSelector',
            evidence: JSON.stringify(spec.podSelector ?? {}),
          })),
      };
    },
  },
  {
    code: 'default-deny-host-network',
    item: 'default-deny',
    title: 'pods use their node’s network',
    severity: 'medium',
    why: 'No NetworkPolicy applies to them, they see the node’s traffic, and they reach every pod on their node.',
    next: 'Give them a network of their own (hostPort where a port of the node is needed), or say by the annotation why not.',
    needs: ['pods'],
    run: facts => {
      const { pods } = listsOf(facts);
      const own = pods.filter(
        pod =>
          runs(pod) && pod.spec.hostNetwork === true && !systemNamespaces.has(pod.metadata.namespace ?? ''),
      );
      return {
        looked: pods.length,
        found: own.map(({ metadata }) => ({
          object: { kind: 'Pod', metadata },
          field: 'spec.hostNetwork',
          evidence: 'true',
        })),
      };
    },
  },
  {
    code: 'default-deny-world',
    item: 'default-deny',
    title: 'a policy opens pods to every address',
    severity: 'medium',
    why: 'A rule that names nobody is for everybody, and a block of 0.0.0.0/0 or ::/0 also holds every pod of the cluster.',
    next: 'Name the peers or the prefixes that are meant, or except the cluster’s own.',
    needs: ['networkPolicies'],
    run: facts => {
      const { networkPolicies } = listsOf(facts);
      return {
        looked: networkPolicies.length,
        found: networkPolicies.flatMap(({ metadata, spec }): Found[] => {
          const object = { kind: 'NetworkPolicy', metadata };
          const nobody = (field: string) => ({ object, field, evidence: 'not set, which is everybody' });
          return [
            ...(spec.ingress ?? []).flatMap(({ from = [] }, rule): Found[] =>
              from.length === 0
                ? [nobody(`spec.ingress[${rule}].from`)]
                : from.flatMap(({ ipBlock }, peer) =>
                    ipBlock !== undefined && isAnyPrefix(ipBlock.cidr) && (ipBlock.except ?? []).length === 0
                      ? [
                          {
                            object,
                            field: `spec.ingress[${rule}].from[${peer}].ipBlock.cidr`,
                            evidence: `${ipBlock.cidr} without exceptions`,
                          },
                        ]
                      : [],
                  ),
            ),
            ...(spec.egress ?? []).flatMap(({ ports = [], to = [] }, rule): Found[] =>
              to.length === 0 && ports.length === 0 ? [nobody(`spec.egress[${rule}].to`)] : [],
            ),
          ];
        }),
      };
    },
  },
];

function isAnyPrefix(cidr: string): boolean {
  const [address = '', length] = cidr.split('/');
  return length === '0' && parseAddress(address) !== undefined;
}
