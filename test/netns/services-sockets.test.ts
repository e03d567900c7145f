import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { buildPrograms, startSocketNode } from './socket-node.ts';
import type { SocketNode } from './socket-node.ts';
import { serverPort, service, slice, tcpServers, udpServers } from './services-node.ts';

const web = ['10.96.0.10', 'fd00:10:96::10'] as const;

buildPrograms();

async function withServers(context: Parameters<typeof startSocketNode>[0]): Promise<SocketNode> {
  const node = startSocketNode(context);
  await tcpServers(context, node.servers, serverPort);
  await udpServers(context, node.servers, [...node.places[4], ...node.places[6]], serverPort);
  return node;
}

/** What a server says of itself. */
const reached = (said: string | undefined): string =>
  said?.startsWith('{') === true ? (JSON.parse(said) as { reached: string }).reached : (said ?? '');

test('sockets of pods are led to endpoints of a Service, which they go on to see as the Service', async context => {
  const node = await withServers(context);
  const { objects, places } = node;
  objects.put(service('web', web), slice('web', places[4]), slice('web', places[6]));
  const translation = node.translation();
  const pod = await node.pod(node.client);
  await translation.start();
  await node.networkWith(translation).load();
  // Without the rules only the hooks can lead anywhere.
  await node.kernel.nft('flush chain inet fairlead-services inside');
  for (const [family, host] of [
    [4, web[0]],
    [6, web[1]],
  ] as const) {
    const tcp = await pod.ask({ do: 'tcp', host, port: 80 });
    assert.ok(places[family].includes(reached(tcp.said)), `TCP to ${host}: ${JSON.stringify(tcp)}`);
    assert.equal(tcp.peer, host, 'the peer is the Service');
    for (const connected of [true, false]) {
      const udp = await pod.ask({ do: 'udp', host, port: 53, connected });
      assert.ok(places[family].includes(udp.said ?? ''), `UDP to ${host}: ${JSON.stringify(udp)}`);
      assert.equal(udp.peer, host, 'the answer comes from the Service');
    }
  }
  const mapped = `::ffff:${web[0]}`;
  const tcp = await pod.ask({ do: 'tcp', host: mapped, port: 80 });
  assert.ok(places[4].includes(reached(tcp.said)), JSON.stringify(tcp));
  for (const connected of [true, false]) {
    const udp = await pod.ask({ do: 'udp', v6: true, host: mapped, port: 53, connected });
    assert.ok(
      places[4].includes(udp.said ?? ''),
      `an IPv6 socket to IPv4, ${connected}: ${JSON.stringify(udp)}`,
    );
    assert.equal(udp.peer, mapped);
  }
  await translation.stop();
  assert.equal(translation.state, 'off', 'no socket is left that was translated');
  assert.deepEqual(readdirSync(node.pins), [], 'and nothing pinned');
});
