import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { ContainerPort } from '../kube/types/core.ts';
import type { NetworkPolicy, NetworkPolicySpec } from '../kube/types/networking.ts';
import type { Pod } from '../kube/types/pod.ts';
import { compileModel, readNodeLocalService, readPod } from './compile-model.ts';
import { readPolicy } from './compile-policy.ts';
import { decide } from './decide.ts';
import type { Flow, Verdict } from './decide.ts';

/** Pods of the world that all cases share, with their places in it. */
interface Place {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  readonly node?: string;
  readonly hostNetwork?: boolean;
  readonly phase?: 'Running' | 'Succeeded' | 'Failed' | 'Pending';
  readonly ports?: readonly ContainerPort[];
}

const places: Readonly<Record<string, Place>> = {
  web: { namespace: 'shop', labels: { app: 'web', tier: 'front' }, addresses: ['10.244.1.1', 'fd00::1:1'] },
  api: {
    namespace: 'shop',
    labels: { app: 'api' },
    addresses: ['10.244.1.2', 'fd00::1:2'],
    ports: [
      { name: 'http', containerPort: 8080 },
      { name: 'dns', containerPort: 53, protocol: 'UDP' },
    ],
  },
  other: {
    namespace: 'data',
    labels: { app: 'web' },
    addresses: ['10.244.2.1', 'fd00::2:1'],
    node: 'node-2',
    ports: [{ name: 'http', containerPort: 9090 }],
  },
  host: { namespace: 'shop', labels: { app: 'web' }, addresses: ['172.30.0.1'], hostNetwork: true },
  ended: { namespace: 'shop', labels: { app: 'web' }, addresses: ['10.244.1.9'], phase: 'Succeeded' },
};
const namespaceLabels: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  shop: { 'kubernetes.io/metadata.name': 'shop', team: 'a' },
  data: { 'kubernetes.io/metadata.name': 'data' },
};
const nodes = [
  { name: 'node-1', labels: { role: 'edge' }, addresses: [at('172.30.0.1'), at('fd00:172:30::1')] },
  { name: 'node-2', labels: {}, addresses: [at('172.30.0.2')] },
];

function at(text: string): Address {
  const address = parseAddress(text);
  assert.ok(address, text);
  return address;
}

function podOf(name: string, place: Place): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: place.namespace, labels: place.labels, uid: name },
    spec: {
      nodeName: place.node ?? 'node-1',
      ...(place.hostNetwork === true ? { hostNetwork: true } : {}),
      containers: [{ name: 'main', image: 'echo', ports: place.ports ?? [] }],
    },
    status: { phase: place.phase ?? 'Running', podIPs: place.addresses.map(ip => ({ ip })) },
  };
}

type Spec = NetworkPolicySpec & { readonly namespace?: string };

function modelOf(specs: readonly Spec[], changed: Readonly<Record<string, Place>> = {}) {
  return compileModel({
    pods: Object.entries({ ...places, ...changed })
      .map(([name, place]) => readPod(podOf(name, place), namespaceLabels[place.namespace] ?? {}))
      .filter(pod => pod !== undefined),
    policies: specs.map(({ namespace = 'shop', ...spec }, index) => {
      const metadata = { namespace, name: `p${index}`, uid: `u${index}`, generation: 3 };
      return readPolicy({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec });
    }),
    nodes,
  });
}

const addressOf = (who: string, family: 0 | 1): Address => at(places[who]?.addresses[family] ?? who);

interface Ask {
  readonly family?: 0 | 1;
  readonly protocol?: Flow['protocol'];
  readonly port?: number | undefined;
  readonly pods?: Readonly<Record<string, Place>>;
  readonly hairpin?: boolean;
}

function ask(specs: readonly Spec[], from: string, to: string, how: Ask = {}): Verdict {
  const { family = 0, protocol = 'TCP', pods, hairpin } = how;
  const port = 'port' in how ? how.port : 80;
  return decide(modelOf(specs, pods), {
    source: addressOf(from, family),
    destination: addressOf(to, family),
    protocol,
    ...(port === undefined ? {} : { port }),
    ...(hairpin === undefined ? {} : { hairpin }),
  });
}

