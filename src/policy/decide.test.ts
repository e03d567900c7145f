import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NetworkPolicy, NetworkPolicySpec } from '../kube/types/networking.ts';
import { compileModel, readNodeLocalService, readPod } from './compile-model.ts';
import { readPolicy } from './compile-policy.ts';
import { decide } from './decide.ts';
import {
  addressOf,
  allows,
  ask,
  at,
  denyIn,
  denyOut,
  fromWeb,
  modelOf,
  places,
  podOf,
  toApi,
} from './testing/shop.ts';
import type { Place } from './testing/shop.ts';

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
