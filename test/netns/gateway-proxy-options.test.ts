import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { proxyHeader } from '../../src/gateway/proxy/proxy-protocol.ts';
import { makeCertificate } from '../../src/gateway/testing/certificate.ts';
import type { RouteTable, TableOptions } from '../../src/gateway/table.ts';
import { answer, startBackend, startPlainBackend } from './gateway-backend.ts';
import { dial, eventually } from './gateway-client.ts';
import { ask, connectHttp2 } from './gateway-http2.ts';
import { at, prefix, provenance, tableOf } from './gateway-table.ts';
import { freePort, startTestWorker } from './gateway-worker.ts';

function optionsTable(
  port: number,
  backends: readonly number[],
  options: TableOptions,
  protocol: 'HTTP' | 'HTTPS' | 'TLS' = 'HTTP',
): RouteTable {
  const { certificate: chain, key } = makeCertificate('a.example');
  const table = tableOf({
    httpsPorts: { own: port },
    rules: [prefix('/', 'b')],
    backends: { b: backends.map(backend => at(backend)) },
    certificate: { chain, key, provenance: provenance('Secret', 's', 'data') },
  });
  const { own } = table.listeners;
  assert.ok(own !== undefined);
  return { ...table, listeners: { own: { ...own, protocol, options } } };
}

const get = (...lines: readonly string[]): string =>
  ['GET / HTTP/1.1', 'Host: a.example', 'Connection: close', ...lines, '', ''].join('\r\n');

async function say(context: TestContext, port: number, ...texts: readonly string[]): Promise<string> {
  const client = dial(context, port);
  for (const text of texts) client.say(text);
  await client.closed();
  return client.heard;
}

const from = { address: '192.0.2.7', port: 4000 };
const to = { address: '198.51.100.1', port: 80 };
const v1 = proxyHeader(1, from, to).toString('latin1');
const v2 = proxyHeader(2, from, to).toString('latin1');

test('a port that expects PROXY headers believes them, and serves nobody without', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const table = optionsTable(port, [backend.port], { acceptsProxyProtocol: true });
  const proxy = await startTestWorker(context, table);
  const impatient = await freePort();
  const strict = optionsTable(impatient, [backend.port], { acceptsProxyProtocol: true });
  await startTestWorker(context, strict, { handshake: 300 });
  const begun = ['PROXY UNKNOWN\r\n', v1, v2];
  for (const header of begun) assert.ok((await say(context, port, header + get())).endsWith('hello'), header);
  assert.ok(
    (await say(context, port, v1.slice(0, 9), v1.slice(9) + get().slice(0, 5), get().slice(5))).endsWith(
      'hello',
    ),
  );
  for (const text of [get(), `PROXY TCP4 x\r\n${get()}`, '\r\n\r\n\0\r\nQUIT\n\xff', 'PROX', ''])
    assert.equal(await say(context, impatient, text), '', JSON.stringify(text));
  const heard = backend.heard.join('').match(/x-forwarded-for: \S+/g);
  assert.deepEqual(
    heard,
    ['127.0.0.1', '192.0.2.7', '192.0.2.7', '192.0.2.7'].map(one => `x-forwarded-for: ${one}`),
  );
  await eventually(() => proxy.log().length === 4, 'the log');
  assert.equal(proxy.log()[1]?.['client'], '192.0.2.7:4000');
});

test('a PROXY header stands before TLS, and is sent on to a backend that wants one', async context => {
  const backend = await startBackend(context, (socket, heard) => {
    if (heard.endsWith('hello')) socket.end('bye');
  });
  const port = await freePort();
  const options: TableOptions = { acceptsProxyProtocol: true, sendsProxyProtocol: 1 };
  await startTestWorker(context, optionsTable(port, [backend.port], options, 'TLS'));
  const plain = dial(context, port);
  plain.say(v2);
  const client = connect({ socket: plain.socket, servername: 'a.example', rejectUnauthorized: false });
  context.after(() => client.destroy());
  let said = '';
  client.on('data', chunk => (said += String(chunk)));
  client.write('hello');
  await eventually(() => said === 'bye', 'an answer');
  assert.match(backend.heard[0] ?? '', /^PROXY TCP4 192\.0\.2\.7 127\.0\.0\.1 4000 \d+\r\nhello$/);
});

test('proxies in front are believed as far as the Gateway says', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const proxy = await startTestWorker(context, optionsTable(port, [backend.port], {}));
  const lines = [
    'X-Forwarded-For: 203.0.113.9, 192.0.2.1',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: shop.example',
    'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  ];
  await say(context, port, get(...lines));
  proxy.take(optionsTable(port, [backend.port], { trustedHops: 1 }));
  await say(context, port, get(...lines));
  await say(context, port, get());
  const [doubted = '', believed = '', silent = ''] = backend.heard.join('').split('GET ').slice(1);
  assert.match(doubted, /x-forwarded-proto: http\r\nx-forwarded-host: a\.example\r\n/);
  assert.doesNotMatch(doubted, /shop\.example/);
  assert.match(believed, /X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop\.example\r\n/);
  assert.doesNotMatch(believed, /x-forwarded-proto: http\r|x-forwarded-host: a/);
  for (const text of [doubted, believed])
    assert.match(text, /x-forwarded-for: 203\.0\.113\.9, 192\.0\.2\.1, 127\.0\.0\.1\r\n/);
  assert.match(
    silent,
    /x-forwarded-for: 127\.0\.0\.1\r\nx-forwarded-proto: http\r\nx-forwarded-host: a\.example/,
  );
  assert.match(believed, /traceparent: 00-0af7651916cd43dd8448eb211c80319c/, 'a trace goes on');
  await eventually(() => proxy.log().length === 3, 'the log');
  assert.deepEqual(
    proxy.log().map(line => [line['from'], line['trace']]),
    [
      [undefined, '0af7651916cd43dd8448eb211c80319c'],
      ['192.0.2.1', '0af7651916cd43dd8448eb211c80319c'],
      [undefined, undefined],
    ],
  );
});