const allows = (specs: readonly Spec[], from: string, to: string, how?: Ask): boolean =>
  ask(specs, from, to, how).allowed;

const toApi = { podSelector: { matchLabels: { app: 'api' } } };
const denyIn: Spec = { podSelector: {}, policyTypes: ['Ingress'] };
const denyOut: Spec = { podSelector: {}, policyTypes: ['Egress'] };
const fromWeb = { from: [{ podSelector: { matchLabels: { app: 'web' } } }] };

describe('isolation', () => {
  test('a pod is isolated in a direction when a policy of its namespace selects it for that direction', () => {
    assert.equal(allows([], 'web', 'api'), true);
    assert.equal(allows([denyIn], 'web', 'api'), false);
    assert.equal(allows([denyIn], 'api', 'other'), true, 'ingress says nothing about egress');
    assert.equal(allows([denyOut], 'api', 'other'), false);
    assert.equal(allows([{ ...denyIn, namespace: 'data' }], 'web', 'api'), true, 'another namespace');
    assert.equal(allows([{ ...toApi, policyTypes: ['Ingress'] }], 'api', 'web'), true, 'not selected');
  });

  test('without policyTypes a policy isolates ingress, and egress only when it has an egress rule', () => {
    assert.equal(allows([{ podSelector: {} }], 'web', 'api'), false);
    assert.equal(allows([{ podSelector: {}, egress: [] }], 'web', 'other'), true);
    assert.equal(allows([{ podSelector: {}, egress: [{ ports: [{ port: 1 }] }] }], 'web', 'other'), false);
    assert.equal(allows([{ podSelector: {}, policyTypes: [] }], 'web', 'api'), false);
    const rules = { podSelector: {}, policyTypes: ['Ingress' as const], egress: [{ ports: [{ port: 1 }] }] };
    assert.equal(allows([rules], 'web', 'other'), true, 'egress rules alone do not isolate');
  });

  test('what any rule of any selecting policy allows is allowed, in any order', () => {
    const other = { ...toApi, ingress: [{ ports: [{ port: 81 }] }, { ports: [{ port: 80 }] }] };
    assert.equal(allows([denyIn, other], 'web', 'api'), true);
    assert.equal(allows([other, denyIn], 'web', 'api'), true);
  });

  test('both ends have to allow', () => {
    const letIn = { ...toApi, ingress: [fromWeb] };
    assert.equal(allows([denyOut, denyIn, letIn], 'web', 'api'), false);
    const letOut = { podSelector: {}, policyTypes: ['Egress' as const], egress: [{}] };
    assert.equal(allows([denyOut, denyIn, letIn, letOut], 'web', 'api'), true);
    assert.equal(allows([denyIn, letOut], 'web', 'api'), false);
  });

  test('an empty or absent spec.podSelector selects all pods of the namespace', () => {
    assert.equal(allows([{ policyTypes: ['Ingress'] }], 'web', 'api'), false);
    assert.equal(allows([{ policyTypes: ['Ingress'] }], 'web', 'other'), true);
  });
});

