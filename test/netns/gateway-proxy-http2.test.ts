import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2Tls } from 'node:http2';
import { test } from 'node:test';
import { makeCertificate } from '../../src/gateway/testing/certificate.ts';
import type { RouteTable } from '../../src/gateway/table.ts';
import { answer, startBackend, startPlainBackend } from './gateway-backend.ts';
import { dial, eventually, standsStill } from './gateway-client.ts';
import { ask, connectHttp2, frameText, number32, startHttp2Backend } from './gateway-http2.ts';
import { at, prefix, provenance, rule, tableOf } from './gateway-table.ts';
import { freePort, startProxyTo, startTestWorker } from './gateway-worker.ts';

/** The table with its backend behind a port of the protocol h2c. */
function overHttp2(table: RouteTable): RouteTable {
  const backends = Object.entries(table.backends).map(([key, backend]) => [
    key,
    { ...backend, appProtocol: 'kubernetes.io/h2c' },
  ]);
  return { ...table, backends: Object.fromEntries(backends) as RouteTable['backends'] };
}

/** The table with all rules those of a GRPCRoute. */
function asGrpc(table: RouteTable): RouteTable {
  const hosts = Object.entries(table.hosts).map(([key, host]) => [
    key,
    { ...host, rules: host.rules.map(one => ({ ...one, protocol: 'grpc' as const })) },
  ]);
  return { ...table, hosts: Object.fromEntries(hosts) as RouteTable['hosts'] };
}

async function startProxyToHttp2(
  context: Parameters<typeof startTestWorker>[0],
  backend: { readonly port: number },
  change: (table: RouteTable) => RouteTable = overHttp2,
) {
  const port = await freePort();
  const words = { ports: { http: port }, rules: [prefix('/', 'b')], backends: { b: [at(backend.port)] } };
  return { port, proxy: await startTestWorker(context, change(tableOf(words))) };
}

test('a client that begins with HTTP/2 in clear is served beside those of HTTP/1', async context => {
  const backend = await startPlainBackend(
    context,
    'hello',
    'X-Upper: Yes',
    'Connection: x-secret',
    'X-Secret: 1',
  );
  const { port, proxy } = await startProxyTo(context, backend);
  const { status, headers, body } = await ask(connectHttp2(context, port), {
    ':path': '/x?y',
    cookie: ['a=1', 'b=2'],
    'x-forwarded-for': '192.0.2.1',
    'x-request-id': 'mine-1',
  });
  assert.deepEqual([status, body, headers['x-upper'], headers['x-secret']], [200, 'hello', 'Yes', undefined]);
  assert.deepEqual(backend.heard[0]?.split('\r\n'), [
    'GET /x?y HTTP/1.1',
    'host: a.example',
    'cookie: a=1; b=2',
    'x-forwarded-for: 192.0.2.1, 127.0.0.1',
    'x-forwarded-proto: http',
    'x-forwarded-host: a.example',
    'x-request-id: mine-1',
    '',
    '',
  ]);
  const old = dial(context, port);
  // Octet by octet up to where it could still be HTTP/2.
  old.say('P');
  await standsStill(() => old.heard);
  old.say('UT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n');
  await old.until(heard => heard.endsWith('hello'), 'an answer in HTTP/1');
  await eventually(() => proxy.log().length === 2, 'two lines in the log');
  assert.deepEqual(
    proxy.log().map(line => [line['protocol'], line['status'], line['why']]),
    [
      ['HTTP/2.0', 200, ''],
      ['HTTP/1.1', 200, ''],
    ],
  );
});

