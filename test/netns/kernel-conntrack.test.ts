import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { ConntrackSocket } from '../../src/kernel/netlink/index.ts';
import { Nft } from '../../src/kernel/nft/index.ts';
import { bindUdpIn } from '../../src/kernel/ns/index.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import { temporaryNamespace } from './kernel-fixture.ts';

const udp = 17;

/** Tracks what leaves by the loopback; connections in `zone` when the destination port is 7009. */
function tracking(context: TestContext): string {
  const path = temporaryNamespace(context, 'conntrack');
  using nft = Nft.open(path);
  nft.run(`add table inet t
add chain inet t early { type filter hook output priority -300 ; }
add chain inet t later { type filter hook output priority -150 ; }
add chain inet t nat { type nat hook output priority -100 ; }
add rule inet t early udp dport 7009 ct zone set 9
add rule inet t later ct mark set ct mark or 0x4000
add rule inet t nat meta nfproto ipv4 udp dport 7001 dnat ip to 127.0.0.1:7002`);
  return path;
}

async function sendFrom(context: TestContext, path: string, host: string, ports: readonly number[]) {
  const socket: Socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  context.after(() => socket.close());
  socket.on('error', () => undefined); // nobody listens: the kernel says so
  const listening = once(socket, 'listening');
  socket.bind({ fd: bindUdpIn(path, { host, port: 0 }) });
  await listening;
  for (const port of ports) {
    await new Promise<void>(resolve => {
      socket.send('x', port, host, () => resolve());
    });
  }
}

test('tracked connections are listed with both directions, filtered, marked by bits, and deleted', async context => {
  const path = tracking(context);
  await sendFrom(context, path, '127.0.0.1', [7001, 7003, 7009]);
  await sendFrom(context, path, '::1', [7003]);
  using conntrack = ConntrackSocket.open(path);
  assert.equal(conntrack.list().filter(connection => connection.protocol === udp).length, 4);

  const translated = conntrack.list([{ protocol: udp, original: { destinationPort: 7001 } }]);
  assert.equal(translated.length, 1);
  assert.deepEqual(
    [translated[0]?.reply.source, translated[0]?.reply.sourcePort, translated[0]?.zone, translated[0]?.mark],
    ['127.0.0.1', 7002, 0, 0x4000],
  );
  assert.equal(conntrack.list([{ reply: { sourcePort: 7002 } }]).length, 1, 'found behind the translation');
  assert.equal(conntrack.list([{ zone: 9 }]).length, 1);
  assert.equal(conntrack.list([{ family: 6, protocol: udp, addresses: new Set(['::1']) }]).length, 1);
  assert.equal(conntrack.list([]).length, 0, 'no filter, no connection');

  const both = [{ zone: 9 }, { family: 6, protocol: udp } as const];
  const revoked = { value: 0x2_0000, mask: 0x2_0000 };
  assert.equal(conntrack.mark(conntrack.list(both), revoked), 2);
  const marked = conntrack.list([{ mark: revoked }]);
  assert.deepEqual(
    marked.map(connection => connection.mark),
    [0x2_4000, 0x2_4000],
    'other bits stay as they are',
  );
  assert.equal(conntrack.mark(marked, { value: 0, mask: 0x2_0000 }), 2);
  assert.equal(conntrack.list([{ mark: revoked }]).length, 0);

  const gone = conntrack.list([{ addresses: new Set(['127.0.0.1']) }]);
  assert.equal(conntrack.delete(gone), gone.length);
  assert.equal(conntrack.delete(gone), 0, 'deleting twice is fine');
  assert.equal(conntrack.mark(gone, revoked), 0);
  assert.equal(conntrack.list([{ family: 4 }]).length, 0);
});

test('the kernel worker forgets the connections of an address in one step', async context => {
  const path = tracking(context);
  await sendFrom(context, path, '127.0.0.1', [7003, 7004, 7009]);
  await using worker = new KernelWorker();
  assert.equal(
    await worker.forgetConnections([{ protocol: udp, original: { destinationPort: 7003 } }], path),
    1,
  );
  const rest = await worker.connections([{ protocol: udp }], path);
  assert.equal(rest.length, 2);
  assert.equal(await worker.markConnections(rest, { value: 1, mask: 1 }, path), 2);
  assert.equal(await worker.deleteConnections(rest, path), 2);
});
