import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, startBackend, startPlainBackend } from './gateway-backend.ts';
import { dial, eventually } from './gateway-client.ts';
import { at, prefix, reference, rule, tableOf } from './gateway-table.ts';
import { freePort, startProxyTo, startTestWorker } from './gateway-worker.ts';

const ends = (text: string) => (heard: string) => heard.endsWith(text);
const get = (path: string, ...fields: readonly string[]): string =>
  `${[`GET ${path} HTTP/1.1`, 'Host: a.example', ...fields].join('\r\n')}\r\n\r\n`;

test('a request reaches the backend with who asked, and without what was for the proxy alone', async context => {
  const backend = await startPlainBackend(
    context,
    'hello',
    'Keep-Alive: timeout=5',
    'Connection: keep-alive',
  );
  const { port, proxy } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(
    get(
      '/x?y',
      'Connection: keep-alive, x-secret',
      'X-Secret: 1',
      'TE: gzip',
      'X-Forwarded-For: 192.0.2.1',
      'X-Forwarded-Proto: https',
      'Proxy-Authorization: x',
      'X-Kept: Yes',
      'X-Request-Id: mine-1',
    ),
  );
  assert.equal(
    await client.until(ends('hello'), 'an answer'),
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  );
  assert.deepEqual(backend.heard[0]?.split('\r\n'), [
    'GET /x?y HTTP/1.1',
    'Host: a.example',
    'X-Kept: Yes',
    'x-forwarded-for: 192.0.2.1, 127.0.0.1',
    'x-forwarded-proto: http',
    'x-forwarded-host: a.example',
    'x-request-id: mine-1',
    '',
    '',
  ]);
  await eventually(() => proxy.log().length === 1, 'a line in the log');
  const [line] = proxy.log();
  assert.deepEqual(
    [
      line?.['id'],
      line?.['route'],
      line?.['field'],
      line?.['backend'],
      line?.['endpoint'],
      line?.['status'],
      line?.['why'],
      line?.['sent'],
    ],
    [
      'mine-1',
      'HTTPRoute/test/route',
      'spec.rules[0].matches[0]',
      'b',
      `127.0.0.1:${backend.port}`,
      200,
      '',
      5,
    ],
  );
});

test('requests that follow each other at once are answered in their order', async context => {
  const backend = await startBackend(context, (socket, heard) => {
    const asked = [...heard.matchAll(/^GET \/(\d) /gm)].at(-1)?.[1] ?? '';
    setTimeout(() => socket.write(answer(asked)), 10);
  });
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(get('/1') + get('/2') + get('/3'));
  const heard = await client.until(ends('3'), 'three answers');
  assert.deepEqual(
    [...heard.matchAll(/\r\n\r\n(\d)/g)].map(([, body]) => body),
    ['1', '2', '3'],
  );
  assert.equal(backend.sockets.length, 1, 'one connection carries them');
});

test('a chunked body is framed anew, and trailers that may pass do', async context => {
  const backend = await startBackend(context, (socket, heard) => {
    if (heard.includes('\r\n0\r\n')) socket.write(answer('ok'));
  });
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x="y"\r\nhello\r\n');
  client.say('6\r\n world\r\n0\r\nX-Sum: 11\r\nContent-Length: 3\r\nHost: b\r\n\r\n');
  await client.until(ends('ok'), 'an answer');
  const body = backend.heard[0]?.split('\r\n\r\n').slice(1).join('\r\n\r\n') ?? '';
  assert.doesNotMatch(backend.heard[0] ?? '', /x="y"/);
  assert.match(body, /0\r\nX-Sum: 11\r\n\r\n$/);
  assert.equal(
    [...body.matchAll(/^[0-9a-f]+\r\n([^\r]+)\r\n(?=[0-9a-f]+\r\n)/gm)].map(([, data]) => data).join(''),
    'hello world',
  );
});

