import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Node, Pod, PodSpec, Taint } from '../../../kube/types/core.ts';
import { ClusterState } from './cluster-state.ts';
import { schedule } from './decide.ts';
import { podFacts } from './facts.ts';
import type { Labels } from './model.ts';

interface NodeSketch {
  readonly labels?: Labels;
  readonly taints?: readonly Taint[];
  readonly unschedulable?: boolean;
  readonly allocatable?: Readonly<Record<string, string>>;
}

function node(name: string, sketch: NodeSketch = {}): Node {
  const { labels, taints, unschedulable, allocatable = { cpu: '4', memory: '8Gi', pods: '10' } } = sketch;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: {
      ...(taints === undefined ? {} : { taints }),
      ...(unschedulable === undefined ? {} : { unschedulable }),
    },
    status: { allocatable },
  };
}

function pod(name: string, spec: Partial<PodSpec> = {}, labels: Labels = {}, namespace = 'default'): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid: `uid-${name}`, labels },
    spec: { containers: [{ name: 'main', image: 'pause' }], ...spec },
  };
}

const asking = (requests: Readonly<Record<string, string>>): Partial<PodSpec> => ({
  containers: [{ name: 'main', image: 'pause', resources: { requests } }],
});

function cluster(nodes: readonly Node[], pods: readonly Pod[] = []): ClusterState {
  const state = new ClusterState(namespace => (namespace === 'team-a' ? { team: 'a' } : {}));
  for (const each of nodes) state.setNode(each);
  for (const each of pods) state.setPod(each);
  return state;
}

function decided(candidate: Pod, state: ClusterState): string {
  const decision = schedule(podFacts(candidate), state);
  return decision.kind === 'bind' ? decision.node : decision.message;
}

const on = (name: string, other: Pod): Pod => ({ ...other, spec: { ...other.spec, nodeName: name } });

const AFFINITY = "1 node(s) didn't match Pod's node affinity/selector";
const required = (
  key: string,
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt',
  values: string[] = [],
) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
      },
    },
  },
});
const beside = (app: string, topologyKey: string) => [
  { topologyKey, labelSelector: { matchLabels: { app } } },
];

