import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkPolicySpec } from '../../src/kube/types/networking.ts';
import type { Flow, PolicyCounter } from '../../src/policy/index.ts';
import { address } from '../property/policy-worlds.ts';
import { place, policyWorld } from './policy-node-world.ts';
import { expectReach, reachesTcp } from './policy-rig.ts';

const waitMilliseconds = 500;
const families = [0, 1] as const;

/** Each allows TCP 7 to pod 1 from pod 0, by another kind of set. */
const ways: readonly { readonly what: string; readonly spec: NetworkPolicySpec; readonly field: string }[] = [
  {
    what: 'a peer with a port',
    spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 7 }] }] },
    field: 'spec.ingress[0]',
  },
  {
    what: 'a peer with a range',
    spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 5, endPort: 9 }] }] },
    field: 'spec.ingress[0]',
  },
  {
    what: 'a peer with everything',
    spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] },
    field: 'spec.ingress[0]',
  },
  {
    what: 'a port for everybody',
    spec: { podSelector: {}, ingress: [{ ports: [{ port: 6 }] }, { ports: [{ port: 7 }] }] },
    field: 'spec.ingress[1]',
  },
  {
    what: 'addresses with everything',
    spec: {
      podSelector: {},
      ingress: [
        { from: [{ ipBlock: { cidr: '10.244.0.0/24' } }, { ipBlock: { cidr: 'fd00:10:244::/64' } }] },
      ],
    },
    field: 'spec.ingress[0]',
  },
  {
    what: 'addresses with ports',
    spec: {
      podSelector: {},
      ingress: [
        {
          from: [
            { ipBlock: { cidr: '10.244.0.0/24', except: ['10.244.0.13/32'] } },
            { ipBlock: { cidr: 'fd00:10:244::/64', except: ['fd00:10:244::8888/128'] } },
          ],
          ports: [{ port: 7 }],
        },
      ],
    },
    field: 'spec.ingress[0]',
  },
  {
    what: 'a rule for everything',
    spec: { podSelector: {}, ingress: [{}] },
    field: 'spec.ingress[0]',
  },
];

test('the rule that let a connection pass has counted it, whatever kind of rule it is', async context => {
  const { rig, node, set } = policyWorld(context, 'pol-counters');
  const [client, server] = [place(rig, 0), place(rig, 1)];
  for (const { what, spec, field } of ways) {
    await set(spec);
    for (const family of families) {
      const flow: Flow = {
        source: address(client.addresses[family]),
        destination: address(server.addresses[family]),
        protocol: 'TCP',
        port: 7,
      };
      const before = await node.counters(flow);
      await expectReach([client.namespace, server.addresses[family]], true, what);
      const counted = difference(before, await node.counters(flow));
      assert.deepEqual(
        counted.map(({ does, direction, pod, packets }) => ({ does, direction, pod, packets })),
        [{ does: 'allow', direction: 'ingress', pod: 'default/pod1', packets: 1 }],
        `${what}, ${family === 0 ? 'IPv4' : 'IPv6'}`,
      );
      assert.deepEqual(
        counted[0]?.rules.map(({ provenance }) => provenance.field),
        [field],
        what,
      );
      assert.deepEqual(
        counted[0]?.policies.map(({ name }) => name),
        ['p0'],
      );
    }
  }
});

test('what a default deny dropped is counted at the end that dropped it', async context => {
  const { rig, node, set } = policyWorld(context, 'pol-dropped');
  await set({ podSelector: { matchLabels: { pod: '0' } }, policyTypes: ['Egress'] });
  const [client, server] = [place(rig, 0), place(rig, 1)];
  const flow: Flow = {
    source: address(client.addresses[0]),
    destination: address(server.addresses[0]),
    protocol: 'TCP',
    port: 7,
  };
  const before = await node.counters(flow);
  assert.equal(await reachesTcp(client.namespace, server.addresses[0], 7, waitMilliseconds), false);
  const [counter, ...rest] = difference(before, await node.counters(flow));
  assert.deepEqual(rest, []);
  assert.equal(counter?.does, 'drop');
  assert.equal(counter?.direction, 'egress');
  assert.equal(counter?.pod, 'default/pod0');
  assert.deepEqual(
    counter?.policies.map(({ name }) => name),
    ['p0'],
  );
});