test('TLS clients choose HTTP/2 by ALPN, and are misdirected by an authority of another listener', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const { certificate: chain, key } = makeCertificate('a.example');
  const rules = [prefix('/', 'b')];
  const table = tableOf({
    httpsPorts: { a: port, b: port },
    certificate: { chain, key, provenance: provenance('Secret', 's', 'data') },
    rules,
    backends: { b: [at(backend.port)] },
  });
  const { a, b } = table.listeners;
  assert.ok(a !== undefined && b !== undefined);
  const listeners = { a: { ...a, hostname: 'a.example' }, b: { ...b, hostname: 'b.example' } };
  const hosts = {
    'a a.example': { listener: 'a', hostname: 'a.example', rules },
    'b b.example': { listener: 'b', hostname: 'b.example', rules },
  };
  await startTestWorker(context, { ...table, listeners, hosts });
  const options = { servername: 'a.example', rejectUnauthorized: false };
  const session = connectHttp2Tls(`https://127.0.0.1:${port}`, options);
  context.after(() => session.destroy());
  await once(session, 'connect');
  assert.equal(session.alpnProtocol, 'h2');
  assert.equal((await ask(session, { ':path': '/' })).body, 'hello');
  assert.equal((await ask(session, { ':path': '/', ':authority': 'b.example' })).status, 421);
  assert.equal((await ask(session, { ':path': '/' })).status, 200, 'the connection goes on');
});

for (const [name, change] of [
  ['HTTP/1', (table: RouteTable) => table],
  ['HTTP/2', overHttp2],
] as const) {
  test(`bodies of many streams go both ways at once, toward backends of ${name}`, async context => {
    const body = Buffer.alloc(700_000, 'ghijklmnop');
    const backend =
      name === 'HTTP/2'
        ? await startHttp2Backend(context, stream => {
            stream.respond({ ':status': 200 });
            stream.pipe(stream);
          })
        : await startBackend(context, (socket, heard) => {
            // The whole request is here with the last chunk; what came is said back.
            if (!heard.endsWith('0\r\n\r\n')) return;
            const came = heard.slice(heard.indexOf('\r\n\r\n') + 4).replaceAll(/[0-9a-f]+\r\n|\r\n/g, '');
            socket.write(answer(came));
          });
    const { port, proxy } = await startProxyToHttp2(context, backend, change);
    const session = connectHttp2(context, port);
    const asked = await Promise.all(
      Array.from({ length: 8 }, () => ask(session, { ':method': 'POST', ':path': '/' }, body)),
    );
    for (const { status, body: came } of asked) {
      assert.equal(status, 200);
      assert.equal(came.length, body.length);
      assert.equal(came, body.toString(), 'the octets are those that were sent, in their order');
    }
    await eventually(() => proxy.log().length === 8, 'a line for each request');
    assert.ok(proxy.log().every(line => line['received'] === body.length && line['sent'] === body.length));
  });
}
test('streams to one endpoint share a connection', async context => {
  const backend = await startHttp2Backend(context, stream => {
    stream.respond({ ':status': 200 });
    stream.end('hello');
  });
  const { port } = await startProxyToHttp2(context, backend);
  const session = connectHttp2(context, port);
  for (let round = 0; round < 3; round++) {
    const asked = await Promise.all(Array.from({ length: 20 }, () => ask(session, { ':path': '/' })));
    assert.ok(asked.every(({ body }) => body === 'hello'));
  }
  assert.equal(backend.sockets.length, 1);
});

test('a client of HTTP/1 gets the whole answer of a backend of HTTP/2, and its trailers', async context => {
  const backend = await startHttp2Backend(context, (stream, headers) => {
    const asked = headers[':path'];
    if (asked === '/empty')
      stream.respond({ ':status': 200, 'x-authority': headers[':authority'] }, { endStream: true });
    else {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '5' }));
      stream.end('hello');
    }
  });
  const { port } = await startProxyToHttp2(context, backend);
  const client = dial(context, port);
  client.say('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
  const first = await client.until(heard => heard.endsWith('x-sum: 5\r\n\r\n'), 'the trailers');
  assert.match(first, /^HTTP\/1.1 200 OK\r\n/);
  assert.match(first, /transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 5\r\n\r\n$/);
  client.say('GET /empty HTTP/1.1\r\nHost: a.example\r\n\r\n');
  const second = await client.until(heard => heard.includes('content-length: 0'), 'a length of nothing');
  assert.match(second, /x-authority: a.example/);
});