describe('peers', () => {
  const letIn = (...from: NonNullable<NonNullable<NetworkPolicySpec['ingress']>[number]['from']>) => [
    { ...toApi, ingress: [{ from }] },
  ];

  test('a podSelector alone means the own namespace, a namespaceSelector alone all of its pods', () => {
    assert.equal(allows(letIn({ podSelector: { matchLabels: { app: 'web' } } }), 'web', 'api'), true);
    assert.equal(allows(letIn({ podSelector: { matchLabels: { app: 'web' } } }), 'other', 'api'), false);
    assert.equal(allows(letIn({ podSelector: {} }), 'other', 'api'), false);
    assert.equal(allows(letIn({ namespaceSelector: {} }), 'other', 'api'), true);
    assert.equal(allows(letIn({ namespaceSelector: { matchLabels: { team: 'a' } } }), 'other', 'api'), false);
  });

  test('both selectors in one entry have to hold, of two entries one', () => {
    const data = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'data' } } };
    const api = { podSelector: { matchLabels: { app: 'api' } } };
    assert.equal(allows(letIn({ ...data, ...api }), 'other', 'api'), false);
    assert.equal(allows(letIn(data, api), 'other', 'api'), true);
    assert.equal(allows(letIn({ ...data, podSelector: {} }), 'other', 'api'), true);
  });

  test('no rules deny all; an empty rule, an empty from and absent ports allow all', () => {
    const rules = (ingress: NetworkPolicySpec['ingress']) => [
      { ...toApi, policyTypes: ['Ingress' as const], ...(ingress === undefined ? {} : { ingress }) },
    ];
    assert.equal(allows(rules([]), 'web', 'api'), false);
    assert.equal(allows(rules(undefined), 'web', 'api'), false);
    for (const rule of [{}, { from: [] }, { ports: [] }, { from: [], ports: [] }]) {
      assert.equal(allows(rules([rule]), 'web', 'api'), true);
      assert.equal(allows(rules([rule]), '8.8.8.8', 'api'), true, 'from outside too');
      assert.equal(allows(rules([rule]), 'web', 'api', { protocol: 'ICMP', port: undefined }), true);
    }
  });

  test('selectors match pods alone: not the outside, not nodes, not pods of the host network', () => {
    for (const from of ['8.8.8.8', '172.30.0.2'])
      assert.equal(allows(letIn({ namespaceSelector: {} }), from, 'api'), false);
    const onNode2 = { api: { ...(places['api'] as Place), node: 'node-2' } };
    assert.equal(allows(letIn({ podSelector: {} }), 'host', 'api', { pods: onNode2 }), false);
  });

  test('an ipBlock matches addresses without its exceptions; another rule may allow these', () => {
    const block = { ipBlock: { cidr: '8.8.0.0/16', except: ['8.8.8.0/24'] } };
    assert.equal(allows(letIn(block), '8.8.4.4', 'api'), true);
    assert.equal(allows(letIn(block), '8.8.8.8', 'api'), false);
    assert.equal(allows(letIn(block), '9.9.9.9', 'api'), false);
    assert.equal(allows(letIn(block, { ipBlock: { cidr: '8.8.8.8/32' } }), '8.8.8.8', 'api'), true);
    assert.equal(allows(letIn({ ipBlock: { cidr: '8.8.4.4/16' } }), '8.8.8.8', 'api'), true, 'host bits');
  });

  test('an ipBlock matches the address of a pod, too', () => {
    assert.equal(allows(letIn({ ipBlock: { cidr: '10.244.1.1/32' } }), 'web', 'api'), true);
    assert.equal(allows(letIn({ ipBlock: { cidr: '10.244.1.1/32' } }), 'other', 'api'), false);
  });

  test('each family has its own addresses', () => {
    const six = letIn({ ipBlock: { cidr: 'fd00::1:1/128' } });
    assert.equal(allows(six, 'web', 'api', { family: 1 }), true);
    assert.equal(allows(six, 'web', 'api', { family: 0 }), false);
    assert.equal(allows(letIn({ ipBlock: { cidr: '0.0.0.0/0' } }), 'web', 'api', { family: 1 }), false);
    assert.equal(allows([denyIn], 'web', 'api', { family: 1 }), false);
  });

  test('In and Exists need the label, NotIn and DoesNotExist hold without it, and all have to hold', () => {
    const by = (...matchExpressions: { key: string; operator: string; values?: string[] }[]) =>
      letIn({ podSelector: { matchExpressions } as never });
    assert.equal(allows(by({ key: 'app', operator: 'In', values: ['web', 'x'] }), 'web', 'api'), true);
    assert.equal(allows(by({ key: 'none', operator: 'In', values: ['x'] }), 'web', 'api'), false);
    assert.equal(allows(by({ key: 'none', operator: 'NotIn', values: ['x'] }), 'web', 'api'), true);
    assert.equal(allows(by({ key: 'app', operator: 'NotIn', values: ['web'] }), 'web', 'api'), false);
    assert.equal(allows(by({ key: 'none', operator: 'DoesNotExist' }), 'web', 'api'), true);
    assert.equal(allows(by({ key: 'none', operator: 'Exists' }), 'web', 'api'), false);
    const two = by({ key: 'app', operator: 'Exists' }, { key: 'tier', operator: 'In', values: ['back'] });
    assert.equal(allows(two, 'web', 'api'), false);
  });

  test('every namespace can be named by kubernetes.io/metadata.name', () => {
    const data = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'data' } } };
    assert.equal(allows(letIn(data), 'other', 'api'), true);
    assert.equal(allows(letIn(data), 'web', 'api'), false);
  });
});