test('a rule of a policy for the cluster that denies or passes is above all others, and its denies are counted', async context => {
  const { rig, node, set, clusterPolicies } = policyWorld(context, 'pol-cluster');
  const [client, server] = [place(rig, 0), place(rig, 1)];
  const from = [{ namespaces: {} }];
  const protocols = [{ tcp: { destinationPort: { number: 7 } } }];
  const put = async (...actions: readonly ('Accept' | 'Deny' | 'Pass')[]) => {
    clusterPolicies.length = 0;
    clusterPolicies.push({
      apiVersion: 'policy.networking.k8s.io/v1alpha2',
      kind: 'ClusterNetworkPolicy',
      metadata: { name: 'guard', uid: 'guard', generation: actions.length },
      spec: {
        tier: 'Admin',
        priority: 1,
        subject: { namespaces: {} },
        ingress: actions.map(action => ({ action, from, protocols })),
      },
    });
    await node.sync();
  };
  const flow: Flow = {
    source: address(client.addresses[1]),
    destination: address(server.addresses[1]),
    protocol: 'TCP',
    port: 7,
  };
  const reach = (isExpected: boolean, what?: string) =>
    expectReach([client.namespace, server.addresses[1]], isExpected, what);
  await set({ podSelector: {}, ingress: [{}] });
  await put('Deny');
  const before = await node.counters(flow);
  await reach(false);
  const counted = difference(before, await node.counters(flow));
  assert.deepEqual(
    counted.map(({ does, rules }) => [does, rules[0]?.provenance.kind]),
    [
      ['drop', 'ClusterNetworkPolicy'],
      ['drop', undefined],
    ],
    'the rule, and the group',
  );
  await put('Pass', 'Deny');
  await reach(true, 'NetworkPolicy allows it');
  await set({ podSelector: {} });
  await reach(false, 'NetworkPolicy does not');
  await put('Accept');
  await reach(true, 'before NetworkPolicy');
});

test('each rule tells how many connections it decided, of all kinds of sets, and after they changed', async context => {
  const { again, clusterPolicies, node, rig, set } = policyWorld(context, 'pol-rules');
  const [client, server] = [place(rig, 0), place(rig, 1)];
  const connect = (isExpected = true) => expectReach([client.namespace, server.addresses[0]], isExpected);
  const counts = async (of = node) => {
    await of.count();
    return [...of.ruleCounts()]
      .map(({ action, packets, provenance }) => `${provenance.name} ${provenance.field} ${action} ${packets}`)
      .sort();
  };
  await set({ podSelector: {}, ingress: [{}] });
  await connect();
  assert.deepEqual(
    await counts(),
    ['p0 spec.ingress[0] Accept 0'],
    'what was counted before it looked first',
  );
  await connect();
  assert.deepEqual(await counts(), ['p0 spec.ingress[0] Accept 1']);
  for (const { spec, field, what } of ways) {
    await set();
    assert.deepEqual(await counts(), [], 'rules that are gone are told no more');
    await set(spec);
    await connect();
    await connect();
    const counted = await counts();
    assert.ok(counted.includes(`p0 ${field} Accept 2`), `${what}: ${counted.join()}`);
  }
  clusterPolicies.push({
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    metadata: { name: 'guard', uid: 'guard', generation: 1 },
    spec: {
      tier: 'Admin',
      priority: 1,
      subject: { namespaces: {} },
      ingress: [
        { action: 'Deny', from: [{ namespaces: {} }], protocols: [{ udp: {} }] },
        {
          action: 'Pass',
          from: [{ namespaces: {} }],
          protocols: [{ tcp: { destinationPort: { number: 7 } } }],
        },
        { action: 'Deny', from: [{ namespaces: {} }] },
      ],
    },
  });
  await set({ podSelector: {}, ingress: [{}] });
  await connect();
  assert.deepEqual(await counts(), [
    'guard spec.ingress[0] Deny 0',
    'guard spec.ingress[1] Pass 1',
    'guard spec.ingress[2] Deny 0',
    'p0 spec.ingress[0] Accept 3', // two of them of the last way
  ]);
  const next = again();
  await next.sync();
  await counts(next);
  await connect();
  assert.ok(
    (await counts(next)).includes('p0 spec.ingress[0] Accept 1'),
    'an agent that starts counts what is new',
  );
});

test('rules that share an element count with each other, and neighbours of a range too', async context => {
  const { node, rig, set } = policyWorld(context, 'pol-rules-shared');
  const [client, server] = [place(rig, 0), place(rig, 1)];
  const from = [{ podSelector: {} }];
  await set({
    podSelector: {},
    ingress: [
      { from, ports: [{ port: 7 }] },
      { from, ports: [{ port: 8, endPort: 9 }] },
      { from, ports: [{ port: 7000 }] },
      { from: [{ ipBlock: { cidr: '10.244.0.0/16' } }], ports: [{ port: 7 }] },
      { from: [{ ipBlock: { cidr: '10.245.0.0/16' } }], ports: [{ port: 7 }] },
    ],
  });
  await node.count();
  await expectReach([client.namespace, server.addresses[0]], true);
  await node.count();
  assert.deepEqual(
    [...node.ruleCounts()].map(({ packets }) => packets),
    [1, 1, 0, 0, 0],
    'who looked it up first counted it',
  );
});

function difference(
  before: readonly PolicyCounter[],
  after: readonly PolicyCounter[],
): readonly PolicyCounter[] {
  return after
    .map((counter, index) => ({ ...counter, packets: counter.packets - (before[index]?.packets ?? 0) }))
    .filter(({ packets }) => packets > 0);
}
