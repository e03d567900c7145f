import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { answer, startBackend, startPlainBackend } from './gateway-backend.ts';
import { dial, eventually, pour, standsStill } from './gateway-client.ts';
import { at, prefix, rule, tableOf } from './gateway-table.ts';
import { freePort, startProxyTo, startTestWorker } from './gateway-worker.ts';

const get = (path: string, ...fields: readonly string[]): string =>
  `${[`GET ${path} HTTP/1.1`, 'Host: a.example', ...fields].join('\r\n')}\r\n\r\n`;
const post = (body: string): string =>
  `POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

test('an endpoint that refuses is passed over, and nobody sees it', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const proxy = await startTestWorker(
    context,
    tableOf({
      ports: { http: port },
      rules: [prefix('/', 'b')],
      backends: { b: [at(await closedPort()), at(backend.port)] },
    }),
  );
  const client = dial(context, port);
  for (let index = 0; index < 6; index++) {
    client.heard = '';
    client.say(post('body'));
    await client.until(heard => heard.endsWith('hello'), 'an answer');
  }
  await eventually(() => proxy.log().length === 6, 'six lines in the log');
  assert.deepEqual(new Set(proxy.log().map(line => line['status'])), new Set([200]));
  assert.ok(proxy.log().some(line => line['tries'] === 2));
});

test('where no endpoint takes a connection the answer is 502', async context => {
  const port = await freePort();
  const proxy = await startTestWorker(
    context,
    tableOf({ ports: { http: port }, rules: [prefix('/', 'b')], backends: { b: [at(await closedPort())] } }),
  );
  const client = dial(context, port);
  client.say(get('/'));
  await client.until(heard => heard.startsWith('HTTP/1.1 502'), 'a 502');
  await eventually(() => proxy.log()[0]?.['why'] === 'upstream-refused', 'the reason in the log');
});

test('a connection that was closed while it was idle costs nobody a request', async context => {
  // Closes as soon as a second request comes: what a server does whose patience ended at that moment.
  const backend = await startBackend(context, (socket, heard) => {
    if (heard.split('\r\n\r\n').length > 2) socket.resetAndDestroy();
    else socket.write(answer('hello'));
  });
  const { port, proxy } = await startProxyTo(context, backend);
  const client = dial(context, port);
  for (let index = 0; index < 4; index++) {
    client.heard = '';
    client.say(get('/'));
    assert.match(await client.until(heard => /\r\n\r\n./.test(heard), 'an answer'), /^HTTP\/1\.1 200/);
  }
  await eventually(() => proxy.log().length === 4, 'four lines in the log');
  assert.deepEqual(
    proxy.log().map(line => line['tries']),
    [1, 2, 2, 2],
  );
});

test('what must not be done twice is not sent twice', async context => {
  const backend = await startBackend(context, (socket, heard) => {
    if (heard.includes('POST')) socket.resetAndDestroy();
    else socket.write(answer('hello'));
  });
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(get('/'));
  await client.until(heard => heard.endsWith('hello'), 'an answer');
  client.heard = '';
  client.say(post('order'));
  await client.until(heard => heard.startsWith('HTTP/1.1 502'), 'a 502');
  assert.equal(backend.heard.filter(text => text.includes('POST')).length, 1);
});

test('a route’s time limits end with 504, and the backend’s connection with them', async context => {
  const backend = await startBackend(context, () => undefined);
  const port = await freePort();
  await startTestWorker(
    context,
    tableOf({
      ports: { http: port },
      rules: [
        rule('Exact', '/request', ['b'], { timeouts: { request: 100 } }),
        rule('Exact', '/backend', ['b'], { timeouts: { backendRequest: 100 } }),
      ],
      backends: { b: [at(backend.port)] },
    }),
  );
  const client = dial(context, port);
  for (const path of ['/request', '/backend']) {
    client.heard = '';
    client.say(get(path));
    await client.until(heard => heard.startsWith('HTTP/1.1 504'), `a 504 for ${path}`);
  }
  await eventually(() => backend.sockets.every(({ destroyed }) => destroyed), 'the end of the connections');
});

test('a backend that stops in the middle of its answer ends the client’s connection', async context => {
  const backend = await startBackend(context, socket => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
    setTimeout(() => socket.destroy(), 20);
  });
  const { port, proxy } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(get('/'));
  await client.closed();
  assert.match(client.heard, /hello$/);
  await eventually(() => proxy.log()[0]?.['why'] === 'upstream-closed', 'the reason in the log');
});

test('a client that goes away takes its request back from the backend', async context => {
  const backend = await startBackend(context, () => undefined);
  const { port, proxy } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(get('/'));
  await eventually(() => backend.heard[0]?.endsWith('\r\n\r\n') === true, 'the request at the backend');
  client.socket.destroy();
  await eventually(() => backend.sockets[0]?.destroyed === true, 'the end of the backend’s connection');
  await eventually(() => proxy.log()[0]?.['why'] === 'client-closed', 'a line in the log');
});

test('a client that takes nothing holds up its backend, and not the memory', async context => {
  const piece = Buffer.alloc(256 * 1024, 'x');
  const total = 400 * piece.length;
  let written = () => 0;
  const backend = await startBackend(context, socket => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
    written = pour(socket, piece, total);
  });
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.socket.pause();
  client.say(get('/'));
  await standsStill(() => written() > 0 && written());
  assert.ok(written() < total / 2, `${written()} of ${total} bytes left the backend`);
  let taken = 0;
  client.socket.removeAllListeners('data');
  client.socket.on('data', chunk => (taken += chunk.length));
  client.socket.resume();
  await eventually(() => taken > total, 'all of it arrives in the end');
});

test('a backend that takes nothing holds up its client, and not the memory', async context => {
  const backend = await startBackend(context, socket => socket.pause());
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  const piece = Buffer.alloc(256 * 1024, 'x');
  const total = 400 * piece.length;
  client.say(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`);
  const written = pour(client.socket, piece, total);
  await standsStill(written);
  assert.ok(written() < total / 2, `${written()} of ${total} bytes left the client`);
  let taken = backend.heard[0]?.length ?? 0;
  const [socket] = backend.sockets;
  socket?.removeAllListeners('data');
  socket?.on('data', chunk => {
    taken += chunk.length;
    if (taken > total) socket.write(answer('done'));
  });
  socket?.resume();
  await client.until(heard => heard.endsWith('done'), 'the answer in the end');
});