describe('ports', () => {
  const letIn = (...ports: NonNullable<NonNullable<NetworkPolicySpec['ingress']>[number]['ports']>) => [
    { ...toApi, ingress: [{ ports }] },
  ];
  const letOut = (...ports: NonNullable<NonNullable<NetworkPolicySpec['egress']>[number]['ports']>) => [
    { podSelector: { matchLabels: { app: 'web' } }, egress: [{ ports }] },
  ];

  test('the port is the pod’s own, after Service translation', () => {
    assert.equal(allows(letIn({ port: 8080 }), 'web', 'api', { port: 8080 }), true);
    assert.equal(allows(letIn({ port: 80 }), 'web', 'api', { port: 8080 }), false);
  });

  test('a named port is the destination pod’s number, of the same protocol, on each pod its own', () => {
    assert.equal(allows(letIn({ port: 'http' }), 'web', 'api', { port: 8080 }), true);
    assert.equal(allows(letIn({ port: 'http' }), 'web', 'api', { port: 9090 }), false);
    assert.equal(allows(letIn({ port: 'dns' }), 'web', 'api', { port: 53 }), false, 'TCP is not UDP');
    const udp = { port: 'dns', protocol: 'UDP' as const };
    assert.equal(allows(letIn(udp), 'web', 'api', { port: 53, protocol: 'UDP' }), true);
    assert.equal(allows(letOut({ port: 'http' }), 'web', 'api', { port: 8080 }), true);
    assert.equal(allows(letOut({ port: 'http' }), 'web', 'other', { port: 9090 }), true);
    assert.equal(allows(letOut({ port: 'http' }), 'web', 'other', { port: 8080 }), false);
    assert.equal(allows(letIn({ port: 'absent' }), 'web', 'api', { port: 80 }), false);
  });

  test('a named port of egress never goes with an ipBlock', () => {
    const egress = [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ port: 'http' }] }];
    const policy = [{ podSelector: { matchLabels: { app: 'web' } }, egress }];
    assert.equal(allows(policy, 'web', 'api', { port: 8080 }), false);
    assert.equal(allows(policy, 'web', '8.8.8.8', { port: 8080 }), false);
  });

  test('a range includes its ends; one that is not in order allows nothing', () => {
    for (const [port, wanted] of [
      [79, false],
      [80, true],
      [90, true],
      [91, false],
    ] as const)
      assert.equal(allows(letIn({ port: 80, endPort: 90 }), 'web', 'api', { port }), wanted);
    assert.equal(allows(letIn({ port: 80, endPort: 79 }), 'web', 'api'), false);
    assert.equal(allows(letIn({ port: 'http', endPort: 9000 }), 'web', 'api', { port: 8080 }), false);
    assert.equal(allows(letIn({ endPort: 90 }), 'web', 'api'), false);
  });

  test('the protocol is TCP unless it is said; without a port it is all ports of it', () => {
    assert.equal(allows(letIn({ port: 80 }), 'web', 'api', { protocol: 'UDP' }), false);
    assert.equal(allows(letIn({ protocol: 'UDP' }), 'web', 'api', { protocol: 'UDP', port: 7 }), true);
    assert.equal(allows(letIn({ protocol: 'UDP' }), 'web', 'api', { protocol: 'TCP', port: 7 }), false);
    const sctp = letIn({ protocol: 'SCTP', port: 80 });
    assert.equal(allows(sctp, 'web', 'api', { protocol: 'SCTP' }), true);
    assert.equal(allows(sctp, 'web', 'api'), false, 'a rule of SCTP opens no TCP, and isolates');
  });

  test('ICMP, unknown protocols and fragments pass rules without ports alone', () => {
    for (const protocol of ['ICMP', 'other'] as const) {
      assert.equal(allows(letIn({ port: 80 }), 'web', 'api', { protocol, port: undefined }), false);
      assert.equal(
        allows([{ ...toApi, ingress: [fromWeb] }], 'web', 'api', { protocol, port: undefined }),
        true,
      );
    }
    assert.equal(allows(letIn({ port: 80 }), 'web', 'api', { port: undefined }), false, 'a fragment');
  });
});