test('a call of gRPC passes in both directions while it goes on, with its trailers', async context => {
  const backend = await startHttp2Backend(context, (stream, headers) => {
    assert.equal(headers['te'], 'trailers');
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }));
    stream.on('data', (piece: Buffer) => stream.write(`<${piece.toString()}>`));
    stream.on('end', () => stream.end());
  });
  const { port } = await startProxyToHttp2(context, backend, asGrpc);
  const stream = connectHttp2(context, port).request(
    {
      ':method': 'POST',
      ':path': '/shop.Cart/Add',
      ':authority': 'a.example',
      'content-type': 'application/grpc',
      te: 'trailers',
    },
    { endStream: false },
  );
  stream.setEncoding('utf8');
  for (const word of ['one', 'two', 'three']) {
    stream.write(word);
    // Each message is answered before the next one is sent.
    const [said] = (await once(stream, 'data')) as [string];
    assert.equal(said, `<${word}>`);
  }
  stream.end();
  const [trailers] = (await once(stream, 'trailers')) as [Record<string, string>];
  assert.deepEqual([trailers['grpc-status'], trailers['grpc-message']], ['0', 'fine']);
});

test('what the proxy answers a client of gRPC itself is a status of gRPC', async context => {
  const port = await freePort();
  const table = (more: Partial<Parameters<typeof tableOf>[0]>) =>
    asGrpc(tableOf({ ports: { http: port }, rules: [], backends: {}, ...more }));
  const closed = await freePort();
  const proxy = await startTestWorker(context, table({}));
  const call = async () => {
    const { status, headers } = await ask(
      connectHttp2(context, port),
      { ':method': 'POST', ':path': '/a.B/C', 'content-type': 'application/grpc+proto', te: 'trailers' },
      '',
    );
    return [status, headers['content-type'], headers['grpc-status']];
  };
  const is = (code: string) => [200, 'application/grpc', code];
  assert.deepEqual(await call(), is('12'), 'UNIMPLEMENTED where no route matches');
  proxy.take(table({ rules: [rule('PathPrefix', '/', [])] }));
  assert.deepEqual(await call(), is('14'), 'UNAVAILABLE where the route leads nowhere');
  proxy.take(table({ rules: [prefix('/', 'b')], backends: { b: [] } }));
  assert.deepEqual(await call(), is('14'), 'UNAVAILABLE where nobody is ready');
  proxy.take(table({ rules: [prefix('/', 'b')], backends: { b: [at(closed)] } }));
  assert.deepEqual(await call(), is('14'), 'UNAVAILABLE where nobody listens');
  const mute = await startHttp2Backend(context, () => undefined);
  const slow = rule('PathPrefix', '/', ['b'], { timeouts: { request: 100 } });
  proxy.take(table({ rules: [slow], backends: { b: [at(mute.port)] } }));
  assert.deepEqual(await call(), is('4'), 'DEADLINE_EXCEEDED after the route’s time');
});

test('a slow reader of one stream holds up neither the others nor the backend’s memory', async context => {
  let poured = 0;
  const backend = await startHttp2Backend(context, (stream, headers) => {
    stream.respond({ ':status': 200 });
    if (headers[':path'] === '/small') {
      stream.end('hello');
      return;
    }
    const piece = Buffer.alloc(16_384);
    const more = () => {
      while (!stream.destroyed && stream.write(piece)) poured += piece.length;
      poured += piece.length;
    };
    stream.on('drain', more);
    more();
  });
  const { port } = await startProxyToHttp2(context, backend);
  const session = connectHttp2(context, port);
  const slow = session.request({ ':path': '/', ':authority': 'a.example' });
  slow.pause();
  slow.on('error', () => undefined);
  await once(slow, 'response');
  await standsStill(() => poured > 0 && poured);
  assert.ok(poured < 2_000_000, `${poured} octets lie between the backend and a client that reads none`);
  assert.equal((await ask(session, { ':path': '/small' })).body, 'hello');
});

