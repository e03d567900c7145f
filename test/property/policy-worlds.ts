import fc from 'fast-check';
import { parseAddress } from '../../src/base/ip.ts';
import type { Address } from '../../src/base/ip.ts';
import type {
  ClusterNetworkPolicy,
  ClusterNetworkPolicyProtocol,
} from '../../src/kube/types/cluster-network-policy.ts';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../src/kube/types/networking.ts';
import type { Pod } from '../../src/kube/types/pod.ts';
import { readClusterPolicy } from '../../src/policy/compile-cluster-policy.ts';
import { PolicyCompiler } from '../../src/policy/compile-groups.ts';
import { PolicyIndex } from '../../src/policy/compile-index.ts';
import { compileModel, readPod } from '../../src/policy/compile-model.ts';
import { readPolicy } from '../../src/policy/compile-policy.ts';
import type { PolicyProgram } from '../../src/policy/compile-program.ts';
import type { Policy, PolicyModel, PolicyPod } from '../../src/policy/model.ts';

/** Small worlds in which selectors, blocks and ports often just match or just miss. */
export interface World {
  readonly pods: readonly Pod[];
  readonly policies: readonly NetworkPolicy[];
  readonly clusterPolicies: readonly ClusterNetworkPolicy[];
  /** Names and the addresses that were told for them. */
  readonly resolved: readonly Resolved[];
}

type Resolved = readonly [name: string, address: string];

const resolvedNames: Resolved[] = [
  ['example.com', '10.244.0.11'],
  ['example.com', '10.244.0.13'],
  ['www.example.com', '10.244.0.14'],
  ['www.example.com', 'fd00:10:244::12'],
  ['example.com', 'fd00:10:244::13'],
];
export const someResolved = fc.subarray(resolvedNames);

export function resolve(index: PolicyIndex, resolved: readonly Resolved[]): void {
  for (const [name, told] of resolvedNames)
    index.setName(
      name,
      told,
      resolved.some(pair => pair[0] === name && pair[1] === told),
    );
}

export const worldNamespaces = ['a', 'b'];
export const worldPorts = [80, 81, 82, 8080];
const names = ['web', 'api', 'none'];

const labels = fc.record(
  { app: fc.constantFrom('web', 'api'), tier: fc.constantFrom('one', 'two') },
  { requiredKeys: [] },
);