test('requests go to the endpoint with the fewest, to that of the client, or nowhere where all have enough', async context => {
  const waiting: { end(): void }[] = [];
  const slow = await startBackend(context, socket => {
    waiting.push({ end: () => socket.write(answer('slow')) });
  });
  const quick = await startPlainBackend(context, 'quick');
  const port = await freePort();
  const both = [slow.port, quick.port];
  const proxy = await startTestWorker(context, optionsTable(port, both, { balance: 'least-requests' }));
  // Until the slow one has a request: then every other goes to the quick one.
  const held = [];
  for (let tries = 0; tries < 20 && waiting.length === 0; tries++) {
    const before = quick.heard.join('').length;
    const client = dial(context, port);
    client.say(get());
    held.push(client);
    await eventually(() => waiting.length > 0 || quick.heard.join('').length > before, 'somebody has it');
  }
  assert.equal(waiting.length, 1);
  for (let requests = 0; requests < 10; requests++)
    assert.ok((await say(context, port, get())).endsWith('quick'));
  assert.equal(waiting.length, 1);
  proxy.take(optionsTable(port, [slow.port], { mostRequests: 1 }));
  assert.match(await say(context, port, get()), /^HTTP\/1\.1 503 /);
  waiting[0]?.end();
  await Promise.all(held.map(client => client.closed()));
  const again = dial(context, port);
  again.say(get());
  await eventually(() => waiting.length === 2, 'it may have another');
  waiting[1]?.end();
  await again.closed();
  const other = await startPlainBackend(context, 'other');
  proxy.take(optionsTable(port, [quick.port, other.port], { balance: 'client-hash' }));
  const places = new Set<string>();
  for (let requests = 0; requests < 10; requests++) places.add((await say(context, port, get())).slice(-5));
  assert.equal(places.size, 1);
});

test('a body that is larger than the Gateway allows is refused, said or not', async context => {
  const backend = await startBackend(context, (socket, heard) => {
    if (/\r\n\r\n.*[^\r\n]{10}$|0\r\n\r\n$/s.test(heard)) socket.write(answer('hello'));
  });
  const port = await freePort();
  const proxy = await startTestWorker(context, optionsTable(port, [backend.port], { bodyLimit: 10 }));
  const post = (line: string, body: string) =>
    `POST / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n${line}\r\n\r\n${body}`;
  const chunked = (text: string) =>
    post('Transfer-Encoding: chunked', `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`);
  const ten = '0123456789';
  for (const [text, status] of [
    [post('Content-Length: 10', ten), '200'],
    [post('Content-Length: 11', `${ten}x`), '413'],
    [post('Content-Length: 999999999', ''), '413'],
    [chunked(ten), '200'],
    [chunked(`${ten}x`), '413'],
  ] as const)
    assert.equal((await say(context, port, text)).split(' ')[1], status, text);
  const session = connectHttp2(context, port);
  assert.equal((await ask(session, { ':method': 'POST', ':path': '/' }, `${ten}x`)).status, 413);
  await eventually(() => proxy.log().length === 6, 'the log');
  assert.deepEqual(
    proxy.log().map(line => line['why']),
    ['', 'body-too-large', 'body-too-large', '', 'body-too-large', 'body-too-large'],
  );
});

test('an access log may be left out, or be that of Ingress NGINX', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const proxy = await startTestWorker(context, optionsTable(port, [backend.port], { accessLog: 'off' }));
  await say(context, port, get());
  proxy.take(optionsTable(port, [backend.port], { accessLog: 'ingress-nginx', trustedHops: 1 }));
  await say(context, port, get('User-Agent: curl/8 "x"', 'X-Forwarded-For: 192.0.2.1', 'X-Request-Id: abc'));
  await eventually(() => proxy.logText().includes('\n'), 'a line');
  assert.match(
    proxy.logText(),
    /^192\.0\.2\.1 - - \[\S+ \+0000\] "GET \/ HTTP\/1\.1" 200 5 "-" "curl\/8 \\x22x\\x22" 0 0\.\d{3} \[b\] \[\] 127\.0\.0\.1:\d+ 5 0\.\d{3} 200 abc\n$/,
  );
});

test('clients that may know are told why a request went where it went, and no backend sees that they asked', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const proxy = await startTestWorker(
    context,
    optionsTable(port, [backend.port], { explainsTo: ['127.0.0.0/8'] }),
  );
  const told = await say(context, port, get('Fairlead-Explain: 1'));
  const [, line = '{}'] = /^fairlead-explanation: (.*)$/im.exec(told) ?? [];
  const said = JSON.parse(line) as Readonly<Record<string, unknown>>;
  assert.deepEqual([said['outcome'], said['listener'], said['not']], ['rule', 'own', []]);
  assert.match(String(said['rule']), /^HTTPRoute\/\S+ spec\.rules/);
  assert.doesNotMatch(await say(context, port, get()), /fairlead-explanation/i);
  proxy.take(optionsTable(port, [backend.port], { explainsTo: ['192.0.2.0/24'] }));
  assert.doesNotMatch(await say(context, port, get('Fairlead-Explain: 1')), /fairlead-explanation/i);
  assert.doesNotMatch(backend.heard.join(''), /fairlead-explain/i);
});