test('a backend that takes nothing for too long is to blame, not its client', async context => {
  const backend = await startBackend(context, socket => socket.pause());
  const { port } = await startProxyTo(context, backend, { bodyPause: 30_000, upstreamPause: 600 });
  const client = dial(context, port);
  client.say('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n');
  client.socket.write(Buffer.alloc(50e6, 'x'));
  await client.until(heard => heard.startsWith('HTTP/1.1 504'), 'a 504');
});

test('a client that asks and never takes the answers is not read on', async context => {
  const port = await freePort();
  await startTestWorker(context, tableOf({ ports: { http: port }, rules: [], backends: {} }));
  const client = dial(context, port);
  client.socket.pause();
  const requests = Buffer.from(get('/').repeat(4000));
  const written = pour(client.socket, requests, 200e6);
  await standsStill(written);
  assert.ok(written() < 100e6, `${written()} bytes were taken`);
});

test('slow heads and bodies end with 408, idle connections end without a word', async context => {
  const backend = await startBackend(context, () => undefined);
  // Enough for the first octets of a client on a machine that has other things to do.
  const limits = { head: 2000, bodyPause: 300, idle: 600 };
  const { port, proxy } = await startProxyTo(context, backend, limits);
  const head = dial(context, port);
  head.say('GET / HTTP/1.1\r\nHost: a\r\n');
  const drip = setInterval(() => head.say('X: y\r\n'), 50);
  context.after(() => clearInterval(drip));
  await head.until(heard => heard.startsWith('HTTP/1.1 408'), 'a 408 for a slow head');
  clearInterval(drip);
  await head.closed();
  const body = dial(context, port);
  body.say('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello');
  await body.until(heard => heard.startsWith('HTTP/1.1 408'), 'a 408 for a slow body');
  await body.closed();
  const silent = dial(context, port);
  await silent.closed();
  assert.equal(silent.heard, '');
  await eventually(() => proxy.log().filter(line => line['why'] === 'client-slow').length === 2, 'the log');
});

test('a body that trickles for long is ended although it never pauses', async context => {
  const backend = await startBackend(context, () => undefined);
  const { port } = await startProxyTo(context, backend, { bodyPatience: 500, bodyRate: 1000 });
  const client = dial(context, port);
  client.say('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
  const drip = setInterval(() => client.say('x'), 50);
  context.after(() => clearInterval(drip));
  await client.until(heard => heard.startsWith('HTTP/1.1 408'), 'a 408');
});

test('a new table holds for the next request of a connection that is open, and what is under way ends as it began', async context => {
  const slow = await startBackend(context, () => undefined);
  const fast = await startPlainBackend(context, 'fast');
  const port = await freePort();
  const table = (backend: number) =>
    tableOf({ ports: { http: port }, rules: [prefix('/', 'b')], backends: { b: [at(backend)] } });
  const proxy = await startTestWorker(context, table(slow.port));
  const client = dial(context, port);
  client.say(get('/'));
  await eventually(() => slow.heard[0]?.endsWith('\r\n\r\n') === true, 'the request at the first backend');
  proxy.take(table(fast.port));
  slow.sockets[0]?.write(answer('slow'));
  await client.until(heard => heard.endsWith('slow'), 'the answer of the first backend');
  client.say(get('/'));
  await client.until(heard => heard.endsWith('fast'), 'the answer of the second backend');
  await eventually(() => slow.sockets[0]?.destroyed === true, 'nothing is kept open to the first');
  const other = await freePort();
  proxy.take(tableOf({ ports: { http: port, other }, rules: [], backends: {} }));
  client.heard = '';
  client.say(get('/'));
  await client.until(heard => heard.startsWith('HTTP/1.1 404'), 'a 404 on the same connection');
  dial(context, other).say(get('/'));
});

test('clients beyond the limit are turned away, and whoever leaves makes room', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const { port } = await startProxyTo(context, backend, { clients: 20 });
  const served = async () => {
    const client = dial(context, port);
    client.say(get('/'));
    await client.until(heard => heard.endsWith('hello'), 'an answer');
    return client;
  };
  const clients = await Promise.all(Array.from({ length: 20 }, served));
  const late = dial(context, port);
  late.say(get('/'));
  await late.closed();
  assert.equal(late.heard, '');
  for (let round = 0; round < 5; round++) {
    for (const client of clients.splice(0)) {
      client.socket.end();
      await client.closed();
    }
    clients.push(...(await Promise.all(Array.from({ length: 20 }, served))));
  }
});