const selector = fc.oneof(
  { weight: 1, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc.record({
      matchLabels: fc.oneof(
        fc.constantFrom('web', 'api').map(app => ({ app })),
        fc.constantFrom('one', 'two').map(tier => ({ tier })),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('In' as const, 'NotIn' as const).map(operator => ({
      matchExpressions: [{ key: 'app', operator, values: ['web'] }],
    })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('Exists' as const, 'DoesNotExist' as const).map(operator => ({
      matchExpressions: [{ key: 'tier', operator }],
    })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('NotIn' as const, 'In' as const).map(operator => ({
      matchLabels: { app: 'api' },
      matchExpressions: [{ key: 'tier', operator, values: ['one', 'three'] }],
    })),
  },
);

const namespaceSelector = fc.oneof(
  fc.constant({}),
  fc
    .constantFrom(...worldNamespaces)
    .map(name => ({ matchLabels: { 'kubernetes.io/metadata.name': name } as Record<string, string> })),
  fc.constantFrom(
    { matchExpressions: [{ key: 'env', operator: 'Exists' as const }] },
    { matchExpressions: [{ key: 'env', operator: 'NotIn' as const, values: ['prod'] }] },
    { matchExpressions: [{ key: 'env', operator: 'In' as const, values: ['prod', 'test'] }] },
    { matchLabels: { env: 'prod' } },
  ),
);

/** One has a label that the other has not. */
export const labelsOfNamespace = (namespace: string): Readonly<Record<string, string>> => ({
  'kubernetes.io/metadata.name': namespace,
  ...(namespace === 'a' ? { env: 'prod' } : {}),
});

const block = fc.constantFrom(
  { cidr: '10.244.0.0/24' },
  { cidr: '10.244.0.0/24', except: ['10.244.0.11/32', '10.244.0.12/31'] },
  { cidr: '10.244.0.10/32' },
  { cidr: '10.244.0.8/29', except: ['10.244.0.10/32'] },
  { cidr: '10.244.0.13/29', except: ['10.244.0.8/30', '10.244.0.11/31'] }, // bits behind the length, overlaps
  { cidr: '10.244.0.0/24', except: ['10.244.0.0/24'] },
  { cidr: '10.244.0.0/24', except: ['fd00:10:244::/80'] },
  { cidr: '0.0.0.0/0' },
  { cidr: 'fd00:10:244::/64', except: ['fd00:10:244::11/128'] },
  { cidr: 'fd00:10:244::10/125' },
  { cidr: '::/0' },
  { cidr: 'nonsense' },
);

const peer: fc.Arbitrary<NetworkPolicyPeer> = fc.oneof(
  selector.map(podSelector => ({ podSelector })),
  namespaceSelector.map(found => ({ namespaceSelector: found })),
  fc.record({ namespaceSelector, podSelector: selector }),
  block.map(ipBlock => ({ ipBlock })),
);

const protocol = fc.constantFrom('TCP' as const, 'UDP' as const);

const port: fc.Arbitrary<NetworkPolicyPort> = fc.oneof(
  fc.record({ port: fc.constantFrom(...worldPorts), protocol }),
  fc.record({ port: fc.constantFrom(...worldPorts) }),
  fc.constantFrom(
    { port: 80, endPort: 81 },
    { port: 81, endPort: 8080 },
    { port: 80, endPort: 79 },
    { protocol: 'UDP' as const },
    { protocol: 'SCTP' as const, port: 80 },
    { protocol: 'SCTP' as const },
    { port: 70_000 },
    { port: 'web', endPort: 81 },
    { endPort: 81 },
    { protocol: 'ICMP' as 'TCP', port: 80 }, // a protocol of a later version
  ),
  fc.record({ port: fc.constantFrom(...names), protocol }),
);

const rule = (list: 'from' | 'to') =>
  fc
    .record({
      peers: fc.option(fc.array(peer, { maxLength: 3 }), { nil: undefined }),
      ports: fc.option(fc.array(port, { maxLength: 3 }), { nil: undefined }),
    })
    .map(({ peers, ports }) => ({
      ...(peers === undefined ? {} : { [list]: peers }),
      ...(ports === undefined ? {} : { ports }),
    }));

const policy = fc
  .record({
    namespace: fc.constantFrom(...worldNamespaces),
    podSelector: selector,
    ingress: fc.option(fc.array(rule('from'), { maxLength: 3 }), { nil: undefined }),
    egress: fc.option(fc.array(rule('to'), { maxLength: 3 }), { nil: undefined }),
    audit: fc.constantFrom(undefined, undefined, undefined, 'true', 'maybe'),
    policyTypes: fc.constantFrom(
      undefined,
      ['Ingress' as const],
      ['Egress' as const],
      ['Ingress' as const, 'Egress' as const],
    ),
  })
  .map(({ audit, namespace, ...spec }) => ({ audit, namespace, spec: withoutUndefined(spec) }));

const clusterPeer = fc.oneof(
  { weight: 3, arbitrary: namespaceSelector.map(namespaces => ({ namespaces })) },
  {
    weight: 3,
    arbitrary: fc.record({ pods: fc.record({ namespaceSelector, podSelector: selector }) }),
  },
  { weight: 1, arbitrary: fc.constant({}) }, // of a later version
);
const outerPeer = fc.oneof(
  { weight: 3, arbitrary: clusterPeer },
  {
    weight: 2,
    arbitrary: fc
      .subarray(['10.244.0.0/29', '10.244.0.8/30', '10.244.0.12/32', '::/0', '0.0.0.0/0'], { minLength: 1 })
      .map(networks => ({ networks })),
  },
  { weight: 1, arbitrary: selector.map(nodes => ({ nodes })) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('example.com', '*.example.com', 'not a name')
      .map(name => ({ domainNames: [name] })),
  },
);
const clusterProtocol: fc.Arbitrary<ClusterNetworkPolicyProtocol> = fc.oneof(
  fc.constantFrom(...worldPorts).map(number => ({ tcp: { destinationPort: { number } } })),
  fc.constantFrom(
    { tcp: { destinationPort: { range: { start: 80, end: 81 } } } },
    { udp: { destinationPort: { range: { start: 81, end: 8080 } } } },
    { destinationNamedPort: 'web' },
    { udp: {} },
    { sctp: { destinationPort: { number: 80 } } },
    { tcp: { destinationPort: { range: { start: 81, end: 80 } } } },
    {}, // of a later version
  ),
);

const clusterRule = (list: 'from' | 'to') =>
  fc
    .record({
      action: fc.constantFrom('Accept' as const, 'Deny' as const, 'Pass' as const),
      peers: fc.array(list === 'from' ? clusterPeer : outerPeer, { minLength: 1, maxLength: 2 }),
      protocols: fc.option(fc.array(clusterProtocol, { minLength: 1, maxLength: 2 }), { nil: undefined }),
    })
    .map(({ action, peers, protocols }) => ({
      action,
      [list]: peers,
      ...(protocols === undefined ? {} : { protocols }),
    }));

const clusterPolicy = fc.record({
  tier: fc.constantFrom('Admin' as const, 'Baseline' as const),
  priority: fc.nat(3),
  subject: fc.oneof(
    namespaceSelector.map(namespaces => ({ namespaces })),
    fc.record({ namespaceSelector, podSelector: selector }).map(pods => ({ pods })),
  ),
  ingress: fc.array(clusterRule('from'), { maxLength: 3 }),
  egress: fc.array(clusterRule('to'), { maxLength: 3 }),
});

const withoutUndefined = <T extends object>(object: T): T =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;

/** Pods with the given addresses; those before `local` are on `node-1`, the others on `node-2`. */
export function worlds(
  addresses: readonly (readonly [string, string])[],
  local: number,
): fc.Arbitrary<World> {
  return fc
    .record({
      pods: fc.tuple(
        ...addresses.map(() =>
          fc.record({
            namespace: fc.constantFrom(...worldNamespaces),
            labels,
            named: fc.array(
              fc.record({
                name: fc.constantFrom('web', 'api'),
                protocol,
                containerPort: fc.constantFrom(...worldPorts),
              }),
              { maxLength: 3 },
            ),
            // Ports of an init container that ends are nobody's.
            startsWith: fc.constantFrom('nothing' as const, 'init' as const, 'sidecar' as const),
            // Most pods are what they seem.
            is: fc.constantFrom(
              ...(['pod', 'pod', 'pod', 'pod', 'terminating', 'succeeded', 'failed', 'hostNetwork'] as const),
            ),
          }),
        ),
      ),
      policies: fc.array(policy, { maxLength: 5 }),
      clusterPolicies: fc.array(clusterPolicy, { maxLength: 3 }),
      resolved: someResolved,
    })
    .map(({ pods, policies, clusterPolicies, resolved }) => ({
      resolved,
      clusterPolicies: clusterPolicies.map((spec, index) => ({
        apiVersion: 'policy.networking.k8s.io/v1alpha2' as const,
        kind: 'ClusterNetworkPolicy' as const,
        metadata: { name: `c${index}`, uid: `c${index}`, generation: 1 },
        spec: spec as ClusterNetworkPolicy['spec'],
      })),
      pods: pods.map((pod, index) => podOf(index, pod, addresses[index] ?? ['', ''], index < local)),
      policies: policies.map(({ audit, namespace, spec }, index) => ({
        apiVersion: 'networking.k8s.io/v1' as const,
        kind: 'NetworkPolicy' as const,
        metadata: {
          namespace,
          name: `p${index}`,
          uid: `u${index}`,
          generation: 1,
          ...(audit === undefined ? {} : { annotations: { 'fairlead.dev/audit': audit } }),
        },
        spec: spec as NetworkPolicy['spec'],
      })),
    }));
}

function podOf(
  index: number,
  pod: {
    readonly namespace: string;
    readonly labels: { readonly app?: string; readonly tier?: string };
    readonly named: readonly {
      readonly name: string;
      readonly protocol: 'TCP' | 'UDP';
      readonly containerPort: number;
    }[];
    readonly startsWith: 'nothing' | 'init' | 'sidecar';
    readonly is: 'pod' | 'terminating' | 'succeeded' | 'failed' | 'hostNetwork';
  },
  addresses: readonly [string, string],
  isLocal: boolean,
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: pod.namespace,
      name: `pod${index}`,
      uid: `pod${index}`,
      labels: withoutUndefined(pod.labels),
      ...(pod.is === 'terminating' ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: {
      nodeName: isLocal ? 'node-1' : 'node-2',
      // The last named port is that of a second container.
      containers: [
        { name: 'main', image: 'echo', ports: pod.named.slice(0, 2) },
        { name: 'second', image: 'echo', ports: pod.named.slice(2) },
      ],
      ...(pod.startsWith === 'nothing'
        ? {}
        : {
            initContainers: [
              {
                name: 'first',
                image: 'echo',
                ports: [{ name: 'api', containerPort: 82 }],
                ...(pod.startsWith === 'sidecar' ? { restartPolicy: 'Always' as const } : {}),
              },
            ],
          }),
      ...(pod.is === 'hostNetwork' ? { hostNetwork: true } : {}),
    },
    status: {
      podIPs: addresses.map(ip => ({ ip })),
      phase: pod.is === 'succeeded' ? 'Succeeded' : pod.is === 'failed' ? 'Failed' : 'Running',
    },
  };
}

export const policiesOf = ({ policies, clusterPolicies }: World): readonly Policy[] => [
  ...policies.map(readPolicy),
  ...clusterPolicies.map(readClusterPolicy),
];

/** One has the labels that selectors of pods name. */
export const nodesOfWorlds = [
  {
    name: 'node-1',
    labels: { app: 'web' },
    addresses: [address('172.30.0.1'), address('fd00:172:30::1')],
  },
];

export const podsOf = (world: World): readonly PolicyPod[] =>
  world.pods
    .map(pod => readPod(pod, labelsOfNamespace(pod.metadata.namespace ?? '')))
    .filter(pod => pod !== undefined);

/** What `node-1` has in its kernel. */
export function programOf(world: World): PolicyProgram {
  const index = new PolicyIndex();
  for (const pod of podsOf(world)) index.setPod(pod.key, pod);
  for (const policy of policiesOf(world)) index.setPolicy(policy.key, policy);
  index.setNodes(nodesOfWorlds);
  resolve(index, world.resolved);
  const compiler = new PolicyCompiler(index, 'node-1', { reportsDrops: true });
  compiler.update([]);
  return compiler.program;
}

export function modelOf(world: World): PolicyModel {
  const model = compileModel({
    pods: podsOf(world),
    policies: policiesOf(world),
    nodes: nodesOfWorlds,
  });
  resolve(model, world.resolved);
  return model;
}

export function address(text: string): Address {
  const found = parseAddress(text);
  if (found === undefined) throw new Error(`"${text}" is no address`);
  return found;
}