describe('nodes and the host network', () => {
  test('a node reaches its own pods, another node is an address like others', () => {
    assert.equal(allows([denyIn], '172.30.0.1', 'api'), true);
    assert.equal(ask([denyIn], '172.30.0.1', 'api').ingress.reason, 'own-node');
    assert.equal(allows([denyIn], '172.30.0.2', 'api'), false);
  });

  test('pods of the host network are not selected and count as their node', () => {
    assert.equal(allows([denyOut], 'host', '8.8.8.8'), true);
    assert.equal(allows([denyOut], 'web', 'host'), false, 'an isolated pod does not reach its node');
  });

  test('a pod reaches itself; through a Service its policies are asked', () => {
    assert.equal(allows([denyIn, denyOut], 'api', 'api'), true);
    assert.equal(allows([denyIn, denyOut], 'api', 'api', { hairpin: true }), false);
  });
});

describe('the cluster’s DNS', () => {
  test('its address is allowed by the labels of the pods behind its Service, and nothing isolates it', () => {
    const dns = readNodeLocalService(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace: 'kube-system', name: 'kube-dns' },
        spec: {
          clusterIPs: ['10.96.0.10', 'fd00:10:96::a'],
          selector: { 'k8s-app': 'kube-dns' },
          ports: [{ name: 'dns', protocol: 'UDP', port: 53 }],
        },
      },
      [],
      { 'kubernetes.io/metadata.name': 'kube-system' },
    );
    const policies = [
      { namespace: 'shop', spec: denyOut },
      { namespace: 'kube-system', spec: denyIn },
      {
        namespace: 'shop',
        spec: {
          podSelector: {},
          policyTypes: ['Egress' as const],
          egress: [
            {
              to: [{ namespaceSelector: {}, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }],
              ports: [{ protocol: 'UDP' as const, port: 53 }],
            },
          ],
        },
      },
    ];
    const read = policies.map(({ namespace, spec }, index) =>
      readPolicy({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { namespace, name: `p${index}`, uid: `u${index}` },
        spec,
      }),
    );
    const web = readPod(podOf('web', places['web'] as Place), {});
    assert.ok(web);
    const model = compileModel({ pods: [web, dns], policies: read, nodes: [] });
    const to = (destination: string, port: number) =>
      decide(model, {
        source: addressOf('web', 0),
        destination: at(destination),
        protocol: 'UDP',
        port,
      }).allowed;
    assert.equal(to('10.96.0.10', 53), true);
    assert.equal(to('10.96.0.10', 54), false);
    assert.equal(to('10.96.0.11', 53), false);
  });
});

