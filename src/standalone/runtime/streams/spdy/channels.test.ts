import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duplexPair } from 'node:stream';
import { SpdyTestClient } from '../testing/spdy-client.ts';
import { SpdyChannels } from './channels.ts';
import { dataFrames } from './frames.ts';

const query = { stdin: true, stdout: false, stderr: false, tty: false };

test('input that comes before the command has started reaches it at once, also when nothing follows', async () => {
  const [near, far] = duplexPair();
  const opening = SpdyChannels.open(far, query);
  const client = new SpdyTestClient();
  near.write(await client.open(1, { streamtype: 'stdin' }));
  for (const frame of dataFrames(1, Buffer.from('hello\n'), false)) near.write(frame);
  near.write(await client.open(3, { streamtype: 'error' }));
  const channels = await opening;
  assert.ok(channels);
  const taken: string[] = [];
  channels.onInput(bytes => taken.push(bytes.toString()));
  assert.deepEqual(taken, ['hello\n']);
  near.destroy();
  far.destroy();
});

test('a client that sends much before anybody reads is made to wait', async () => {
  const [near, far] = duplexPair();
  const opening = SpdyChannels.open(far, query);
  const client = new SpdyTestClient();
  near.write(await client.open(3, { streamtype: 'error' }));
  near.write(await client.open(1, { streamtype: 'stdin' }));
  const channels = await opening;
  assert.ok(channels);
  const piece = Buffer.alloc(32 << 10);
  const [frame = piece] = dataFrames(1, piece, false);
  for (let sent = 0; sent < 256; sent++) near.write(frame);
  // Far more turns than all of it needs.
  for (let turn = 0; turn < 2000; turn++) await new Promise(resolve => setImmediate(resolve));
  let taken = 0;
  channels.onInput(bytes => (taken += bytes.length));
  assert.ok(taken <= 2 << 20, `${taken} bytes were kept`);
  near.destroy();
  far.destroy();
});