/** One node `n` with what stands in the row; the pod fits there, or the message says why not. */
const rows: readonly {
  readonly behaviour: string;
  readonly node?: NodeSketch;
  readonly running?: readonly Pod[];
  readonly pod: Partial<PodSpec>;
  readonly labels?: Labels;
  readonly refusal?: string;
}[] = [
  { behaviour: 'a pod that asks for nothing fits', pod: {} },
  {
    behaviour: 'a cordoned node takes nothing',
    node: { unschedulable: true },
    pod: {},
    refusal: '1 node(s) were unschedulable',
  },
  {
    behaviour: 'a pod may tolerate a cordon',
    node: { unschedulable: true },
    pod: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] },
  },
  {
    behaviour: 'a taint keeps away',
    node: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] },
    pod: { tolerations: [{ key: 'gpu', operator: 'Equal', value: 'no' }] },
    refusal: '1 node(s) had untolerated taint {gpu: yes}',
  },
  {
    behaviour: 'a preference of the node is no refusal',
    node: { taints: [{ key: 'gpu', effect: 'PreferNoSchedule' }] },
    pod: {},
  },
  {
    behaviour: 'a toleration of another effect does not help',
    node: { taints: [{ key: 'gpu', effect: 'NoExecute' }] },
    pod: { tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoSchedule' }] },
    refusal: '1 node(s) had untolerated taint {gpu: }',
  },
  {
    behaviour: 'Exists without a key tolerates everything',
    node: { taints: [{ key: 'gpu', effect: 'NoExecute' }] },
    pod: { tolerations: [{ operator: 'Exists' }] },
  },
  { behaviour: 'the node selector has to match', pod: { nodeSelector: { disk: 'ssd' } }, refusal: AFFINITY },
  {
    behaviour: 'a selector for `constructor` matches no node',
    pod: required('constructor', 'Exists'),
    refusal: AFFINITY,
  },
  {
    behaviour: 'In finds its value',
    node: { labels: { disk: 'ssd' } },
    pod: required('disk', 'In', ['hdd', 'ssd']),
  },
  { behaviour: 'NotIn is content with an absent label', pod: required('disk', 'NotIn', ['ssd']) },
  {
    behaviour: 'Gt compares numbers',
    node: { labels: { cores: '16' } },
    pod: required('cores', 'Gt', ['8']),
  },
  {
    behaviour: 'Gt refuses what is no number',
    node: { labels: { cores: 'many' } },
    pod: required('cores', 'Gt', ['8']),
    refusal: AFFINITY,
  },
  {
    behaviour: 'a required affinity without terms matches nothing',
    pod: {
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{}] } },
      },
    },
    refusal: AFFINITY,
  },
  { behaviour: 'what fits exactly fits', pod: asking({ cpu: '4', memory: '8Gi' }) },
  {
    behaviour: 'fractions add up exactly',
    running: [pod('a', asking({ cpu: '3.8' })), pod('b', asking({ cpu: '100m' }))],
    pod: asking({ cpu: '0.1' }),
  },
  {
    behaviour: 'each resource that is short is named',
    pod: asking({ cpu: '5', memory: '9Gi' }),
    refusal: '1 Insufficient cpu, 1 Insufficient memory',
  },
  {
    behaviour: 'a resource that the node does not have is short',
    pod: asking({ 'example.com/gpu': '1' }),
    refusal: '1 Insufficient example.com/gpu',
  },
  {
    behaviour: 'a node holds only so many pods',
    node: { allocatable: { cpu: '4', pods: '1' } },
    running: [pod('a')],
    pod: {},
    refusal: '1 Too many pods',
  },
  {
    behaviour: 'pods that have ended take no room',
    node: { allocatable: { cpu: '4', pods: '1' } },
    running: [{ ...pod('a'), status: { phase: 'Succeeded' } }],
    pod: {},
  },
  {
    behaviour: 'a host port is taken once for each protocol and address',
    running: [
      pod('a', {
        containers: [
          { name: 'a', image: 'x', ports: [{ containerPort: 1, hostPort: 53, hostIP: '10.0.0.1' }] },
        ],
      }),
    ],
    pod: {
      containers: [
        {
          name: 'a',
          image: 'x',
          ports: [
            { containerPort: 1, hostPort: 53, hostIP: '10.0.0.2' },
            { containerPort: 1, hostPort: 53, protocol: 'UDP' },
          ],
        },
      ],
    },
  },
  {
    behaviour: 'a port on all addresses clashes with one on any',
    running: [
      pod('a', {
        containers: [
          { name: 'a', image: 'x', ports: [{ containerPort: 1, hostPort: 53, hostIP: '10.0.0.1' }] },
        ],
      }),
    ],
    pod: { containers: [{ name: 'a', image: 'x', ports: [{ containerPort: 1, hostPort: 53 }] }] },
    refusal: "1 node(s) didn't have free ports for the requested pod ports",
  },
  {
    behaviour: 'with hostNetwork every declared port is one of the node',
    running: [
      pod('a', {
        hostNetwork: true,
        containers: [{ name: 'a', image: 'x', ports: [{ containerPort: 80 }] }],
      }),
    ],
    pod: { hostNetwork: true, containers: [{ name: 'a', image: 'x', ports: [{ containerPort: 80 }] }] },
    refusal: "1 node(s) didn't have free ports for the requested pod ports",
  },
  {
    behaviour: 'company that is nowhere is missed',
    pod: {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: beside('db', 'kubernetes.io/hostname'),
        },
      },
    },
    refusal: "1 node(s) didn't match pod affinity rules",
  },
  {
    behaviour: 'the first of a group that wants its own company may start',
    pod: {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: beside('db', 'kubernetes.io/hostname'),
        },
      },
    },
    labels: { app: 'db' },
  },
  {
    behaviour: 'a running pod keeps away whom it shuns',
    running: [
      pod('a', {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: beside('web', 'kubernetes.io/hostname'),
          },
        },
      }),
    ],
    pod: {},
    labels: { app: 'web' },
    refusal: "1 node(s) didn't satisfy existing pods anti-affinity rules",
  },
  {
    behaviour: 'shunned pods of another namespace do not count',
    running: [pod('a', {}, { app: 'web' }, 'other')],
    pod: {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: beside('web', 'kubernetes.io/hostname'),
        },
      },
    },
  },
  {
    behaviour: 'unless the term selects their namespace by its labels',
    running: [pod('a', {}, { app: 'web' }, 'team-a')],
    pod: {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: beside('web', 'kubernetes.io/hostname').map(
            term => ({
              ...term,
              namespaceSelector: { matchLabels: { team: 'a' } },
            }),
          ),
        },
      },
    },
    refusal: "1 node(s) didn't match pod anti-affinity rules",
  },
  {
    behaviour: 'a node without the topology key cannot be spread over',
    pod: {
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} },
      ],
    },
    refusal: "1 node(s) didn't match pod topology spread constraints (missing required label)",
  },
];

