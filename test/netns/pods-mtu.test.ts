import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { TestCluster, eventually } from './pods-cluster.ts';
import type { TestNode, TestPod } from './pods-cluster.ts';
import { echoServer, seenAs, udpEcho, udpSocket } from './pods-traffic.ts';

/** IP and UDP headers. */
const headers = { 4: 28, 6: 48 } as const;

function linkMtu(namespace: string, name: string): number | undefined {
  using socket = RouteSocket.open(namespace);
  return socket.links().find(link => link.name === name)?.mtu;
}

function routeMtu(node: TestNode, destination: string): number | undefined {
  using socket = RouteSocket.open(node.namespace);
  return socket.routes().find(route => route.dst === destination)?.mtu;
}

/**
 * Datagrams with "don't fragment" (Linux sets it where a datagram fits the MTU that it knows of): the first may be lost
 * and answered with "too big"; once the sender has learnt, the same size arrives. Returns how many were sent for one answer.
 */
async function sendUntilAnswered(
  context: TestContext,
  from: TestPod,
  to: TestPod,
  family: 4 | 6,
  size: number,
) {
  const index = family === 4 ? 0 : 1;
  const host = to.addresses[index] ?? '';
  const port = await udpEcho(context, to.namespace, host);
  const { socket } = await udpSocket(context, from.namespace, from.addresses[index] ?? '');
  const message = Buffer.alloc(size - headers[family], 'x');
  let answered = false;
  socket.on('message', answer => (answered ||= answer.length === message.length));
  let sent = 0;
  await eventually(() => {
    if (!answered) socket.send(message, port, host, () => undefined); // "too big" comes back as an error of a later send
    sent++;
    assert.ok(answered, `${size} bytes arrive over IPv${family}`);
  });
  return sent;
}

async function largeTransfers(context: TestContext, from: TestPod, to: TestPod): Promise<void> {
  for (const host of to.addresses) {
    const port = await echoServer(context, to.namespace, host);
    await seenAs(from.namespace, host, port, 4 << 20);
  }
}

test('on one link pods use the whole MTU of the link', async context => {
  const cluster = new TestCluster(context, { links: [1, 1] });
  const [one, two] = cluster.nodes;
  assert.ok(one && two);
  await cluster.startAgents();
  const from = await one.addPod('from');
  const to = await two.addPod('to');
  assert.equal(linkMtu(from.namespace, 'eth0'), 1500);
  assert.equal(linkMtu(one.namespace, 'fl-vxlan'), undefined, 'no tunnel is made that nobody needs');
  await largeTransfers(context, from, to);
  await sendUntilAnswered(context, from, to, 4, 1500);
  await sendUntilAnswered(context, from, to, 6, 1500);
});

for (const [underlay, families, mtu] of [
  ['IPv4', [4, 6], 1450],
  ['IPv6', [6], 1430],
] as const) {
  test(`through a tunnel over ${underlay} packets of ${mtu} bytes pass, and the sender of larger ones is told`, async context => {
    const cluster = new TestCluster(context, { links: [1, 2], nodeFamilies: families });
    const [one, two] = cluster.nodes;
    assert.ok(one && two);
    await cluster.startAgents();
    const from = await one.addPod('from');
    const to = await two.addPod('to');
    assert.equal(linkMtu(one.namespace, 'fl-vxlan'), mtu);
    assert.equal(routeMtu(one, '10.244.1.0/24'), mtu);
    assert.equal(routeMtu(one, 'fd00:10:244:1::/64'), mtu);
    for (const family of [4, 6] as const) {
      await sendUntilAnswered(context, from, to, family, mtu);
      const sent = await sendUntilAnswered(context, from, to, family, 1500);
      assert.ok(sent > 1, 'the first one does not fit');
    }
    await largeTransfers(context, from, to);
  });
}
