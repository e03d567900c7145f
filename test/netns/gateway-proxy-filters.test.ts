import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TableFilter } from '../../src/gateway/table.ts';
import { answer, startBackend, startPlainBackend } from './gateway-backend.ts';
import { dial, eventually } from './gateway-client.ts';
import { ask, connectHttp2, startHttp2Backend } from './gateway-http2.ts';
import { at, rule, tableOf } from './gateway-table.ts';
import { freePort, startTestWorker } from './gateway-worker.ts';

const mirror = (backend: string, share = 1): TableFilter => ({ type: 'RequestMirror', backend, share });
const crossOrigin: TableFilter = {
  type: 'CORS',
  allowOrigins: ['https://a.example', 'https://*.b.example:*'],
  allowMethods: ['GET', 'PUT'],
  allowHeaders: ['x-token'],
  exposeHeaders: ['x-sum'],
  allowCredentials: true,
  maxAge: 60,
};

async function startWith(
  context: Parameters<typeof startTestWorker>[0],
  filters: readonly TableFilter[],
  ports: Readonly<Record<string, number>>,
  limits: Parameters<typeof startTestWorker>[2] = {},
) {
  const port = await freePort();
  const backends = Object.fromEntries(Object.entries(ports).map(([name, own]) => [name, [at(own)]]));
  const rules = [rule('PathPrefix', '/', ['b'], { filters })];
  const table = tableOf({ ports: { http: port }, rules, backends });
  return { port, proxy: await startTestWorker(context, table, limits) };
}

test('a mirrored request reaches both backends whole, and only the first one answers', async context => {
  // They answer when they have a whole request.
  const start = (name: string) =>
    startBackend(context, (socket, heard) => {
      const isWhole = heard.includes('GET ') ? heard.endsWith('\r\n\r\n') : heard.endsWith('\r\n0\r\n\r\n');
      if (isWhole) socket.write(answer(name));
    });
  const [first, second] = [await start('first'), await start('second')];
  const { port, proxy } = await startWith(context, [mirror('c'), mirror('c', 0)], {
    b: first.port,
    c: second.port,
  });
  const client = dial(context, port);
  client.say('POST /x?y HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n');
  await eventually(() => second.heard.join('').includes('POST /x?y'), 'the mirror has the head');
  client.say('3\r\nabc\r\n0\r\n\r\n');
  await client.until(heard => heard.endsWith('first'), 'the answer of the first');
  await eventually(
    () => second.heard[0]?.endsWith('3\r\nabc\r\n0\r\n\r\n') === true,
    'the mirror has the body',
  );
  assert.equal(first.heard[0], second.heard[0]);
  assert.equal(second.heard.length, 1, 'a share of nothing mirrors nothing');
  // The mirror's connection is used again.
  client.say('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
  await eventually(() => second.heard[0]?.includes('GET / HTTP/1.1') === true, 'another request');
  await eventually(() => proxy.log().length === 2, 'one line a request');
});

test('a mirror that takes nothing, is closed, or is not there holds nothing up', async context => {
  const backend = await startHttp2Backend(context, stream => {
    stream.respond({ ':status': 200 });
    stream.resume().on('end', () => stream.end('taken'));
  });
  const mute = await startBackend(context, socket => void socket.pause());
  const filters = [mirror('mute'), mirror('closed'), mirror('absent')];
  const port = await freePort();
  const words = {
    ports: { http: port },
    rules: [rule('PathPrefix', '/', ['b'], { filters })],
    backends: { b: [at(backend.port)], mute: [at(mute.port)], closed: [at(await freePort())] },
  };
  const table = tableOf(words);
  const { b } = table.backends;
  assert.ok(b);
  await startTestWorker(context, {
    ...table,
    backends: { ...table.backends, b: { ...b, appProtocol: 'kubernetes.io/h2c' } },
  });
  const session = connectHttp2(context, port);
  const body = Buffer.alloc(5_000_000);
  assert.equal((await ask(session, { ':method': 'POST', ':path': '/' }, body)).body, 'taken');
});

test('mirrors that never answer leave the connections to backends to the requests themselves', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const mute = await startBackend(context, () => undefined);
  const ports = { b: backend.port, mute: mute.port };
  const { port } = await startWith(context, [mirror('mute')], ports, { upstreams: 16 });
  const client = dial(context, port);
  for (let asked = 1; asked <= 40; asked++) {
    client.say('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
    await client.until(heard => heard.split('HTTP/1.1 200').length === asked + 1, `answer ${asked}`);
  }
  assert.ok(mute.sockets.length <= 2, `${mute.sockets.length} copies wait`);
});

test('a page of an allowed origin may ask, is told so before, and hears nothing of what the backend says of origins', async context => {
  const backend = await startPlainBackend(
    context,
    'hello',
    'Access-Control-Allow-Origin: https://evil.example',
  );
  const { port, proxy } = await startWith(context, [crossOrigin], { b: backend.port });
  const session = connectHttp2(context, port);
  const allowed = (headers: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-')));
  const preflight = async (origin: string) => {
    const asked = { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-token' };
    const { status, headers, body } = await ask(session, {
      ':method': 'OPTIONS',
      ':path': '/',
      origin,
      ...asked,
    });
    assert.deepEqual([status, body], [204, '']);
    return allowed(headers);
  };
  for (const origin of ['https://a.example', 'https://a.example:443', 'https://x.y.b.example:8443'])
    assert.deepEqual(await preflight(origin), {
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-allow-headers': 'x-token',
      'access-control-expose-headers': 'x-sum',
      'access-control-max-age': '60',
    });
  for (const origin of [
    'http://a.example',
    'https://a.example:8443',
    'https://b.example',
    'https://a.example.evil',
    'null',
  ])
    assert.deepEqual(await preflight(origin), {}, origin);
  assert.deepEqual(backend.heard, [], 'no backend is asked before');
  const plain = await ask(session, { ':path': '/' });
  assert.equal(plain.headers['vary'], 'origin', 'no cache gives it to those that say an origin');
  const get = async (origin: string) => allowed((await ask(session, { ':path': '/', origin })).headers);
  assert.deepEqual(await get('https://a.example'), {
    'access-control-allow-origin': 'https://a.example',
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'x-sum',
  });
  assert.deepEqual(await get('https://evil.example'), {});
  await eventually(() => proxy.log().filter(line => line['why'] === 'preflight').length === 8, 'the log');
});

test('without credentials everybody may ask for everything where the filter says so; with them it is said by name', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const open = {
    ...crossOrigin,
    allowOrigins: ['*'],
    allowMethods: ['*'],
    allowHeaders: ['*'],
    exposeHeaders: ['*'],
  };
  for (const [allowCredentials, origin, method, headers] of [
    [false, '*', '*', '*'],
    [true, 'https://any.example', 'PATCH', 'x-a, x-b'],
  ] as const) {
    const { port } = await startWith(context, [{ ...open, allowCredentials }], { b: backend.port });
    const { headers: said } = await ask(connectHttp2(context, port), {
      ':method': 'OPTIONS',
      ':path': '/',
      origin: 'https://any.example',
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'x-a, x-b',
    });
    assert.deepEqual(
      [
        said['access-control-allow-origin'],
        said['access-control-allow-methods'],
        said['access-control-allow-headers'],
      ],
      [origin, method, headers],
    );
  }
});
