import assert from 'node:assert/strict';
import type { ServerHttp2Stream } from 'node:http2';
import { type TestContext, test } from 'node:test';
import type { RouteTable, TableExternalAuth } from '../../src/gateway/table.ts';
import { answer, type Backend, startBackend } from './gateway-backend.ts';
import { dial, eventually } from './gateway-client.ts';
import { ask, connectHttp2, startHttp2Backend } from './gateway-http2.ts';
import { at, rule, tableOf } from './gateway-table.ts';
import { freePort, startTestWorker } from './gateway-worker.ts';

const http: TableExternalAuth = {
  type: 'ExternalAuth',
  protocol: 'HTTP',
  backend: 'auth',
  bodySize: 0,
  pathPrefix: '/check',
  allowedHeaders: ['x-asked'],
  allowedResponseHeaders: ['x-user'],
};

function guarded(
  port: number,
  backend: number,
  auth: number,
  filter: Partial<TableExternalAuth> = {},
): RouteTable {
  return tableOf({
    ports: { http: port },
    rules: [rule('PathPrefix', '/', ['b'], { filters: [{ ...http, ...filter }] })],
    backends: { b: [at(backend)], auth: [at(auth)], empty: [] },
  });
}

/** Says yes or no as the path wants it, once all of a body is there. */
function startJudge(context: TestContext): Promise<Backend> {
  const done = new Map<number, number>();
  return startBackend(context, (socket, heard, connection) => {
    const [head = '', body = ''] = heard.slice(done.get(connection) ?? 0).split('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (body.length < length) return;
    done.set(connection, heard.length);
    if (head.includes('/yes')) socket.write(answer('', 'X-User: alice', 'X-Other: 1'));
    else if (head.includes('/login'))
      socket.write('HTTP/1.1 302 Found\r\nLocation: /sign-in\r\nContent-Length: 0\r\n\r\n');
    else if (head.includes('/no'))
      socket.write(
        'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 4\r\n\r\nnope',
      );
    else if (head.includes('/trouble')) socket.write('HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n');
    else if (head.includes('/created')) socket.write('HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n');
    else if (head.includes('/long'))
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n${'x'.repeat(100_000)}`);
    else if (head.includes('/closed')) socket.destroy();
  });
}

const echo = (context: TestContext): Promise<Backend> => {
  const done = new Map<number, number>();
  return startBackend(context, (socket, heard, connection) => {
    const request = heard.slice(done.get(connection) ?? 0);
    const length = Number(/content-length: (\d+)/i.exec(request)?.[1] ?? 0);
    const end = request.indexOf('\r\n\r\n') + 4;
    const isChunked = /transfer-encoding/i.test(request) && !request.endsWith('0\r\n\r\n');
    if (end < 4 || request.length < end + length || isChunked) return;
    done.set(connection, heard.length);
    socket.write(answer(request));
  });
};

async function say(
  context: TestContext,
  port: number,
  text: string,
): Promise<{ status: string; all: string }> {
  const client = dial(context, port);
  client.say(text);
  await client.closed();
  return { status: client.heard.split(' ')[1] ?? '', all: client.heard };
}

const get = (path: string, ...lines: readonly string[]): string =>
  ['GET ' + path + ' HTTP/1.1', 'Host: a.example', 'Connection: close', ...lines, '', ''].join('\r\n');

test('only what somebody says yes to reaches the backend, with what was said of it', async context => {
  const [backend, judge] = [await echo(context), await startJudge(context)];
  const port = await freePort();
  const proxy = await startTestWorker(context, guarded(port, backend.port, judge.port));
  const { status, all } = await say(
    context,
    port,
    get('/yes?a=b', 'Authorization: me', 'X-Asked: 1', 'X-Secret: 2', 'X-User: mallory'),
  );
  assert.equal(status, '200', all);
  assert.match(all, /x-user: alice/);
  assert.doesNotMatch(all, /mallory|x-other/i);
  assert.match(all, /Authorization: me[\s\S]*X-Secret: 2/);
  const [asked = ''] = judge.heard;
  assert.match(asked, /^GET \/check\/yes\?a=b HTTP\/1\.1\r\n/);
  assert.deepEqual(
    asked
      .split('\r\n')
      .slice(1, -2)
      .map(line => line.toLowerCase())
      .toSorted(),
    ['authorization: me', 'content-length: 0', 'host: a.example', 'x-asked: 1'],
  );
  const before = backend.heard.join('');
  const cases = [
    ['/no', '401', /www-authenticate: Basic[\s\S]*nope$/i],
    ['/login', '302', /location: \/sign-in/i],
    ['/trouble', '403', /nobody could say/],
    ['/created', '403', /nobody could say/],
    ['/long', '403', /nobody could say/],
    ['/closed', '403', /nobody could say/],
  ] as const;
  for (const [path, expected, words] of cases) {
    const refused = await say(context, port, get(path, 'X-User: mallory'));
    assert.equal(refused.status, expected, path);
    assert.match(refused.all, words);
  }
  const impatient = await freePort();
  const other = guarded(impatient, backend.port, judge.port);
  await startTestWorker(context, other, { externalAuth: 300 });
  assert.equal((await say(context, impatient, get('/mute'))).status, '403');
  for (const [filter, expected] of [
    [{ backend: 'empty' }, '403'],
    [{ backend: 'missing' }, '500'],
  ] as const) {
    proxy.take(guarded(port, backend.port, judge.port, filter));
    assert.equal((await say(context, port, get('/yes'))).status, expected);
  }
  assert.equal(backend.heard.join(''), before, 'the backend hears nothing of it');
  await eventually(() => proxy.log().length === 3 + cases.length, 'the log');
  assert.deepEqual(
    proxy.log().map(line => line['why']),
    ['', 'denied', 'denied', ...Array.from({ length: 5 }, () => 'auth-failed'), 'invalid-backend'],
  );
});

test('a body goes on after a yes: unseen, or seen as far as is wanted', async context => {
  const [backend, judge] = [await echo(context), await startJudge(context)];
  const port = await freePort();
  const proxy = await startTestWorker(context, guarded(port, backend.port, judge.port));
  const post = (body: string, line = `Content-Length: ${body.length}`) =>
    `POST /yes HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n${line}\r\n\r\n${body}`;
  const big = 'x'.repeat(200_000);
  const chunked = post('5\r\nhello\r\n0\r\n\r\n', 'Transfer-Encoding: chunked');
  for (const text of [post('hello'), post(big), chunked]) {
    const { status, all } = await say(context, port, text);
    assert.equal(status, '200');
    assert.ok(all.includes(text === post(big) ? big : 'hello'));
  }
  assert.doesNotMatch(judge.heard.join(''), /hello|xxx/, 'a body that nobody asked for is not shown');
  proxy.take(guarded(port, backend.port, judge.port, { bodySize: 1000 }));
  for (const text of [post('hello'), chunked]) {
    const { status, all } = await say(context, port, text);
    assert.equal(status, '200');
    assert.ok(all.includes('hello'));
    assert.ok(
      judge.heard.some(heard => heard.endsWith('content-length: 5\r\n\r\nhello')),
      judge.heard.join(''),
    );
  }
  const before = backend.heard.join('');
  const long = await say(context, port, post('x'.repeat(1001)));
  assert.equal(long.status, '413');
  assert.equal(backend.heard.join(''), before, 'the backend hears nothing of it');
  const session = connectHttp2(context, port);
  const seen = await ask(session, { ':method': 'POST', ':path': '/yes' }, 'hello');
  assert.ok(seen.status === 200 && seen.body.includes('hello'), seen.body);
  assert.equal((await ask(session, { ':method': 'POST', ':path': '/no' }, 'hello')).status, 401);
});

test('a copy for a mirror has the body that somebody looked at first', async context => {
  const [backend, judge, mirror] = [await echo(context), await startJudge(context), await echo(context)];
  const port = await freePort();
  const mirroring = { type: 'RequestMirror', backend: 'mirror', share: 1 } as const;
  const table = tableOf({
    ports: { http: port },
    rules: [rule('PathPrefix', '/', ['b'], { filters: [{ ...http, bodySize: 1000 }, mirroring] })],
    backends: { b: [at(backend.port)], auth: [at(judge.port)], mirror: [at(mirror.port)] },
  });
  await startTestWorker(context, table);
  const client = dial(context, port);
  const post = 'POST /yes HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n';
  for (const [body, end] of [
    ['5\r\nhello\r\n0\r\n\r\n', /\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/],
    ['0\r\n\r\n', /chunked\r\n\r\n0\r\n\r\n$/],
  ] as const) {
    client.say(post + body);
    await eventually(() => end.test(mirror.heard.join('')), 'the copy is whole');
  }
  client.say('POST /no HTTP/1.1\r\nHost: a.example\r\nContent-Length: 6\r\n\r\n');
  client.say('secret');
  await client.until(heard => heard.includes('nope'), 'a no');
  assert.doesNotMatch(mirror.heard.join(''), /secret/);
});

test('who is asked hears of the client what its backend will hear, and not what the client makes up', async context => {
  const [backend, judge] = [await echo(context), await startJudge(context)];
  const port = await freePort();
  const names = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real', 'forwarded'];
  const filter = { allowedHeaders: names };
  await startTestWorker(context, guarded(port, backend.port, judge.port, filter));
  await say(
    context,
    port,
    get(
      '/yes',
      'X-Forwarded-For: 10.0.0.1',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: admin.example',
      'Forwarded: for=10.0.0.1',
      'X-Real: no',
      'Connection: X-Real',
    ),
  );
  const [asked = ''] = judge.heard;
  assert.match(asked, /x-forwarded-for: 10\.0\.0\.1, 127\.0\.0\.1\r\n/);
  assert.match(asked, /x-forwarded-proto: http\r\n/);
  assert.match(asked, /x-forwarded-host: a\.example\r\n/);
  assert.doesNotMatch(asked, /admin\.example|for=|x-real/i);
});

/** A CheckResponse: fine, with `x-user: alice` for the request; or denied with 401. */
const yes = Buffer.from('1a13 1211 0a0f 0a06 782d75736572 1205 616c696365'.replaceAll(' ', ''), 'hex');
const no = Buffer.from('0a02 0807 1205 0a03 089103'.replaceAll(' ', ''), 'hex');

function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

test('a service of gRPC is asked by Check, and everything but its clear yes is a no', async context => {
  const backend = await echo(context);
  const asked: Buffer[] = [];
  const judge = await startHttp2Backend(context, (stream: ServerHttp2Stream, headers) => {
    assert.equal(headers[':path'], '/envoy.service.auth.v3.Authorization/Check');
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('end', () => {
      const message = Buffer.concat(pieces);
      asked.push(message);
      const end = (status: string, body: Buffer) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
        stream.end(body);
      };
      if (message.includes('/yes')) end('0', framed(yes));
      else if (message.includes('/no')) end('0', framed(no));
      else if (message.includes('/status')) end('14', framed(yes));
      else if (message.includes('/empty')) end('0', Buffer.alloc(0));
      else if (message.includes('/cut')) end('0', framed(yes).subarray(0, 9));
      else
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' },
          { endStream: true },
        );
    });
  });
  const port = await freePort();
  const filter = { protocol: 'GRPC', allowedHeaders: [], bodySize: 100 } as const;
  await startTestWorker(context, guarded(port, backend.port, judge.port, filter));
  const { status, all } = await say(context, port, get('/yes?a=b', 'X-Secret: 2'));
  assert.equal(status, '200');
  assert.match(all, /x-user: alice/);
  for (const word of ['/yes?a=b', 'x-secret', 'a.example', '127.0.0.1', 'GET'])
    assert.ok(asked[0]?.includes(word), word);
  for (const [path, expected] of [
    ['/no', '401'],
    ['/status', '403'],
    ['/empty', '403'],
    ['/cut', '403'],
    ['/unknown', '403'],
  ] as const)
    assert.equal((await say(context, port, get(path))).status, expected, path);
  const own = await ask(connectHttp2(context, port), { ':method': 'POST', ':path': '/yes' }, 'hello');
  assert.ok(own.status === 200 && asked.at(-1)?.includes('hello'));
});

test('a page of another origin may read that it was refused', async context => {
  const [backend, judge] = [await echo(context), await startJudge(context)];
  const port = await freePort();
  const table = guarded(port, backend.port, judge.port);
  const cors = {
    type: 'CORS',
    allowOrigins: ['https://page.example'],
    allowMethods: ['GET'],
    allowHeaders: [],
    exposeHeaders: [],
    allowCredentials: false,
    maxAge: 5,
  } as const;
  const rules = [rule('PathPrefix', '/', ['b'], { filters: [http, cors] })];
  await startTestWorker(context, {
    ...table,
    hosts: { 'http *': { listener: 'http', hostname: '*', rules } },
  });
  const { status, all } = await say(context, port, get('/no', 'Origin: https://page.example'));
  assert.equal(status, '401');
  assert.match(all, /access-control-allow-origin: https:\/\/page\.example/);
  assert.doesNotMatch(all, /Allow-Origin: \*/, 'a browser takes no answer with two');
  const preflight = get('/no', 'Origin: https://page.example', 'Access-Control-Request-Method: GET');
  const before = judge.heard.length;
  assert.equal((await say(context, port, preflight.replace('GET', 'OPTIONS'))).status, '204');
  assert.equal(judge.heard.length, before, 'a preflight carries nothing that could be judged');
});

test('a client that leaves takes its question back', async context => {
  const [backend, judge] = [await echo(context), await startJudge(context)];
  const port = await freePort();
  const proxy = await startTestWorker(context, guarded(port, backend.port, judge.port));
  const client = dial(context, port);
  client.say(get('/mute'));
  await eventually(() => judge.heard.length === 1, 'somebody is asked');
  client.socket.destroy();
  await eventually(() => judge.sockets[0]?.destroyed === true, 'nobody waits for the answer');
  await eventually(() => proxy.log().length === 1, 'a line of the log');
  assert.equal(proxy.log()[0]?.['why'], 'client-closed');
});