for (const row of rows) {
  test(`scheduling: ${row.behaviour}`, () => {
    const state = cluster(
      [node('n', row.node)],
      (row.running ?? []).map(each => on('n', each)),
    );
    const expected = row.refusal === undefined ? 'n' : `0/1 nodes are available: ${row.refusal}.`;
    assert.equal(decided(pod('new', row.pod, row.labels), state), expected);
  });
}

test('with no nodes at all the message says so', () => {
  assert.equal(decided(pod('new'), cluster([])), 'no nodes available to schedule pods');
});

test('reasons are counted and sorted as the real scheduler does', () => {
  const nodes = [
    node('a', { unschedulable: true }),
    node('b', { taints: [{ key: 'x', effect: 'NoSchedule' }] }),
    node('c', { allocatable: { cpu: '1' } }),
    node('d', { allocatable: { cpu: '1' } }),
  ];
  assert.equal(
    decided(pod('new', asking({ cpu: '2' })), cluster(nodes)),
    '0/4 nodes are available: 1 node(s) had untolerated taint {x: }, 1 node(s) were unschedulable, 2 Insufficient cpu.',
  );
});

test('what the user prefers outweighs keeping replicas apart', () => {
  const owner = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs', controller: true }];
  const owned = (name: string, spec: Partial<PodSpec> = {}): Pod => {
    const made = pod(name, spec);
    return { ...made, metadata: { ...made.metadata, ownerReferences: owner } };
  };
  const state = cluster(
    [node('plain'), node('fast', { labels: { disk: 'ssd' } })],
    [on('fast', owned('first'))],
  );
  assert.equal(decided(owned('second'), state), 'plain');
  const preferring: Partial<PodSpec> = {
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 1, preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] } },
        ],
      },
    },
  };
  assert.equal(decided(owned('second', preferring), state), 'fast');
});

test('a ScheduleAnyway constraint prefers the emptier zone and refuses nothing', () => {
  const zone = (name: string) => ({ labels: { zone: name } });
  const constraint = {
    maxSkew: 1,
    topologyKey: 'zone',
    whenUnsatisfiable: 'ScheduleAnyway' as const,
    labelSelector: { matchLabels: { app: 'web' } },
  };
  const state = cluster(
    [node('a', zone('east')), node('b', zone('west'))],
    [on('a', pod('one', {}, { app: 'web' })), on('b', pod('x')), on('b', pod('y')), on('b', pod('z'))],
  );
  assert.equal(decided(pod('two', { topologySpreadConstraints: [constraint] }, { app: 'web' }), state), 'b');
});

test('no sequence of pods is ever given more of a node than it has', () => {
  const amount = fc.integer({ min: 0, max: 2500 });
  const pods = fc.array(fc.record({ cpu: amount, memory: amount, port: fc.integer({ min: 0, max: 3 }) }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(pods, wishes => {
      const state = cluster(
        ['a', 'b', 'c'].map(name => node(name, { allocatable: { cpu: '4', memory: '6Gi', pods: '8' } })),
      );
      for (const [index, wish] of wishes.entries()) {
        const ports = wish.port === 0 ? [] : [{ containerPort: 1, hostPort: wish.port }];
        const requests = { cpu: `${wish.cpu}m`, memory: `${wish.memory}Mi` };
        const candidate = podFacts(
          pod(`p${index}`, { containers: [{ name: 'c', image: 'x', ports, resources: { requests } }] }),
        );
        const decision = schedule(candidate, state);
        if (decision.kind === 'bind') state.assume(candidate, decision.node);
      }
      for (const each of state.nodes) {
        assert.ok(each.pods.size <= 8);
        for (const [name, used] of each.requested)
          assert.ok(used <= (each.allocatable.get(name) ?? 0n), name);
        const ports = [...each.pods.values()].flatMap(facts => facts.hostPorts.map(port => port.port));
        assert.equal(new Set(ports).size, ports.length, 'a port was given twice');
      }
    }),
  );
});
