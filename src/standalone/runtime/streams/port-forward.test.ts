import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duplexPair } from 'node:stream';
import type { PodWorker } from '../pod/pod-worker.ts';
import { servePortForward } from './port-forward.ts';
import { FrameReader } from './spdy/frames.ts';
import { SpdyTestClient } from './testing/spdy-client.ts';

/** A pod without a network: no port of it can be reached. */
const UNREACHABLE = {
  sandbox: undefined,
  pod: { metadata: { name: 'p', uid: 'u' } },
} as unknown as PodWorker;

test('a port that refuses connections can be tried as often as one likes', async () => {
  const [near, far] = duplexPair();
  const served = servePortForward(far, UNREACHABLE);
  const reader = new FrameReader();
  let ended = 0;
  let resets = 0;
  const wanted = 1200;
  const all = Promise.withResolvers<void>();
  near.on('data', (bytes: Buffer) => {
    for (const frame of reader.read(bytes)) {
      if (frame.kind === 'reset') resets++;
      if (frame.kind === 'data' && frame.last) ended++;
    }
    if (ended + resets >= wanted) all.resolve();
  });
  const client = new SpdyTestClient();
  for (let stream = 1; stream < wanted * 2; stream += 4) {
    const headers = { port: '80', requestid: String(stream) };
    near.write(await client.open(stream, { ...headers, streamtype: 'error' }));
    near.write(await client.open(stream + 2, { ...headers, streamtype: 'data' }));
  }
  await all.promise;
  assert.deepEqual([ended, resets], [wanted, 0]);
  near.destroy();
  far.destroy();
  await served;
});