describe('pods that come and go', () => {
  test('a pod that ended has no address any more', () => {
    assert.equal(allows([{ ...toApi, ingress: [fromWeb] }], 'ended', 'api'), false);
  });

  test('of two pods with one address, the policies of the younger count', () => {
    const old = { namespace: 'shop', labels: { app: 'web' }, addresses: ['10.244.1.7'] };
    const model = (newer: 'a' | 'b') =>
      compileModel({
        pods: (['a', 'b'] as const).flatMap(name => {
          const labels = { app: name === 'a' ? 'web' : 'stranger' };
          const pod = podOf(name, { ...old, labels });
          const creationTimestamp = name === newer ? '2026-01-02T00:00:00Z' : '2026-01-01T00:00:00Z';
          return readPod({ ...pod, metadata: { ...pod.metadata, creationTimestamp } }, {}) ?? [];
        }),
        policies: [],
        nodes: [],
      });
    assert.equal(model('a').podsByAddress.get('10.244.1.7')?.key, 'shop/a');
    assert.equal(model('b').podsByAddress.get('10.244.1.7')?.key, 'shop/b');
  });

  test('labels of pods and namespaces count as they are now', () => {
    const policy = [{ ...toApi, ingress: [fromWeb] }];
    const web = places['web'] as Place;
    assert.equal(allows(policy, 'web', 'api', { pods: { web: { ...web, labels: {} } } }), false);
    assert.equal(allows(policy, 'web', 'api', { pods: { web: { ...web, namespace: 'data' } } }), false);
  });

  test('an address that a pod was given counts before its status tells it', () => {
    const { status: _, ...pod } = podOf('new', { namespace: 'shop', labels: {}, addresses: [] });
    const read = readPod(pod, {}, [at('10.244.1.50')]);
    assert.deepEqual(read?.addresses, [at('10.244.1.50')]);
  });
});

describe('policies that cannot be read', () => {
  const broken: readonly (readonly [string, NetworkPolicySpec, string])[] = [
    [
      'no CIDR',
      { ingress: [{ from: [{ ipBlock: { cidr: 'nonsense' } }] }] },
      'spec.ingress[0].from[0].ipBlock.cidr',
    ],
    [
      'an exception outside of its CIDR',
      { ingress: [{ from: [{ ipBlock: { cidr: '8.0.0.0/8', except: ['9.0.0.0/9'] } }] }] },
      'spec.ingress[0].from[0].ipBlock.except[0]',
    ],
    ['a peer without anything', { ingress: [{ from: [{}] }] }, 'spec.ingress[0].from[0]'],
    [
      'an unknown operator',
      {
        ingress: [
          { from: [{ podSelector: { matchExpressions: [{ key: 'a', operator: 'Like' as never }] } }] },
        ],
      },
      'spec.ingress[0].from[0]',
    ],
    [
      'an unknown protocol',
      { ingress: [{ ports: [{ protocol: 'QUIC' as never }] }] },
      'spec.ingress[0].ports[0]',
    ],
    ['port 0', { ingress: [{ ports: [{ port: 0 }] }] }, 'spec.ingress[0].ports[0]'],
    ['port 70000', { ingress: [{ ports: [{ port: 70_000 }] }] }, 'spec.ingress[0].ports[0]'],
  ];
  for (const [what, spec, field] of broken)
    test(`${what}: isolates, allows nothing by that part, and is reported`, () => {
      const policies = [{ ...toApi, ...spec }];
      for (const from of ['web', 'other', '8.8.8.8', '9.9.9.9'])
        assert.equal(allows(policies, from, 'api'), false);
      assert.deepEqual(
        modelOf(policies).problems.map(problem => problem.provenance.field),
        [field],
      );
    });

  test('a bad requirement of spec.podSelector isolates more pods, never fewer', () => {
    const matchExpressions = [{ key: 'app', operator: 'Like' as never }];
    assert.equal(allows([{ podSelector: { matchExpressions } }], 'web', 'api'), false);
  });

  test('a policy without a spec isolates all pods of its namespace', () => {
    const metadata = { namespace: 'shop', name: 'p', uid: 'u' };
    const read = readPolicy({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata,
    } as NetworkPolicy);
    assert.deepEqual(read.covers, { ingress: true, egress: false });
  });
});

