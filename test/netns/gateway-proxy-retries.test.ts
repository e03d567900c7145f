import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { RouteTable, TableRetry, TableRule } from '../../src/gateway/table.ts';
import { answer, type Backend, startBackend, startPlainBackend } from './gateway-backend.ts';
import { dial, eventually } from './gateway-client.ts';
import { ask, connectHttp2 } from './gateway-http2.ts';
import { at, prefix, tableOf } from './gateway-table.ts';
import { freePort, startTestWorker, type TestWorker } from './gateway-worker.ts';

const failing = (status: number): string => `HTTP/1.1 ${status} Trouble\r\nContent-Length: 7\r\n\r\ntrouble`;

/** Fails the first requests as `fail` does, and says of later ones which body they had. */
function startTroubled(
  context: TestContext,
  failures: number,
  fail: (socket: Parameters<Parameters<typeof startBackend>[1]>[0]) => void,
): Promise<Backend> {
  let requests = 0;
  const done = new Map<number, number>();
  return startBackend(context, (socket, heard, connection) => {
    const from = done.get(connection) ?? 0;
    const [, head = '', rest = ''] = /^([\s\S]*?\r\n\r\n)([\s\S]*)$/.exec(heard.slice(from)) ?? [];
    if (head === '') return;
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const isChunked = /transfer-encoding: chunked/i.test(head);
    if (isChunked ? !rest.endsWith('0\r\n\r\n') : rest.length < length) return;
    done.set(connection, heard.length);
    if (requests++ < failures) fail(socket);
    else socket.write(answer(`got ${rest.length}`));
  });
}

function retrying(port: number, backends: readonly number[], more: Partial<TableRule>): RouteTable {
  return tableOf({
    ports: { http: port },
    rules: [{ ...prefix('/', 'b'), ...more }],
    backends: { b: backends.map(backend => at(backend)) },
  });
}

async function start(
  context: TestContext,
  backend: Backend,
  retry: TableRetry,
  more: Partial<TableRule> = {},
): Promise<{ port: number; proxy: TestWorker }> {
  const port = await freePort();
  return { port, proxy: await startTestWorker(context, retrying(port, [backend.port], { ...more, retry })) };
}

async function statusOf(context: TestContext, port: number, request: string): Promise<string> {
  const client = dial(context, port);
  client.say(request);
  await client.until(heard => /\r\n\r\n[\s\S]+/.test(heard), 'an answer');
  return `${client.heard.split(' ')[1]} ${client.heard.split('\r\n\r\n')[1]}`;
}

const get = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n';
const post = (body: string) =>
  `POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const chunked =
  'POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
const big = (octets: number) => 'x'.repeat(octets);

test('statuses that a route lists are tried again, and the last one reaches the client as it is', async context => {
  const cases: readonly (readonly [
    what: string,
    failures: number,
    retry: TableRetry,
    request: string,
    expected: string,
    tries: number,
  ])[] = [
    ['one failure', 1, { codes: [503], attempts: 2, backoff: 1 }, get, '200 got 0', 2],
    ['as many as there are tries', 2, { codes: [503], attempts: 2, backoff: 1 }, get, '200 got 0', 3],
    ['one more than that', 3, { codes: [503], attempts: 2, backoff: 1 }, get, '503 trouble', 3],
    ['a status that is not listed', 1, { codes: [500], attempts: 2, backoff: 1 }, get, '503 trouble', 1],
    ['no tries', 1, { codes: [503], attempts: 0, backoff: 1 }, get, '503 trouble', 1],
    ['a short body', 1, { codes: [503], attempts: 1, backoff: 1 }, post('hello'), '200 got 5', 2],
    ['a longer body', 1, { codes: [503], attempts: 1, backoff: 1 }, post(big(50_000)), '200 got 50000', 2],
    [
      'a body too long to be kept',
      1,
      { codes: [503], attempts: 1, backoff: 1 },
      post(big(200_000)),
      '503 trouble',
      1,
    ],
    ['a chunked body', 1, { codes: [503], attempts: 1, backoff: 1 }, chunked, '200 got 15', 2],
  ];
  for (const [what, failures, retry, request, expected, tries] of cases) {
    const backend = await startTroubled(context, failures, socket => socket.write(failing(503)));
    const { port, proxy } = await start(context, backend, retry);
    assert.equal(await statusOf(context, port, request), expected, what);
    await eventually(() => proxy.log().length === 1, 'a line of the log');
    assert.equal(proxy.log()[0]?.['tries'], tries, what);
  }
});

test('a connection that is reset without an answer is tried again where the route says so', async context => {
  for (const [retry, expected] of [
    [{ codes: [], attempts: 1, backoff: 1 }, '200 got 5'],
    [{ codes: [], attempts: 0, backoff: 1 }, '502'],
  ] as const) {
    const backend = await startTroubled(context, 1, socket => socket.resetAndDestroy());
    const { port } = await start(context, backend, retry);
    assert.ok((await statusOf(context, port, post('hello'))).startsWith(expected), expected);
  }
});

test('a try that takes too long is followed by another, within the time of the whole request', async context => {
  const isMute = () => undefined;
  const retry = { codes: [], attempts: 20, backoff: 1 };
  const once = await start(context, await startTroubled(context, 1, isMute), retry, {
    timeouts: { backendRequest: 200 },
  });
  assert.equal(await statusOf(context, once.port, post('hello')), '200 got 5');
  const never = await start(
    context,
    await startTroubled(context, 1000, isMute),
    { ...retry, attempts: 50 },
    {
      timeouts: { backendRequest: 100, request: 2000 },
    },
  );
  assert.ok((await statusOf(context, never.port, get)).startsWith('504'));
  await eventually(() => never.proxy.log().length === 1, 'a line of the log');
  assert.ok(Number(never.proxy.log()[0]?.['tries']) > 1, JSON.stringify(never.proxy.log()));
});

test('another endpoint is tried where there is one, also for streams of HTTP/2', async context => {
  const [bad, good] = [
    await startTroubled(context, 1000, socket => socket.write(failing(503))),
    await startPlainBackend(context, 'good'),
  ];
  const port = await freePort();
  const table = retrying(port, [bad.port, good.port], { retry: { codes: [503], attempts: 1, backoff: 1 } });
  await startTestWorker(context, table);
  const session = connectHttp2(context, port);
  for (let requests = 0; requests < 20; requests++)
    assert.equal((await ask(session, { ':path': '/' })).body, 'good');
});

test('a backend in trouble is not buried under retries', async context => {
  let requests = 0;
  const backend = await startTroubled(context, Number.POSITIVE_INFINITY, socket => {
    requests++;
    socket.write(failing(503));
  });
  const { port } = await start(context, backend, { codes: [503], attempts: 5, backoff: 1 });
  const session = connectHttp2(context, port);
  const asked = 200;
  const begun = performance.now();
  for (let done = 0; done < asked; done += 20)
    await Promise.all(Array.from({ length: 20 }, () => ask(session, { ':path': '/' })));
  const seconds = (performance.now() - begun) / 1000;
  // A hundred at first, a fifth of the requests, and ten for every second that it took; five each were wanted.
  const most = asked + 100 + asked / 5 + 10 * seconds + 10;
  assert.ok(requests <= most, `${requests} requests came of ${asked} in ${seconds} s`);
});