test('many slow readers of a backend’s one connection do not hold up the others', async context => {
  let poured = 0;
  const slowReaders = 40;
  const backend = await startHttp2Backend(context, (stream, headers) => {
    stream.respond({ ':status': 200 });
    if (headers[':path'] === '/small') {
      stream.end('hello');
      return;
    }
    const piece = Buffer.alloc(16_384);
    const more = () => {
      while (!stream.destroyed && stream.write(piece)) poured += piece.length;
      poured += piece.length;
    };
    stream.on('drain', more);
    more();
  });
  const { port } = await startProxyToHttp2(context, backend);
  const session = connectHttp2(context, port);
  for (let count = 0; count < slowReaders; count++) {
    const slow = session.request({ ':path': '/', ':authority': 'a.example' });
    slow.pause();
    slow.on('error', () => undefined);
    await once(slow, 'response');
  }
  await standsStill(() => poured > 0 && poured);
  assert.equal((await ask(connectHttp2(context, port), { ':path': '/small' })).body, 'hello');
  assert.equal(backend.sockets.length, 1, 'on the same connection');
  assert.ok(
    poured < slowReaders * 600_000,
    `${poured} octets lie between the backend and clients that read none`,
  );
});

test('a request that an endpoint has not looked at goes to a new connection', async context => {
  let connections = 0;
  const backend = await startBackend(context, (socket, heard, connection) => {
    if (heard.length < 60 || socket.writableEnded) return;
    connections = connection + 1;
    // The first one says that it ends, and has taken no stream; the second one says 204.
    if (connection === 0)
      socket.end(frameText(4, 0, 0) + frameText(7, 0, 0, number32(0) + number32(0)), 'latin1');
    else socket.end(frameText(4, 0, 0) + frameText(1, 5, 1, '\x89'), 'latin1');
  });
  const { port } = await startProxyToHttp2(context, backend);
  const { status } = await ask(connectHttp2(context, port), { ':method': 'POST', ':path': '/' });
  assert.deepEqual([status, connections], [204, 2]);
});

test('a client’s cancellation reaches the backend, and its connection goes on', async context => {
  let cancelled = 0;
  const backend = await startHttp2Backend(context, (stream, headers) => {
    stream.on('close', () => (cancelled += Number(stream.rstCode === 8)));
    stream.respond({ ':status': 200 });
    if (headers[':path'] === '/') stream.write('begun');
    else stream.end('whole');
  });
  const { port } = await startProxyToHttp2(context, backend);
  const session = connectHttp2(context, port);
  const stream = session.request({ ':path': '/', ':authority': 'a.example' });
  stream.on('error', () => undefined);
  await once(stream, 'data');
  stream.close(8);
  await eventually(() => cancelled === 1, 'the backend hears of it');
  assert.equal((await ask(session, { ':path': '/again' })).body, 'whole');
  assert.equal(backend.sockets.length, 1);
});

test('a worker that ends lets what is under way end, and says so first', async context => {
  const backend = await startHttp2Backend(context, stream => {
    stream.respond({ ':status': 200 });
    stream.on('data', () => undefined);
    stream.on('end', () => stream.end('late'));
  });
  const { port, proxy } = await startProxyToHttp2(context, backend);
  const session = connectHttp2(context, port);
  const codes: number[] = [];
  session.on('goaway', code => codes.push(code));
  const stream = session.request({ ':method': 'POST', ':path': '/', ':authority': 'a.example' });
  stream.write('begun');
  await once(stream, 'response');
  const stopped = proxy.worker.stop(20_000);
  await eventually(() => codes.length > 0, 'GOAWAY');
  stream.setEncoding('utf8');
  stream.end();
  const [body] = (await once(stream, 'data')) as [string];
  assert.equal(body, 'late');
  await stopped;
  assert.deepEqual([...new Set(codes)], [0]);
});

test('a backend that says 1xx without end is not listened to for ever', async context => {
  const backend = await startHttp2Backend(context, stream => {
    for (let index = 0; index < 3000; index++) stream.additionalHeaders({ ':status': 103 });
  });
  const port = await freePort();
  const words = { rules: [prefix('/', 'b')], backends: { b: [at(backend.port)] } };
  await startTestWorker(context, overHttp2(tableOf({ ...words, ports: { http: port } })));
  assert.equal((await ask(connectHttp2(context, port), { ':path': '/' })).status, 502);
});
