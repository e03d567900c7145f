import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainDrop, explainPass } from '../../src/flows/index.ts';
import { logGroups } from '../../src/kernel/contract.ts';
import { PacketLog } from '../../src/kernel/nflog/index.ts';
import type { LoggedPacket } from '../../src/kernel/nflog/index.ts';
import type { NetworkPolicySpec } from '../../src/kube/types/networking.ts';
import { place, policyWorld } from './policy-node-world.ts';
import { boundUdp, eventually, expectReach, reachesTcp } from './policy-rig.ts';

const waitMilliseconds = 300;
const denyAll: NetworkPolicySpec = { podSelector: {}, policyTypes: ['Ingress'] };
const allowOther: NetworkPolicySpec = { podSelector: {}, ingress: [{ ports: [{ port: 8080 }] }] };

test('a dropped packet is reported with the group that dropped it, and the engine says why', async context => {
  const { rig, node, set } = policyWorld(context, 'pol-events');
  const packets: LoggedPacket[] = [];
  using log = PacketLog.open({
    group: logGroups.policyReports,
    namespacePath: rig.router,
    onPacket: packet => packets.push(packet),
  });
  await set(denyAll, allowOther);
  const [client, server] = [place(rig, 0), place(rig, 1)];
  for (const family of [0, 1] as const) {
    packets.length = 0;
    assert.equal(await reachesTcp(client.namespace, server.addresses[family], 7, waitMilliseconds), false);
    await eventually('the report', () => packets.length > 0);
    const [packet] = packets;
    assert.match(packet?.prefix ?? '', /^ingress-[0-9a-f]{8}$/);
    assert.ok(node.model);
    const event = explainDrop(node.model, 'node-1', {
      rule: packet?.prefix ?? '',
      ...(packet?.head ?? assert.fail()),
    });
    assert.equal(event?.source.pod, 'default/pod0');
    assert.deepEqual(event?.destination, {
      address: server.addresses[family],
      port: 7,
      pod: 'default/pod1',
      labels: { pod: '1' },
      node: 'node-1',
    });
    assert.equal(
      event?.why.sentence,
      'ingress of default/pod1 is isolated by NetworkPolicy/default/p0, NetworkPolicy/default/p1; nearest is NetworkPolicy/default/p1 spec.ingress[0]: port 7, allowed is 8080',
    );
    assert.equal(event?.why.change?.field, 'spec.ingress[0].ports');
  }
  assert.equal(log.lost, 0);
});

test('what a change cut is reported as the connection it was, also where only the server sends', async context => {
  const { rig, node, set } = policyWorld(context, 'pol-cut-events');
  const packets: LoggedPacket[] = [];
  using log = PacketLog.open({
    group: logGroups.policyReports,
    namespacePath: rig.router,
    onPacket: packet => packets.push(packet),
  });
  const [client, server] = [place(rig, 0), place(rig, 1)];
  const from = await boundUdp(context, client.namespace, client.addresses[0], 4000);
  const to = await boundUdp(context, server.namespace, server.addresses[0], 4001);
  await set({ podSelector: {}, ingress: [{ ports: [{ protocol: 'UDP', port: 4001 }] }] });
  let isThere = false;
  to.on('message', () => (isThere = true));
  from.send('x', 4001, server.addresses[0]);
  await eventually('the datagram', () => isThere);
  await set(denyAll);
  to.send('x', 4000, client.addresses[0]);
  await eventually('the report', () => packets.length > 0);
  const [packet] = packets;
  assert.equal(packet?.prefix, 'revoked-reply');
  const event = explainDrop(node.model ?? assert.fail(), 'node-1', {
    rule: packet?.prefix ?? '',
    ...(packet?.head ?? assert.fail()),
  });
  assert.equal(event?.source.pod, 'default/pod0', 'who opened it');
  assert.equal(event?.destination.port, 4001);
  assert.match(event?.why.sentence ?? '', /isolated by NetworkPolicy\/default\/p0, which cut what was open/);
  assert.equal(log.lost, 0);
});

test('a policy that is only tried lets pass what it would drop, and reports it; what others drop stays dropped', async context => {
  const { rig, node, policies } = policyWorld(context, 'pol-audit', 3);
  const packets: LoggedPacket[] = [];
  using log = PacketLog.open({
    group: logGroups.policyReports,
    namespacePath: rig.router,
    onPacket: packet => packets.push(packet),
  });
  const put = (name: string, annotations: Readonly<Record<string, string>>, spec: NetworkPolicySpec) =>
    policies.push({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { namespace: 'default', name, uid: name, generation: 1, annotations },
      spec,
    });
  const pod1 = { matchLabels: { pod: '1' } };
  const from0 = [{ podSelector: { matchLabels: { pod: '0' } } }];
  put('tried', { 'fairlead.dev/audit': 'true' }, { podSelector: pod1, ingress: [{ from: from0 }] });
  await node.sync();
  const server = place(rig, 1);
  const reach = (from: number, port: number, isExpected: boolean, what: string) =>
    expectReach([place(rig, from).namespace, server.addresses[1], port], isExpected, what);
  await reach(0, 7, true, 'what it allows');
  assert.equal(packets.length, 0);
  await reach(2, 7, true, 'what it would drop');
  await eventually('the report', () => packets.length > 0);
  const [packet] = packets;
  const event = explainDrop(node.model ?? assert.fail(), 'node-1', {
    rule: packet?.prefix ?? '',
    ...(packet?.head ?? assert.fail()),
  });
  assert.equal(event?.verdict, 'audited');
  assert.deepEqual(
    event?.why.policies.map(({ name }) => name),
    ['tried'],
  );
  assert.match(
    event?.why.sentence ?? '',
    /ingress of default\/pod1 is isolated by NetworkPolicy\/default\/tried/,
  );
  put('enforced', {}, { podSelector: pod1, ingress: [{ ports: [{ port: 7 }] }] });
  await node.sync();
  await reach(2, 7, true, 'the enforced one allows it, the other is only tried');
  await reach(0, 8, false, 'what only the tried one allows');
  assert.equal(log.lost, 0);
});

