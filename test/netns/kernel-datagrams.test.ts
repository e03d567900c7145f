import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { Nft } from '../../src/kernel/nft/index.ts';
import { bindUdpIn } from '../../src/kernel/ns/index.ts';
import { DatagramServer } from '../../src/kernel/udp/index.ts';
import { temporaryNamespace } from './kernel-fixture.ts';

/** Sockets of ours on loopback, and a server whose answers say what they answer. */
const host = { 4: '127.53.9.1', 6: '::1' } as const;
const clients = 5;
const questions = 40;
const lengths = [1, 20, 20, 20, 36, 36, 90, 512, 513, 1200];

async function freePort(address: string): Promise<number> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>(resolve => socket.close(() => resolve()));
  return port;
}

/** Octet 0 is who asks, 1 the question's number, 2 which length is wanted. */
const wanted = (client: number, number: number): Buffer =>
  Buffer.from([client, number, (client * 3 + number * 7) % lengths.length]);

function answerTo(question: Uint8Array): Buffer {
  const answer = Buffer.alloc(lengths[question[2] ?? 0] ?? 0, question[1]);
  answer[0] = question[1] ?? 0;
  return answer;
}

async function heard(socket: Socket, count: number): Promise<readonly string[]> {
  const got: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, 20_000);
  socket.on('message', message => {
    got.push(message.toString('hex'));
    if (got.length === count) resolve();
  });
  await promise;
  clearTimeout(timer);
  return got;
}

const cases = ([4, 6] as const).flatMap(family => [false, true].map(isLater => ({ family, isLater })));
for (const { family, isLater } of cases) {
  const when = isLater ? ' that take longer' : '';
  test(`of a flood each client gets its own answers${when}, each a datagram of its length, by IPv${family}`, async () => {
    const reused = Buffer.alloc(2048);
    const port = await freePort(host[family]);
    let most = 0;
    let inTurn = 0;
    const server = new DatagramServer({
      sockets: [{ host: host[family], port }],
      longest: 2048,
      handler: (request, length, answer, peer) => {
        if (inTurn++ === 0) setImmediate(() => (inTurn = 0));
        most = Math.max(most, inTurn);
        const bytes = answerTo(request.bytes.subarray(0, length));
        if (isLater) {
          const to = peer();
          queueMicrotask(() => {
            reused.set(bytes);
            server.send(reused.subarray(0, bytes.length), to);
          });
          return 0;
        }
        answer.bytes.set(bytes);
        return bytes.length;
      },
    });
    const sockets = await Promise.all(
      Array.from({ length: clients }, async () => {
        const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
        socket.bind(0, host[family]);
        await once(socket, 'listening');
        return socket;
      }),
    );
    try {
      const hearing = sockets.map(socket => heard(socket, questions));
      // Without a turn of the event loop between: the server finds all of them at once.
      for (let number = 0; number < questions; number++)
        for (const [client, socket] of sockets.entries())
          socket.send(wanted(client, number), port, host[family]);
      for (const [client, answers] of (await Promise.all(hearing)).entries()) {
        const expected = Array.from({ length: questions }, (_, number) =>
          answerTo(wanted(client, number)).toString('hex'),
        );
        assert.deepEqual(answers.toSorted(), expected.toSorted());
      }
      assert.ok(most >= 16, `only ${most} datagrams came at once: answers to one client were not joined`);
      assert.equal(server.dropped, 0);
    } finally {
      server.close();
      for (const socket of sockets) socket.close();
    }
  });
}

test('a flood from port 0, which nobody can answer, does not take from others that their answers leave together', async context => {
  const namespace = temporaryNamespace(context, 'datagrams');
  const [address, port] = ['127.0.0.1', 5300];
  using nft = Nft.open(namespace);
  // What a program with a raw socket sends. Answers are counted as the server sends them, joined ones as one.
  nft.run(`add table ip t
    add counter ip t answers
    add chain ip t output { type filter hook output priority 0; }
    add rule ip t output udp sport 5999 udp sport set 0
    add rule ip t output udp sport ${port} counter name answers`);
  const server = new DatagramServer({
    sockets: [{ fd: bindUdpIn(namespace, { host: address, port }) }],
    longest: 2048,
    handler: (request, length, answer) => {
      answer.bytes.set(request.bytes.subarray(0, length));
      return length;
    },
  });
  const client = async (number: number): Promise<Socket> => {
    const socket = createSocket('udp4');
    const listening = once(socket, 'listening');
    socket.bind({ fd: bindUdpIn(namespace, { host: address, port: number }) });
    await listening;
    context.after(() => socket.close());
    return socket;
  };
  context.after(() => server.close());
  const [unanswerable, other] = [await client(5999), await client(0)];
  const hearing = heard(other, questions);
  // The last of them come with others in one batch.
  for (let number = 0; number < questions; number++) unanswerable.send('flood', port, address);
  for (let number = 0; number < questions; number++) other.send(Buffer.from([number]), port, address);
  const answers = (await hearing).toSorted();
  assert.deepEqual(
    answers,
    Array.from({ length: questions }, (_, number) => Buffer.from([number]).toString('hex')),
  );
  assert.equal(server.dropped, questions);
  const before = packets(nft);
  const again = heard(other, questions);
  for (let number = 0; number < questions; number++) other.send(Buffer.from([number]), port, address);
  assert.equal((await again).length, questions);
  const sent = packets(nft) - before;
  assert.ok(sent < questions / 2, `${questions} answers left as ${sent} packets`);
});

function packets(nft: Nft): number {
  const { nftables } = nft.list('list counter ip t answers') as {
    readonly nftables: readonly { readonly counter?: { readonly packets: number } }[];
  };
  return nftables.find(({ counter }) => counter !== undefined)?.counter?.packets ?? Number.NaN;
}

test(
  'answers that take longer leave from the address that was asked, also the last before the end',
  { timeout: 20_000 },
  async context => {
    const places = [host[4], host[6], '127.53.9.2'];
    const ports = await Promise.all(places.map(freePort));
    const waiting: (() => void)[] = [];
    const everybody = Promise.withResolvers<void>();
    const server = new DatagramServer({
      sockets: places.map((address, index) => ({ host: address, port: ports[index] ?? 0 })),
      longest: 2048,
      handler: (request, length, _answer, peer) => {
        const [bytes, to] = [Buffer.from(request.bytes.subarray(0, length)), peer()];
        waiting.push(() => server.send(bytes, to));
        if (waiting.length === 3 * places.length) everybody.resolve();
        return 0;
      },
    });
    context.after(() => server.close());
    const got: string[] = [];
    const all = Promise.withResolvers<void>();
    for (const [index, address] of places.entries()) {
      const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
      context.after(() => socket.close());
      socket.on('message', (message, from) => {
        got.push(`${message.toString()} from ${from.address} ${from.port}`);
        if (got.length === 3 * places.length) all.resolve();
      });
      for (const number of [1, 2, 3]) socket.send(`${index} ${number}`, ports[index], address);
    }
    await everybody.promise;
    // Of all sockets in turn, and nothing leaves before the end.
    for (const number of [0, 3, 6, 1, 4, 7, 2, 5, 8]) waiting[number]?.();
    server.close();
    await all.promise;
    const expected = places.flatMap((address, index) =>
      [1, 2, 3].map(number => `${index} ${number} from ${address} ${ports[index]}`),
    );
    assert.deepEqual(got.toSorted(), expected.toSorted());
  },
);
