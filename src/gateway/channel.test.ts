import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { FairleadError } from '../base/errors.ts';
import { MessageReader, clientOptions, encodeMessage, serverOptions } from './channel.ts';
import type { MessageFromProxy } from './channel.ts';

async function serve(gateway: string, key: Buffer) {
  const server = createServer(serverOptions(gateway, key), socket => {
    socket.on('error', () => undefined);
    socket.end('in');
  });
  server.on('tlsClientError', () => undefined); // the other side tells what went wrong
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/** What a dialler gets: the server's word, or the error's code. */
function dial(port: number, gateway: string, key: Buffer): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ...clientOptions(gateway, key) });
  return new Promise(resolve => {
    socket.once('data', data => resolve(data.toString()));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  });
}

test('both sides with the key of the Gateway meet; another key or another Gateway does not get in', async () => {
  const key = randomBytes(32);
  const server = await serve('shop/edge', key);
  try {
    assert.equal(await dial(server.port, 'shop/edge', key), 'in');
    assert.match(await dial(server.port, 'shop/edge', randomBytes(32)), /^ERR_SSL/);
    assert.match(await dial(server.port, 'shop/other', key), /^ERR_SSL/);
  } finally {
    server.close();
  }
});

test('the longest names of a Gateway and its namespace make an identity', async () => {
  const key = randomBytes(32);
  const gateway = `${'n'.repeat(63)}/${'g'.repeat(253)}`;
  const server = await serve(gateway, key);
  try {
    assert.equal(await dial(server.port, gateway, key), 'in');
  } finally {
    server.close();
  }
});

test('messages are found in a stream however it is cut', () => {
  const messages: readonly MessageFromProxy[] = [
    { type: 'applied', revision: 1 },
    { type: 'refused', revision: 2, reason: 'the change is for revision 0; ä\n' },
    { type: 'applied', revision: 3 },
  ];
  const bytes = Buffer.concat(messages.map(encodeMessage));
  for (let size = 1; size <= bytes.length; size++) {
    const reader = new MessageReader<MessageFromProxy>(1000);
    const read: MessageFromProxy[] = [];
    for (let at = 0; at < bytes.length; at += size) read.push(...reader.push(bytes.subarray(at, at + size)));
    assert.deepEqual(read, messages, `in pieces of ${size}`);
  }
});

test('a line that never ends, and one that is no message, are refused', () => {
  const isBad = (error: unknown) => error instanceof FairleadError && error.code === 'gateway/bad-message';
  const reader = new MessageReader(10);
  reader.push(Buffer.from('12345'));
  assert.throws(() => reader.push(Buffer.from('678901')), isBad);
  for (const line of ['{', '7', 'null', '{}', '']) {
    assert.throws(() => new MessageReader(100).push(Buffer.from(`${line}\n`)), isBad, line);
  }
});