test('what is dropped is counted in all, also by groups that are gone', async context => {
  const { rig, node, set } = policyWorld(context, 'pol-counted');
  const [client, server] = [place(rig, 0), place(rig, 1)];
  const reach = () => reachesTcp(client.namespace, server.addresses[0], 7, waitMilliseconds);
  await set(denyAll);
  assert.equal(await reach(), false);
  await node.count();
  assert.equal(node.status().dropped.ingress, 0, 'what was before is not counted');
  assert.equal(await reach(), false);
  await node.count();
  const first = node.status().dropped.ingress;
  assert.ok(first >= 1);
  await set({ podSelector: {}, policyTypes: ['Egress'] });
  await node.count();
  assert.equal(await reach(), false);
  await node.count();
  const { egress, ingress } = node.status().dropped;
  assert.equal(ingress, first);
  assert.ok(egress >= 1);
});

test('new connections that pass are reported with the rule that lets them, once each, and what is open costs nothing', async context => {
  const { rig, again, policies } = policyWorld(context, 'pol-passes');
  const packets: LoggedPacket[] = [];
  using log = PacketLog.open({
    group: logGroups.policyReports,
    namespacePath: rig.router,
    onPacket: packet => packets.push(packet),
  });
  const node = again({ reportsPasses: true });
  policies.push({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace: 'default', name: 'some', uid: 'some', generation: 1 },
    spec: {
      podSelector: { matchLabels: { pod: '1' } },
      ingress: [{ ports: [{ protocol: 'UDP', port: 4000 }] }],
    },
  });
  await node.sync();
  const [client, server] = [place(rig, 0), place(rig, 1)];
  for (const family of [0, 1] as const) {
    packets.length = 0;
    // Nobody answers: for the kernel each of them is as new as the first.
    const listening = await boundUdp(context, server.namespace, server.addresses[family], 4000);
    const socket = await boundUdp(context, client.namespace, client.addresses[family], 5000 + family);
    let arrived = 0;
    listening.on('message', () => arrived++);
    for (let sent = 1; sent <= 5; sent++) {
      socket.send('x', 4000, server.addresses[family]);
      await eventually('the datagram', () => arrived === sent);
    }
    await eventually('the report', () => packets.length > 0);
    assert.deepEqual(
      packets.map(({ prefix }) => prefix),
      ['allowed'],
    );
    const event = explainPass(node.model ?? assert.fail(), 'node-1', {
      rule: packets[0]?.prefix ?? '',
      ...(packets[0]?.head ?? assert.fail()),
    });
    assert.equal(event?.verdict, 'allowed');
    assert.deepEqual(
      event?.why.policies.map(({ name, field }) => `${name} ${field}`),
      ['some spec.ingress[0]'],
    );
  }
  assert.equal(log.lost, 0);
});

test('of a flood some packets are reported and all are counted and dropped', async context => {
  const { rig, worker, set } = policyWorld(context, 'pol-flood');
  let reported = 0;
  using log = PacketLog.open({
    group: logGroups.policyReports,
    namespacePath: rig.router,
    onPacket: () => reported++,
  });
  await set(denyAll);
  const [client, server] = [place(rig, 0), place(rig, 1)];
  const from = await boundUdp(context, client.namespace, client.addresses[0], 4000);
  const sent = 3000;
  for (let index = 0; index < sent; index++)
    await new Promise<void>(resolve => {
      from.send('x', 4001, server.addresses[0], () => resolve());
    });
  const list = (await worker.nftList('list chains inet', rig.router)) as {
    readonly nftables: readonly { readonly chain?: { readonly name: string } }[];
  };
  const chain = list.nftables.find(one => one.chain?.name.startsWith('drop-ingress'))?.chain?.name ?? '';
  await eventually('all are counted', async () => {
    const [counter] = await worker.nftCounters([{ table: 'fairlead-policy', chain }], rig.router);
    return counter?.packets === sent;
  });
  await eventually('some are reported', () => reported > 0);
  assert.ok(reported <= 200, `${reported} of ${sent} packets were reported`);
  assert.equal(log.lost, 0);
});
