import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { TestCluster, within } from './pods-cluster.ts';
import { udpSocket } from './pods-traffic.ts';

test('a pod cannot speak with the address of another pod, of a node or of the world, in both families', async context => {
  const cluster = new TestCluster(context, { links: [1, 1] });
  const [one, two] = cluster.nodes;
  assert.ok(one && two);
  await cluster.startAgents();
  const liar = await one.addPod('liar');
  const neighbour = await one.addPod('neighbour');
  const remote = await two.addPod('remote');
  for (const family of [0, 1] as const) {
    const own = liar.addresses[family] ?? '';
    const length = family === 0 ? 32 : 128;
    const stolen: readonly string[] = [
      neighbour.addresses[family] ?? '',
      remote.addresses[family] ?? '',
      two.addresses[family] ?? '',
      family === 0 ? '203.0.113.7' : '2001:db8::7',
    ];
    for (const victim of [neighbour, remote]) {
      const server = await udpSocket(context, victim.namespace, victim.addresses[family] ?? '');
      for (const address of stolen.filter(text => text !== victim.addresses[family])) {
        using socket = RouteSocket.open(liar.namespace);
        socket.apply([{ do: 'address-add', dev: 'eth0', address: `${address}/${length}`, nodad: true }]);
        const heard = once(server.socket, 'message') as Promise<[Buffer]>;
        for (const source of [address, own]) {
          const sender = await udpSocket(context, liar.namespace, source);
          await new Promise<void>(resolve => {
            sender.socket.send(source, server.port, victim.addresses[family], () => resolve());
          });
        }
        const [message] = await within(20_000, heard, () => `${victim.name} hears nothing from ${own}`);
        assert.equal(message.toString(), own, `${victim.name} hears ${own}, and nothing from ${address}`);
        socket.apply([{ do: 'address-delete', dev: 'eth0', address: `${address}/${length}` }]);
      }
    }
  }
});
