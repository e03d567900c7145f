import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:dgram';
import { createServer } from 'node:net';
import { listenIn } from '../../src/kernel/ns/index.ts';
import type { TestEnd } from '../../test/netns/kernel-fixture.ts';
import { withPorts } from '../../test/netns/raw-packets.ts';
import { interleave } from '../harness/rounds.ts';
import { Client } from '../services/client.ts';
import type { Sender } from './sender.ts';
import { openPort } from './world.ts';

/** Two pods of a router: the client may open UDP and TCP at the server's open port. */
export interface Wired {
  readonly clientNamespace: string;
  readonly serverNamespace: string;
  readonly clientHost: string;
  readonly serverHost: string;
  readonly sender: Sender;
  /** Of the server's pod, at its open port. */
  readonly datagrams: Socket;
}

/** Microseconds that connect(2) takes of a client, one connection after the other, in turn to each. */
export async function connectTimes<Name extends string>(
  context: TestEnd,
  wired: ReadonlyMap<Name, Wired>,
  count: number,
): Promise<ReadonlyMap<Name, readonly number[]>> {
  for (const { serverHost, serverNamespace } of wired.values()) {
    const server = createServer(socket => {
      socket.on('error', () => socket.destroy());
      socket.resume();
    });
    const listening = once(server, 'listening');
    server.listen({ fd: listenIn(serverNamespace, { host: serverHost, port: openPort, backlog: 4096 }) });
    await listening;
    context.after(() => server.close());
  }
  const [one] = wired.values();
  assert.ok(one);
  using client = new Client(one.clientNamespace);
  const targets = [...wired.values()].map(({ clientNamespace, serverHost }) => ({
    from: clientNamespace,
    host: serverHost,
    port: openPort,
  }));
  await client.connect({ targets, count: 50 });
  const samples = await client.connect({ targets, count });
  return new Map([...wired.keys()].map((name, index) => [name, samples[index] ?? []]));
}

const packetsInRound = 2000;
const sourcePort = 9999;

/** Packets a second of a connection that is open, as fast as one processor sends them, in rounds that alternate. */
export async function openConnectionRates<Name extends string>(
  wired: ReadonlyMap<Name, Wired>,
  rounds: number,
): Promise<Readonly<Record<Name, readonly number[]>>> {
  const measures = new Map<Name, () => Promise<number>>();
  for (const [name, one] of wired) {
    const { clientHost, datagrams, sender, serverHost } = one;
    const payload = withPorts(sourcePort, openPort);
    payload.set([0, payload.length], 4); // the datagram's length
    const packet = { source: clientHost, destination: serverHost, protocol: 17, payload };
    const [frame] = sender.framesOf([packet]);
    assert.ok(frame);
    const frames = Array.from({ length: packetsInRound }, () => frame);
    await open(datagrams, () => sender.sendFrames([frame]));
    measures.set(name, () => Promise.resolve(1e6 / sender.sendFrames(frames)));
  }
  return interleave(rounds, Object.fromEntries(measures) as Record<Name, () => Promise<number>>);
}

/** The first answer makes the connection an open one. */
async function open(datagrams: Socket, send: () => void): Promise<void> {
  const answered = new Promise<void>((resolve, reject) => {
    datagrams.once('message', (_, { address, port }) =>
      datagrams.send('x', port, address, error => (error === null ? resolve() : reject(error))),
    );
  });
  send();
  await answered;
}
