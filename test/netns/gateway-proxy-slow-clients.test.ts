import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { startBackend, startPlainBackend } from './gateway-backend.ts';
import { dial, eventually, pour, standsStill } from './gateway-client.ts';
import { startProxyTo } from './gateway-worker.ts';

const get = (path: string, ...fields: readonly string[]): string =>
  `${[`GET ${path} HTTP/1.1`, 'Host: a.example', ...fields].join('\r\n')}\r\n\r\n`;

/** Answers that are whole in one read, and that need two. */
const inOne = 'x'.repeat(60_000);
const inTwo = 'x'.repeat(100_000);

/** How many of many answers in a row fill up the way to a client that takes none. */
async function answersUntilFull(context: TestContext, port: number, started: () => number): Promise<number> {
  const before = started();
  const client = dial(context, port);
  client.socket.pause();
  client.say(get('/').repeat(1000));
  await standsStill(() => started() > before && started());
  const count = started() - before;
  client.socket.destroy();
  return count;
}

test('what comes after a request that is not answered yet stays in the kernel, however much it is', async context => {
  const backend = await startBackend(context, () => undefined);
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(`${get('/slow')}G`);
  await eventually(() => backend.heard[0]?.endsWith('\r\n\r\n') === true, 'the request at the backend');
  const piece = Buffer.alloc(256 * 1024, 'x');
  const most = 64 * 1024 * 1024;
  const written = pour(client.socket, piece, most);
  await standsStill(written);
  assert.ok(written() < most / 2, `${written()} bytes were taken`);
});

test('a backend’s connection that a slow client held up serves the next request', async context => {
  // In two pieces, each of which is less than what a socket takes before it says that it is full.
  const backend = await startBackend(context, socket => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${inTwo.length}\r\n\r\n${inTwo.slice(0, 50_000)}`);
    setImmediate(() => socket.write(inTwo.slice(50_000)));
  });
  const started = () => backend.heard.join('').split('GET ').length - 1;
  const { port } = await startProxyTo(context, backend, { upstreamPause: 60_000 });
  const client = dial(context, port);
  let taken = 0;
  client.socket.removeAllListeners('data');
  client.socket.on('data', chunk => (taken += chunk.length));
  const requests = 200;
  client.say(get('/').repeat(requests));
  while (taken < requests * inTwo.length) {
    client.socket.pause();
    await standsStill(started);
    const before = taken;
    client.socket.resume();
    await eventually(() => taken > Math.min(before + 2_000_000, requests * inTwo.length), 'more answers');
  }
});

test('a slow client that asked for the connection’s end gets all of its answer', async context => {
  const backend = await startPlainBackend(context, inOne);
  const { port, proxy } = await startProxyTo(context, backend, { linger: 50 });
  const started = () => backend.heard.join('').split('GET ').length - 1;
  const full = await answersUntilFull(context, port, started);
  for (const count of [full - 1, full, full + 1]) {
    const before = proxy.log().length;
    const client = dial(context, port);
    client.socket.pause();
    client.say(get('/').repeat(count - 1) + get('/', 'Connection: close'));
    await standsStill(() => proxy.log().length > before && proxy.log().length);
    client.socket.resume();
    await client.closed();
    assert.equal(client.heard.split('HTTP/1.1 200').length - 1, count);
    assert.ok(client.heard.length > count * inOne.length, `${client.heard.length} bytes of ${count} answers`);
  }
});

test('on an upgraded connection a client may speak on when the backend has said all', async context => {
  const backend = await startBackend(context, (socket, heard) => {
    if (!heard.endsWith('\r\n\r\n')) return;
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.end('bye');
  });
  const { port, proxy } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(get('/', 'Connection: upgrade', 'Upgrade: websocket'));
  await client.until(heard => heard.endsWith('bye'), 'what the backend said last');
  await client.closed();
  client.say('more');
  await eventually(() => backend.heard[0]?.endsWith('more') === true, 'what the client said last');
  client.socket.end();
  await eventually(() => proxy.log()[0]?.['why'] === '', 'a tunnel that ended well in the log');
});

test('a backend that says nothing but interim answers is held up by a client that takes none', async context => {
  const piece = Buffer.from(`HTTP/1.1 102 ${'x'.repeat(4000)}\r\n\r\n`.repeat(64));
  const most = 64 * 1024 * 1024;
  let written = () => 0;
  const backend = await startBackend(context, socket => {
    written = pour(socket, piece, most);
  });
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.socket.pause();
  client.say(get('/'));
  await standsStill(() => written() > 0 && written());
  assert.ok(written() < most / 2, `${written()} bytes left the backend`);
});
