import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { DatagramServer } from '../../src/kernel/udp/index.ts';

/** Sockets of ours on loopback, and a server whose answers say what they answer. */
const host = { 4: '127.53.9.1', 6: '::1' } as const;
const clients = 5;
const questions = 40;
const lengths = [1, 20, 20, 20, 36, 36, 90, 512, 513, 1200];

async function freePort(family: 4 | 6): Promise<number> {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  socket.bind(0, host[family]);
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

for (const family of [4, 6] as const) {
  test(`of a flood each client gets its own answers, each a datagram of its length, by IPv${family}`, async () => {
    const port = await freePort(family);
    let most = 0;
    let inTurn = 0;
    const server = new DatagramServer({
      sockets: [{ host: host[family], port }],
      longest: 2048,
      handler: (request, length, answer) => {
        if (inTurn++ === 0) setImmediate(() => (inTurn = 0));
        most = Math.max(most, inTurn);
        const bytes = answerTo(request.bytes.subarray(0, length));
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
