import assert from 'node:assert/strict';
import { writeFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { connectIn } from '../../src/kernel/ns/index.ts';
import { Nft } from '../../src/kernel/nft/index.ts';
import { fingerprintOf } from '../../src/kernel/nft/table.ts';
import { TestCluster, eventually, nodeObject } from './pods-cluster.ts';
import type { TestNode } from './pods-cluster.ts';
import { Reader, echoServer, seenAs, udpEcho, udpSocket } from './pods-traffic.ts';

/** Everything of ours in a node's kernel that a restart must leave as it is, with the links' numbers. */
function kernelOf(node: TestNode): unknown {
  using socket = RouteSocket.open(node.namespace);
  using nft = Nft.open(node.namespace);
  return {
    links: socket.links().map(({ index, name, mtu, up, alias }) => ({ index, name, mtu, up, alias })),
    routes: socket.routes().filter(route => route.protocol === 98),
    neighbours: socket.neighbours().filter(entry => entry.state === 'permanent'),
    table: nft.list('list table inet fairlead-pods'),
  };
}

test('open connections and pings survive kill -9 of the agents, and new ones work with no agent', async context => {
  const cluster = new TestCluster(context, { links: [1, 2] });
  const [one, two] = cluster.nodes;
  assert.ok(one && two);
  await cluster.startAgents();
  const client = await one.addPod('client');
  const server = await two.addPod('server');
  const host = server.addresses[0] ?? '';
  const stream = await openStream(context, client.namespace, server.namespace, host);
  const pings = await openPings(
    context,
    client.namespace,
    server.namespace,
    client.addresses[1] ?? '',
    server.addresses[1] ?? '',
  );
  await eventually(() => assert.ok(stream.answered() > 20 && pings.answered() > 20, 'traffic flows'));

  const before = [kernelOf(one), kernelOf(two)];
  await one.killAgent();
  await two.killAgent();
  const port = await echoServer(context, server.namespace, host);
  assert.equal(await seenAs(client.namespace, host, port), client.addresses[0], 'a new connection works');
  await cluster.startAgents();
  assert.deepEqual([kernelOf(one), kernelOf(two)], before, 'the agents adopt without changing anything');
  const status = await one.status();
  assert.equal(status.attachments, 1);

  const later = stream.answered() + 20;
  await eventually(() => assert.ok(stream.answered() > later, 'traffic still flows'));
  const lost = [await stream.stop(), await pings.stop()];
  assert.deepEqual(lost, [0, 0], 'nothing was lost');
  context.diagnostic(`${stream.answered()} answers in the stream, ${pings.answered()} pings`);
});

test('what somebody deletes comes back, and is counted', async context => {
  const cluster = new TestCluster(context, { links: [1, 2] });
  const [one] = cluster.nodes;
  assert.ok(one);
  await cluster.startAgents();
  const pod = await one.addPod('pod');
  const whole = kernelOf(one);
  {
    using socket = RouteSocket.open(one.namespace);
    using nft = Nft.open(one.namespace);
    const link = socket.links().find(candidate => candidate.alias?.includes(pod.containerId));
    assert.ok(link);
    socket.apply([
      { do: 'route-delete', dst: `${pod.addresses[0]}/32` },
      { do: 'neighbour-delete', dev: link.name, address: pod.addresses[1] ?? '' },
      { do: 'link-set', dev: link.name, up: false },
      { do: 'route-delete', dst: '10.244.1.0/24' },
      { do: 'fdb-delete', dev: 'fl-vxlan', mac: '02:00:ac:1f:00:02' },
    ]);
    nft.run('flush set inet fairlead-pods pods4\nflush chain inet fairlead-pods postrouting-masquerade\n');
  }
  assert.notDeepEqual(kernelOf(one), whole);
  await one.tell({ reconcile: true });
  await eventually(() => assert.deepEqual(withoutHandles(kernelOf(one)), withoutHandles(whole)));
  const status = await one.status();
  assert.ok(status.corrections >= 5, `corrections are counted: ${status.corrections}`);
});

test('a rule that somebody changes or adds is noticed, whatever its comment says', async context => {
  const cluster = new TestCluster(context, { links: [1] });
  const [one] = cluster.nodes;
  assert.ok(one);
  await cluster.startAgents();
  using nft = Nft.open(one.namespace);
  const list = () => nft.list('list table inet fairlead-pods') as { nftables: Record<string, ListedRule>[] };
  const whole = fingerprintOf(list());
  const rule = list().nftables.find(entry => entry['rule']?.chain === 'postrouting-masquerade')?.['rule'];
  assert.ok(rule);
  const place = `rule inet fairlead-pods postrouting-masquerade`;
  for (const change of [
    `replace ${place} handle ${rule.handle} ip saddr 10.0.0.1 drop comment "${rule.comment}"`,
    `insert ${place} counter return`,
    'add chain inet fairlead-pods other { type filter hook input priority 0 ; policy drop ; }',
  ]) {
    nft.run(change);
    assert.notEqual(fingerprintOf(list()), whole, change);
    const { corrections } = await one.status();
    await one.tell({ reconcile: true });
    await eventually(() => assert.equal(fingerprintOf(list()), whole, `undone: ${change}`));
    await eventually(async () => assert.ok((await one.status()).corrections > corrections, 'and counted'));
    rule.handle =
      list().nftables.find(entry => entry['rule']?.comment === rule.comment)?.['rule']?.handle ?? 0;
  }
});

interface ListedRule {
  readonly chain: string;
  readonly comment: string;
  handle: number;
}

test("a peer's routes go when its Node goes, and follow when its prefixes or address change", async context => {
  const cluster = new TestCluster(context, { links: [1, 1, 2] });
  const [one] = cluster.nodes;
  assert.ok(one);
  await one.startAgent();
  const destinations = () => {
    using socket = RouteSocket.open(one.namespace);
    return new Map(
      socket
        .routes()
        .filter(route => route.protocol === 98)
        .map(route => [route.dst, route.via]),
    );
  };
  assert.equal(destinations().get('10.244.1.0/24'), '172.30.0.2');
  assert.equal(destinations().get('10.244.2.0/24'), '10.244.2.0', 'the other link is behind the tunnel');
  const moved = nodeObject(
    'node-2',
    ['172.30.0.9', 'fd00:172:30::9'],
    ['10.244.1.0/24', 'fd00:10:244:1::/64'],
  );
  await one.tell({ nodes: [moved] });
  await eventually(() => {
    assert.equal(destinations().get('10.244.1.0/24'), '172.30.0.9');
    assert.equal(destinations().get('fd00:10:244:1::/64'), 'fd00:172:30::9');
  });
  await one.tell({ removeNodes: ['node-2', 'node-3'] });
  await eventually(() => {
    assert.deepEqual([...destinations().keys()], []);
    using socket = RouteSocket.open(one.namespace);
    assert.ok(!socket.links().some(link => link.name === 'fl-vxlan'), 'the tunnel goes with its last peer');
  });
});

test('Nodes that make no sense are reported, and the others are reached all the same', async context => {
  const cluster = new TestCluster(context, { links: [1, 1] });
  const [one, two] = cluster.nodes;
  assert.ok(one && two);
  const wrong = [
    nodeObject('broadcast', ['172.30.255.255'], ['10.244.7.0/24']),
    nodeObject('everything', ['172.30.0.70'], ['0.0.0.0/0', '::/0']),
    nodeObject('garbage', ['not-an-address', '127.0.0.1'], ['10.244.8.1/24', 'x']),
    nodeObject('impostor', one.addresses, ['10.244.9.0/24']),
    nodeObject('thief', ['172.30.0.71'], [one.podPrefixes[0] ?? '', two.podPrefixes[1] ?? '']),
    nodeObject('uplink', ['172.30.0.72'], ['172.30.0.0/16']),
  ];
  await one.startAgent([...cluster.objects, ...wrong]);
  await two.startAgent();
  const from = await one.addPod('from');
  const to = await two.addPod('to');
  for (const host of to.addresses) {
    const port = await echoServer(context, to.namespace, host);
    assert.ok(from.addresses.includes(await seenAs(from.namespace, host, port)));
  }
  const told = new Set((await one.status()).problems.map(problem => problem.object));
  for (const node of wrong)
    assert.ok(told.has(`Node/${node.metadata.name}`), `${node.metadata.name} is reported`);
});

test('a corrupt address store is put aside and rebuilt from the kernel', async context => {
  const cluster = new TestCluster(context, { links: [1] });
  const [node] = cluster.nodes;
  assert.ok(node);
  await node.startAgent();
  const pods = [await node.addPod('one'), await node.addPod('two')];
  await node.killAgent();
  for (const file of ['ipam.db', 'ipam.db-wal'])
    writeFileSync(join(node.paths.state, file), 'this is no database, '.repeat(1000));
  await node.startAgent();
  assert.equal((await node.status()).attachments, 2);
  assert.ok(readdirSync(node.paths.state).some(name => name.startsWith('ipam.db.unreadable-')));
  const another = await node.addPod('another');
  for (const pod of pods) {
    assert.ok(
      !another.addresses.some(address => pod.addresses.includes(address)),
      'no address is given out twice',
    );
    const outcome = await node.plugin({
      command: 'DEL',
      containerId: pod.containerId,
      namespace: pod.namespace,
    });
    assert.equal(outcome.code, 0);
  }
  assert.equal((await node.status()).attachments, 1);
});

/** Ten messages a second kept in flight on one TCP connection; `stop` tells how many were not answered. */
async function openStream(context: TestContext, from: string, to: string, host: string) {
  const port = await echoServer(context, to, host);
  const socket = await connectIn(from, { host, port, timeoutMilliseconds: 3000 });
  context.after(() => socket.destroy());
  const reader = new Reader(socket);
  await reader.line();
  let sent = 0;
  let answered = 0;
  const timer = setInterval(() => socket.write(`${sent++}\n`), 10);
  context.after(() => clearInterval(timer));
  const reading = (async () => {
    for (;;) {
      const line = await reader.line();
      assert.equal(line, String(answered));
      answered++;
    }
  })();
  reading.catch(() => undefined); // the test compares the counts
  return {
    answered: () => answered,
    stop: async () => {
      clearInterval(timer);
      await eventually(() => assert.equal(answered, sent));
      return sent - answered;
    },
  };
}

/** A datagram every ten milliseconds, each answered once. */
async function openPings(context: TestContext, from: string, to: string, source: string, host: string) {
  const port = await udpEcho(context, to, host);
  const { socket } = await udpSocket(context, from, source);
  let sent = 0;
  const seen = new Set<string>();
  socket.on('message', message => seen.add(message.toString()));
  const timer = setInterval(() => socket.send(String(sent++), port, host), 10);
  context.after(() => clearInterval(timer));
  return {
    answered: () => seen.size,
    stop: async () => {
      clearInterval(timer);
      await eventually(() => assert.equal(seen.size, sent)).catch(() => undefined); // the count is compared
      return sent - seen.size;
    },
  };
}

/** nftables numbers rules anew when they are written anew. */
function withoutHandles(kernel: unknown): unknown {
  return JSON.parse(JSON.stringify(kernel, (key, value: unknown) => (key === 'handle' ? undefined : value)));
}