const answers: readonly (readonly [
  words: string,
  asked: string,
  said: string,
  heard: RegExp,
  closes: boolean,
])[] = [
  [
    'HEAD has no body',
    'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
    /^HTTP\/1\.1 200 OK\r\nContent-Length: 5\r\n\r\n$/,
    false,
  ],
  [
    '204 has neither body nor length',
    get('/'),
    'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    /^HTTP\/1\.1 204 No Content\r\n\r\n$/,
    false,
  ],
  [
    '304 keeps its length',
    get('/'),
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
    /^HTTP\/1\.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n$/,
    false,
  ],
  [
    'chunks',
    get('/'),
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n',
    /chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n$/,
    false,
  ],
  [
    'chunks for HTTP/1.0',
    'GET / HTTP/1.0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    /^HTTP\/1\.1 200 OK\r\nconnection: close\r\n\r\nhello$/,
    true,
  ],
  [
    'HTTP/1.0 that stays',
    'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
    answer('hello'),
    /connection: keep-alive\r\n\r\nhello$/,
    false,
  ],
  [
    'a client that closes',
    get('/', 'Connection: close'),
    answer('hello'),
    /connection: close\r\n\r\nhello$/,
    true,
  ],
  [
    'what came before the answer',
    get('/'),
    `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${answer('hello')}`,
    /^HTTP\/1\.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP\/1\.1 200 OK\r\nContent-Length: 5\r\n\r\nhello$/,
    false,
  ],
];

for (const [words, asked, said, expected, closes] of answers) {
  test(`an answer comes as it is: ${words}`, async context => {
    const backend = await startBackend(context, socket => socket.write(said));
    const { port } = await startProxyTo(context, backend);
    const client = dial(context, port);
    client.say(asked);
    assert.match(await client.until(heard => expected.test(heard), String(expected)), expected);
    if (closes) await client.closed();
    else {
      client.heard = '';
      client.say(asked);
      await client.until(
        heard => expected.test(heard),
        `a second answer on the same connection, ${expected}`,
      );
    }
  });
}

test('a body that ends with its connection is chunked for the client', async context => {
  const backend = await startBackend(context, socket => void socket.end('HTTP/1.1 200 OK\r\n\r\nhello'));
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(get('/'));
  const heard = await client.until(ends('0\r\n\r\n'), 'the end of the chunks');
  assert.match(heard, /transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/);
});

test('100-continue goes to the backend, and its answer to the client', async context => {
  const backend = await startBackend(context, (socket, heard) => {
    if (heard.endsWith('hello')) socket.write(answer('ok'));
    else socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  });
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
  await client.until(ends('100 Continue\r\n\r\n'), 'leave to go on');
  client.say('hello');
  await client.until(ends('ok'), 'the answer');
});

test('an answer that comes before the request is over reaches the client, and the connection ends', async context => {
  const backend = await startBackend(
    context,
    socket => void socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno'),
  );
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1000)}`);
  assert.match(await client.until(ends('no'), 'the answer'), /connection: close/);
  await client.closed();
});

test('an upgraded connection carries octets both ways, and ends for both', async context => {
  const backend = await startBackend(context, (socket, heard) => {
    if (heard.endsWith('\r\n\r\n'))
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nfirst',
      );
    else socket.write('echo');
  });
  const { port, proxy } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(get('/', 'Connection: Upgrade', 'Upgrade: websocket'));
  assert.match(
    await client.until(ends('first'), 'the upgrade'),
    /^HTTP\/1\.1 101 .*connection: upgrade\r\nupgrade: websocket/s,
  );
  client.say('\x81\x02hi');
  await client.until(ends('echo'), 'an echo');
  assert.ok(backend.heard[0]?.endsWith('connection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x02hi'));
  proxy.take(tableOf({ ports: { http: port }, rules: [], backends: {} }));
  client.say('still');
  await eventually(
    () => backend.heard[0]?.endsWith('still') === true,
    'a change of the table leaves it alone',
  );
  backend.sockets[0]?.end();
  await client.closed();
});

for (const [what, field] of [
  ['names no protocol', ''],
  ['names one that nobody offered', 'Upgrade: tls\r\n'],
] as const)
  test(`a backend that changes the protocol and ${what} is not followed`, async context => {
    const backend = await startBackend(context, socket => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n${field}\r\nfirst`);
    });
    const { port } = await startProxyTo(context, backend);
    const client = dial(context, port);
    client.say(get('/', 'Connection: Upgrade', 'Upgrade: websocket'));
    assert.match(await client.until(heard => heard.includes('502 '), 'a refusal'), /^HTTP\/1\.1 502 /);
  });

