import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { frame, readQuery } from '../wire/index.ts';
import type { Query } from '../wire/index.ts';
import { Forwarder } from './forwarder.ts';
import type { Upstream } from './forwarder.ts';

const message = Buffer.from('123401000001000000000000076578616d706c6503636f6d0000010001', 'hex');

function query(): Query {
  const found = readQuery(message, message.length);
  assert.ok(found.kind === 'query');
  return found;
}

type Behaviour = (asked: Buffer) => readonly Buffer[];

/** The question with the bit that makes it an answer, and more bits. */
function answerTo(asked: Buffer, bits = 0): Buffer {
  const answer = Buffer.from(asked);
  answer.writeUInt16BE(0x8180 | bits, 2);
  return answer;
}

async function upstream(context: TestContext, behaviour: Behaviour): Promise<Upstream & { asked: Buffer[] }> {
  const socket = createSocket('udp4');
  const asked: Buffer[] = [];
  socket.on('message', (bytes, from) => {
    asked.push(bytes);
    for (const answer of behaviour(bytes)) socket.send(answer, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  context.after(() => socket.close());
  return { host: '127.0.0.1', port: socket.address().port, asked };
}

const ask = (upstreams: readonly Upstream[], limit = 512) =>
  new Forwarder({ upstreams, random: Math.random, limit, timeoutMilliseconds: 150 }).ask(message, query());

test('an answer comes back with the id of the question, which the upstream does not see', async context => {
  const there = await upstream(context, asked => [answerTo(asked)]);
  const found = await new Forwarder({ upstreams: [there], random: () => 0.5 }).ask(message, query());
  assert.ok(found.kind === 'answered');
  assert.equal(found.message.readUInt16BE(0), 0x1234);
  assert.equal(there.asked[0]?.readUInt16BE(0), 0x8000);
});

test('an answer with another id or to another question is not taken', async context => {
  const liar = await upstream(context, asked => {
    const [otherId, otherName] = [answerTo(asked), answerTo(asked)];
    otherId.writeUInt16BE(asked.readUInt16BE(0) ^ 1, 0);
    otherName[13] = 0x58;
    return [otherId, otherName, answerTo(asked, 3)];
  });
  const found = await ask([liar]);
  assert.ok(found.kind === 'answered');
  assert.equal(found.message.readUInt8(3) & 0xf, 3, 'the third one was right');
});

test('where one upstream is silent the next is asked, and silence of all ends in time', async context => {
  const silent = await upstream(context, () => []);
  const there = await upstream(context, asked => [answerTo(asked)]);
  assert.equal((await ask([silent, there])).kind, 'answered');
  const started = performance.now();
  assert.equal((await ask([silent])).kind, 'failed');
  assert.ok(performance.now() - started < 2000);
});

test('more questions than may be under way are turned away at once', async context => {
  const silent = await upstream(context, () => []);
  assert.equal((await ask([silent], 0)).kind, 'busy');
});

test('what is cut by UDP is asked again by TCP', async context => {
  const server = createServer(socket => {
    socket.on('error', () => undefined);
    socket.on('data', chunk => socket.end(frame(answerTo(chunk.subarray(2), 5))));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const socket = createSocket('udp4');
  socket.on('message', (bytes, from) => socket.send(answerTo(bytes, 0x200), from.port, from.address));
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  context.after(() => socket.close());
  const found = await ask([{ host: '127.0.0.1', port }]);
  assert.ok(found.kind === 'answered');
  assert.equal(found.message.readUInt8(3) & 0xf, 5, 'it is the one of TCP');
});