describe('explanation', () => {
  test('an allow names the rule and the entries that matched', () => {
    const { ingress } = ask(
      [denyIn, { ...toApi, ingress: [{ ports: [{ port: 1 }] }, fromWeb] }],
      'web',
      'api',
    );
    assert.equal(ingress.reason, 'rule');
    assert.equal(ingress.allowedBy?.rule.provenance.name, 'p1');
    assert.equal(ingress.allowedBy?.rule.provenance.generation, 3);
    assert.equal(ingress.allowedBy?.peerField, 'spec.ingress[1].from[0]');
    assert.deepEqual(
      ingress.isolatedBy.map(policy => policy.name),
      ['p0', 'p1'],
    );
  });

  test('a deny names the port that is missing, and the change', () => {
    const { ingress } = ask([{ ...toApi, ingress: [{ ...fromWeb, ports: [{ port: 80 }] }] }], 'web', 'api', {
      port: 8080,
    });
    assert.deepEqual(
      ingress.misses.map(miss => miss.sentence),
      ['port 8080, allowed is 80'],
    );
    assert.deepEqual(ingress.change?.add, { protocol: 'TCP', port: 8080 });
    assert.equal(ingress.change?.field, 'spec.ingress[0].ports');
  });

  test('ports of several protocols are each named with theirs', () => {
    const ports = [{ port: 53, protocol: 'UDP' as const }, { port: 53 }, { port: 80, endPort: 81 }];
    const verdict = ask([{ ...toApi, ingress: [{ ports }] }], 'web', 'api', { port: 8080 });
    assert.equal(verdict.ingress.misses[0]?.sentence, 'TCP port 8080, allowed is UDP 53, TCP 53, TCP 80-81');
  });

  test('a deny names the label that is missing', () => {
    const policy = { ...toApi, ingress: [{ from: [{ podSelector: { matchLabels: { role: 'client' } } }] }] };
    const { ingress } = ask([policy], 'web', 'api');
    assert.deepEqual(
      ingress.misses.map(miss => miss.sentence),
      ['label role=client missing'],
    );
    assert.deepEqual(ingress.change?.add, { podSelector: { matchLabels: { app: 'web', tier: 'front' } } });
  });

  test('the change leaves out labels that the next pod of a Deployment or Job does not have', () => {
    const place = places.web ?? assert.fail();
    const labels = { app: 'web', 'pod-template-hash': '5d9c', 'batch.kubernetes.io/job-name': 'x' };
    const pods = { web: { ...place, labels } };
    const { ingress } = ask([denyIn], 'web', 'api', { pods });
    assert.deepEqual(ingress.change?.add, {
      from: [{ podSelector: { matchLabels: { app: 'web' } } }],
      ports: [{ protocol: 'TCP', port: 80 }],
    });
  });

  test('a deny from another namespace, from an exception and from outside says so', () => {
    const missOf = (spec: Spec, from: string) => ask([spec], from, 'api').ingress.misses[0]?.sentence;
    assert.equal(
      missOf({ ...toApi, ingress: [fromWeb] }, 'other'),
      'data/other is not in the namespace shop',
    );
    const block = { ipBlock: { cidr: '8.0.0.0/8', except: ['8.8.0.0/16'] } };
    assert.equal(
      missOf({ ...toApi, ingress: [{ from: [block] }] }, '8.8.8.8'),
      '8.8.8.8 is in the exception 8.8.0.0/16',
    );
    assert.equal(
      missOf({ ...toApi, ingress: [fromWeb] }, '8.8.8.8'),
      "8.8.8.8 is no pod's address, and selectors match pods alone",
    );
  });

  test('the nearest rule comes first, and a default deny names who isolates', () => {
    const ingress = [
      { from: [{ ipBlock: { cidr: '9.9.9.9/32' } }], ports: [{ port: 1 }] },
      { ...fromWeb, ports: [{ port: 443 }] },
    ];
    const verdict = ask([{ ...toApi, ingress }], 'web', 'api').ingress;
    assert.equal(verdict.misses[0]?.sentence, 'port 80, allowed is 443');
    assert.equal(verdict.considered.length, 2);
    const none = ask([denyIn], 'web', 'api').ingress;
    assert.deepEqual(none.misses, []);
    assert.equal(none.change?.field, 'spec.ingress');
    assert.equal(none.isolatedBy[0]?.name, 'p0');
  });
});