test('an upgrade that the backend does not want is a request like any other; h2c is never asked for', async context => {
  const backend = await startPlainBackend(context, 'plain');
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(get('/', 'Connection: Upgrade', 'Upgrade: websocket'));
  await client.until(ends('plain'), 'the answer');
  client.heard = '';
  client.say(
    get('/', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'),
  );
  await client.until(ends('plain'), 'the answer');
  assert.doesNotMatch(backend.heard[0] ?? '', /h2c|http2-settings/i);
});

test('nothing that follows a refused request is read', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${get('/smuggled')}`,
  );
  await client.closed();
  assert.match(client.heard, /^HTTP\/1\.1 400 Bad Request\r\n.*connection: close/s);
  assert.deepEqual(backend.heard, []);
});

test('a body that breaks its framing is not taken for whole by the backend', async context => {
  const backend = await startBackend(context, () => undefined);
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  await eventually(() => backend.heard[0]?.includes('hello') === true, 'the first chunk');
  client.say('0x1\r\n');
  await client.until(heard => heard.startsWith('HTTP/1.1 400'), 'a refusal');
  await eventually(() => backend.sockets[0]?.destroyed === true, 'the end of the backend’s connection');
  assert.doesNotMatch(backend.heard[0] ?? '', /\r\n0\r\n/);
});

test('a second answer that nobody asked for is for nobody', async context => {
  const backend = await startBackend(context, (socket, heard) => {
    socket.write(heard.includes('/evil') ? answer('mine') + answer('poison') : answer('good'));
  });
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(get('/evil') + get('/next'));
  const heard = await client.until(ends('good'), 'the answer to the second request');
  assert.doesNotMatch(heard, /poison/);
});

test('an answer that is malformed is a 502', async context => {
  const backend = await startBackend(
    context,
    socket => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'),
  );
  const { port, proxy } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(get('/'));
  await client.until(heard => heard.startsWith('HTTP/1.1 502'), 'a 502');
  await eventually(() => proxy.log()[0]?.['why'] === 'upstream-invalid', 'the reason in the log');
});

test('without a route 404, without a valid backend 500, without an endpoint 503; the share of each by its weight', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  await startTestWorker(
    context,
    tableOf({
      ports: { http: port },
      rules: [
        prefix('/none', 'empty'),
        rule('PathPrefix', '/invalid', [reference(undefined)]),
        rule('PathPrefix', '/zero', [reference('b', 0)]),
        rule('PathPrefix', '/split', [reference('b', 1), reference(undefined, 3), reference('empty', 0)]),
      ],
      backends: { b: [at(backend.port)], empty: [] },
    }),
  );
  const client = dial(context, port);
  const status = async (path: string): Promise<string> => {
    client.heard = '';
    client.say(get(path));
    const heard = await client.until(text => /\r\n\r\n./.test(text), 'an answer');
    return heard.slice(9, 12);
  };
  assert.equal(await status('/'), '404');
  assert.equal(await status('/none'), '503');
  assert.equal(await status('/invalid'), '500');
  assert.equal(await status('/zero'), '500');
  const counts = { '200': 0, '500': 0 };
  for (let index = 0; index < 400; index++) counts[(await status('/split')) as '200' | '500']++;
  assert.ok(counts['200'] > 60 && counts['200'] < 140, `a quarter of 400, not ${counts['200']}`);
});

test('filters change what the backend and the client see', async context => {
  const backend = await startPlainBackend(context, 'hello', 'X-Server: a', 'X-Old: b');
  const port = await freePort();
  const change = (words: { set?: [string, string][]; add?: [string, string][]; remove?: string[] }) => ({
    set: (words.set ?? []).map(([name, value]) => ({ name, value })),
    add: (words.add ?? []).map(([name, value]) => ({ name, value })),
    remove: words.remove ?? [],
  });
  await startTestWorker(
    context,
    tableOf({
      ports: { http: port },
      rules: [
        rule('PathPrefix', '/old', ['b'], {
          filters: [
            {
              type: 'URLRewrite',
              hostname: 'b.example',
              path: { type: 'ReplacePrefixMatch', value: '/new' },
            },
            {
              type: 'RequestHeaderModifier',
              change: change({ set: [['X-Set', '1']], add: [['X-Add', '2']], remove: ['x-gone'] }),
            },
            {
              type: 'ResponseHeaderModifier',
              change: change({ set: [['X-Server', 'z']], remove: ['x-old'] }),
            },
          ],
        }),
        rule('PathPrefix', '/move', [], {
          filters: [
            {
              type: 'RequestRedirect',
              scheme: 'https',
              hostname: 'c.example',
              path: { type: 'ReplaceFullPath', value: '/there' },
              statusCode: 302,
            },
          ],
        }),
      ],
      backends: { b: [at(backend.port)] },
    }),
  );
  const client = dial(context, port);
  client.say(get('/old/x?q=1', 'X-Set: 0', 'X-Gone: 1', 'X-Add: 1'));
  const heard = await client.until(ends('hello'), 'the answer');
  assert.match(heard, /X-Server: z\r\n/);
  assert.doesNotMatch(heard, /X-Old|X-Server: a/);
  const asked = backend.heard[0] ?? '';
  assert.match(asked, /^GET \/new\/x\?q=1 HTTP\/1\.1\r\nhost: b\.example\r\n/);
  assert.match(asked, /X-Set: 1\r\n/);
  assert.match(asked, /x-add: 1,2\r\n/);
  assert.doesNotMatch(asked, /X-Gone|X-Set: 0/);
  assert.match(asked, /x-forwarded-host: a\.example\r\n/);
  client.heard = '';
  client.say(get('/move/x?q=1'));
  assert.match(
    await client.until(text => text.includes('\r\n\r\n'), 'a redirect'),
    /^HTTP\/1\.1 302 Found\r\n.*location: https:\/\/c\.example\/there\?q=1\r\n/s,
  );
});

test('a path is routed and sent on in its normal form', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  await startTestWorker(
    context,
    tableOf({ ports: { http: port }, rules: [prefix('/open', 'b')], backends: { b: [at(backend.port)] } }),
  );
  const client = dial(context, port);
  client.say(get('/open/../secret'));
  await client.until(heard => heard.startsWith('HTTP/1.1 404'), 'no way around the prefix');
  client.heard = '';
  client.say(get('/open/%2e%2E/secret'));
  await client.until(heard => heard.startsWith('HTTP/1.1 404'), 'nor with escapes');
  client.heard = '';
  client.say(get('/x/../%6Fpen/%2f?/../y'));
  await client.until(ends('hello'), 'an answer');
  assert.match(backend.heard[0] ?? '', /^GET \/open\/%2F\?\/\.\.\/y HTTP/);
});

test('an absolute target has to agree with Host and scheme', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const { port } = await startProxyTo(context, backend);
  for (const [target, expected] of [
    ['http://a.example/x', '200'],
    ['http://b.example/x', '400'],
    ['https://a.example/x', '400'],
    ['ftp://a.example/x', '400'],
    ['a.example:80', '400'],
    ['*', '400'],
  ]) {
    const client = dial(context, port);
    client.say(get(target ?? ''));
    await client.until(heard => heard.startsWith(`HTTP/1.1 ${expected}`), `${expected} for ${target}`);
  }
  assert.match(backend.heard[0] ?? '', /^GET \/x HTTP\/1\.1\r\nHost: a\.example\r\n/);
});
