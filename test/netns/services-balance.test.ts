import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/base/ip.ts';
import { sendFrames } from '../../src/kernel/packet/index.ts';
import { internetChecksum } from '../../src/kernel/packet/frames.ts';
import { inNamespace } from '../../src/kernel/ns/index.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { setSysctl } from '../../src/kernel/sysctl/index.ts';
import { meet, serverPort, service, slice, startNode, tcpServers } from './services-node.ts';

const cluster = '10.96.0.10';
const connections = 100_000;
/** Packets in one go; the node's queue takes a thousand. */
const burst = 500;
/** Of chi-square with six degrees of freedom: a fair choice is above it once in a hundred million runs. */
const tooUneven = 48;

/** UDP of a client with this port: a connection of its own for whoever translates. */
function datagram(source: Uint8Array, destination: Uint8Array, port: number): Uint8Array {
  const head = Uint8Array.of(0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, ...source, ...destination);
  const checksum = internetChecksum([head]);
  head.set([checksum >> 8, checksum & 255], 10);
  return Uint8Array.of(...head, port >> 8, port & 255, 0, 53, 0, 8, 0, 0);
}

test('100,000 connections are spread evenly over the endpoints of a Service', async context => {
  const node = startNode(context);
  const { objects, places } = node;
  // Nothing answers: every datagram is one connection, and none is held longer than it is counted.
  setSysctl(node.node, 'net.netfilter.nf_conntrack_udp_timeout', 1);
  objects.put(service('web', [cluster]), slice('web', places[4]));
  const network = node.network();
  await network.load();
  const address = parseAddress(cluster);
  assert.ok(address);
  using own = RouteSocket.open(node.client);
  using gateway = RouteSocket.open(node.node);
  const link = own.links().find(({ name }) => name === 'eth0');
  const router = gateway.links().find(({ name }) => name.startsWith('fl'));
  assert.ok(link?.mac !== undefined && router?.mac !== undefined);
  const ethernet = Uint8Array.of(...bytesOfMac(router.mac), ...bytesOfMac(link.mac), 8, 0);
  const index = link.index;
  const counted = async () => {
    const counters = await network.counters({ address, protocol: 'UDP', port: 53 });
    return counters?.endpoints.map(({ packets }) => packets) ?? [];
  };
  const total = async () => (await counted()).reduce((sum, packets) => sum + packets, 0);
  let sent = 0;
  const deadline = performance.now() + 120_000;
  while ((await total()) < connections) {
    assert.ok(performance.now() < deadline, `only ${await total()} of ${sent} connections were counted`);
    inNamespace(node.client, () => {
      const frames = Array.from({ length: burst }, () => {
        const number = sent++;
        const client = Uint8Array.of(10, 244, 0, 2 + (Math.floor(number / 50_000) % 200));
        const port = 1024 + (number % 50_000);
        return Uint8Array.of(...ethernet, ...datagram(client, Uint8Array.of(10, 96, 0, 10), port));
      });
      sendFrames(index, frames);
    });
  }
  const counts = await counted();
  const expected = counts.reduce((sum, one) => sum + one, 0) / places[4].length;
  const chiSquare = counts.reduce((sum, one) => sum + (one - expected) ** 2 / expected, 0);
  assert.equal(counts.length, places[4].length, 'every endpoint is chosen');
  assert.ok(chiSquare < tooUneven, `chi-square ${chiSquare.toFixed(1)} of ${counts.join(', ')}`);
});

const bytesOfMac = (mac: string): readonly number[] => mac.split(':').map(part => Number.parseInt(part, 16));

test('a client with an affinity keeps its endpoint while others come and go', async context => {
  const node = startNode(context);
  const { objects, places } = node;
  await tcpServers(context, node.servers, serverPort);
  const sticky = service('web', [cluster], { sessionAffinity: 'ClientIP' });
  objects.put(sticky, slice('web', places[4].slice(0, 3)));
  const network = node.network();
  await network.load();
  const { reached } = await meet(node.client, cluster, 80);
  for (const endpoints of [
    places[4],
    places[4].filter(place => place === reached || place.endsWith('8')),
    places[4].toReversed(),
  ]) {
    objects.put(slice('web', endpoints));
    await network.change('shop/web');
    for (let turn = 0; turn < 6; turn++)
      assert.equal((await meet(node.client, cluster, 80)).reached, reached);
  }
});
