import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FairleadError } from '../base/errors.ts';
import { ApiError, createClient } from './client.ts';
import type { KubeClient } from './client.ts';
import type { Kubeconfig } from './kubeconfig.ts';
import { ManualClock } from './manual-clock.ts';
import { CONFIG_MAPS, PODS } from './resources.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A client of an HTTP server on loopback that answers as the test says. */
async function clientOf(
  t: TestContext,
  answer: Answer,
  user: Kubeconfig['user'] = { bearer: { from: 'nothing' } },
) {
  let count = 0;
  const server: Server = createServer((request, response) => {
    count++;
    request.resume();
    answer(request, response, count);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cluster = {
    server: `http://127.0.0.1:${port}/prefix`,
    insecureSkipTlsVerify: false,
    disableCompression: false,
  };
  const clock = new ManualClock();
  const client: KubeClient = createClient(
    { context: 'test', namespace: 'default', cluster, user },
    { clock },
  );
  t.after(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  return { client, clock, server, requests: () => count };
}

const list = JSON.stringify({ metadata: { resourceVersion: '1' }, items: null });
const key = { namespace: 'default', name: 'one' };

test('a path of the server address, who we are and what we take is in every request', async t => {
  const seen: IncomingMessage[] = [];
  const user = {
    bearer: { from: 'token', token: 'secret' },
    impersonation: { user: 'eve', groups: ['a', 'b'] },
  } as const;
  const { client } = await clientOf(
    t,
    (request, response) => {
      seen.push(request);
      response.end(list);
    },
    user,
  );
  assert.deepEqual((await client.list(CONFIG_MAPS, { namespace: 'a b', limit: 5 })).items, []);
  const [request] = seen;
  assert.equal(request?.url, '/prefix/api/v1/namespaces/a%20b/configmaps?limit=5');
  assert.equal(request?.headers.authorization, 'Bearer secret');
  assert.equal(request?.headers['impersonate-user'], 'eve');
  assert.equal(request?.headers['impersonate-group'], 'a, b');
  assert.equal(request?.headers.accept, 'application/json');
});

test('a server that is busy is asked again when it says so', async t => {
  const { client, clock, requests } = await clientOf(t, (_, response, count) => {
    if (count < 3) response.writeHead(429, { 'Retry-After': '2' }).end('busy');
    else response.end(list);
  });
  const began = clock.now();
  const listing = client.list(CONFIG_MAPS);
  const ticking = setInterval(() => clock.advance(500), 1);
  await listing.finally(() => clearInterval(ticking));
  assert.equal(requests(), 3);
  assert.ok(clock.now() - began >= 4000);
});

test('a server that fails without saying when to come back is asked once', async t => {
  const { client, requests } = await clientOf(t, (_, response) =>
    response.writeHead(503).end('<html>down</html>'),
  );
  await assert.rejects(client.list(CONFIG_MAPS), (error: unknown) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual(
      [error.status, error.reason, error.message],
      [503, 'ServiceUnavailable', '<html>down</html>'],
    );
    return true;
  });
  assert.equal(requests(), 1);
});

test('connections are kept, and one that the server closed meanwhile costs a read nothing', async t => {
  const ports = new Set<number | undefined>();
  const { client, server } = await clientOf(t, (request, response) => {
    ports.add(request.socket.remotePort);
    response.end(list);
  });
  for (let round = 0; round < 5; round++) await client.list(CONFIG_MAPS);
  assert.equal(ports.size, 1);
  server.closeAllConnections();
  await client.list(CONFIG_MAPS);
  assert.equal(ports.size, 2);
});

test('compressed answers are understood, cut ones are refused', async t => {
  const body = JSON.stringify({ metadata: { resourceVersion: '7' }, items: [{ metadata: { name: 'one' } }] });
  const { client } = await clientOf(t, (request, response, count) => {
    assert.equal(request.headers['accept-encoding'], 'gzip');
    const packed = gzipSync(body);
    response
      .writeHead(200, { 'Content-Encoding': 'gzip' })
      .end(count === 1 ? packed : packed.subarray(0, 20));
  });
  assert.equal((await client.list(CONFIG_MAPS)).resourceVersion, '7');
  await assert.rejects(client.list(CONFIG_MAPS), { code: 'kube/broken-answer' });
});

test('an answer that is no Kubernetes object is one clear error', async t => {
  const { client } = await clientOf(t, (_, response) => response.end('<html>login</html>'));
  await assert.rejects(
    client.list(CONFIG_MAPS),
    (error: unknown) => error instanceof FairleadError && error.code === 'kube/decode',
  );
});

test('an aborted request ends with the reason of its signal', async t => {
  const { client } = await clientOf(t, () => undefined);
  const stop = new AbortController();
  const listing = client.list(CONFIG_MAPS, { signal: stop.signal });
  const reason = new Error('no longer needed');
  setImmediate(() => stop.abort(reason));
  await assert.rejects(listing, error => error === reason);
});

test('a request without a name or a namespace is not sent', async t => {
  const { client, requests } = await clientOf(t, (_, response) => response.end(list));
  await assert.rejects(client.get(CONFIG_MAPS, { namespace: 'default', name: '' }), { code: 'kube/no-name' });
  await assert.rejects(client.delete(CONFIG_MAPS, { name: 'one' }), { code: 'kube/no-namespace' });
  assert.equal(requests(), 0);
});

test('a log is streamed as it comes', async t => {
  const { client } = await clientOf(t, (request, response) => {
    assert.equal(
      request.url,
      '/prefix/api/v1/namespaces/default/pods/one/log?container=web&follow=true&tailLines=2',
    );
    response.write('first\n');
    setImmediate(() => response.end('second\n'));
  });
  const lines: string[] = [];
  for await (const chunk of await client.logs(key, { container: 'web', follow: true, tailLines: 2 })) {
    lines.push(String(chunk));
  }
  assert.equal(lines.join(''), 'first\nsecond\n');
});

test('a connection is upgraded, or the refusal is told', async t => {
  const { client, server } = await clientOf(t, (_, response) => response.writeHead(403).end('no'));
  server.on('upgrade', (request: IncomingMessage, socket) => {
    if (request.url?.includes('refuse') === true) {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
      return;
    }
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhead');
    socket.pipe(socket);
  });
  const { socket, head, headers } = await client.connectUpgrade('/echo', { headers: { Upgrade: 'echo' } });
  assert.equal(headers.upgrade, 'echo');
  const heard: Buffer[] = [head];
  const echoed = new Promise<void>(resolve =>
    socket.on('data', (chunk: Buffer) => {
      heard.push(chunk);
      if (Buffer.concat(heard).toString() === 'headping') resolve();
    }),
  );
  socket.write('ping');
  await echoed;
  socket.destroy();
  await assert.rejects(client.connectUpgrade('/refuse', { headers: { Upgrade: 'echo' } }), { status: 403 });
});

test('a watch ends quietly when it is no longer wanted, and says so when the connection breaks', async t => {
  const { client, requests } = await clientOf(t, (_, response, count) => {
    response.write('{"type":"ADDED","object":{"metadata":{"name":"one","resourceVersion":"2"}}}\n');
    if (count === 2) setImmediate(() => response.destroy());
  });
  const stop = new AbortController();
  const names: string[] = [];
  for await (const event of client.watch(PODS, { resourceVersion: '1', signal: stop.signal })) {
    if (event.type !== 'BOOKMARK') names.push(event.object.metadata.name);
    stop.abort(new Error('enough'));
  }
  assert.deepEqual(names, ['one']);
  const broken = async () => {
    for await (const event of client.watch(PODS, {
      resourceVersion: '1',
      signal: new AbortController().signal,
    }))
      void event;
  };
  await assert.rejects(broken(), { code: 'kube/watch-broken' });
  assert.equal(requests(), 2);
});

test('a burst of requests shares sixteen connections, and open watches take none of them', async t => {
  const sockets = new Set<unknown>();
  let most = 0;
  let running = 0;
  const { client } = await clientOf(t, (request, response) => {
    if (request.url?.includes('watch=true') === true) {
      response.flushHeaders();
      return;
    }
    sockets.add(request.socket);
    most = Math.max(most, ++running);
    setTimeout(() => {
      running--;
      response.end(list);
    }, 2);
  });
  const stop = new AbortController();
  const watches = Array.from({ length: 40 }, async () => {
    for await (const event of client.watch(PODS, { resourceVersion: '1', signal: stop.signal })) void event;
  });
  await Promise.all(Array.from({ length: 200 }, () => client.list(CONFIG_MAPS)));
  assert.ok(most <= 16 && sockets.size <= 16, `${most} at once, ${sockets.size} connections`);
  const late = new AbortController();
  const crowd = Array.from({ length: 20 }, () => client.list(CONFIG_MAPS));
  const given = client.list(CONFIG_MAPS, { signal: late.signal });
  late.abort(new Error('no longer wanted'));
  await assert.rejects(given, /no longer wanted/);
  await Promise.all(crowd);
  stop.abort(new Error('done'));
  await Promise.all(watches);
});

test('a closed client ends what is under way', async t => {
  const { client, requests } = await clientOf(t, (_, response) => response.flushHeaders());
  const watching = (async () => {
    for await (const event of client.watch(PODS, {
      resourceVersion: '1',
      signal: new AbortController().signal,
    }))
      void event;
  })();
  const pending = [watching, ...Array.from({ length: 20 }, () => client.list(CONFIG_MAPS))];
  while (requests() < 17) await new Promise(setImmediate);
  client.close();
  for (const one of await Promise.allSettled(pending)) assert.equal(one.status, 'rejected');
  await assert.rejects(client.list(CONFIG_MAPS), { code: 'kube/closed' });
  assert.equal(requests(), 17, 'those that waited were not sent');
});

test('a server that changes the protocol unasked is an error, not a silence', async t => {
  const server = createTcpServer(socket => {
    socket.on('error', () => undefined);
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    );
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cluster = {
    server: `http://127.0.0.1:${port}`,
    insecureSkipTlsVerify: false,
    disableCompression: false,
  };
  const client = createClient({
    context: 'test',
    namespace: 'default',
    cluster,
    user: { bearer: { from: 'nothing' } },
  });
  t.after(() => {
    client.close();
    server.close();
  });
  await assert.rejects(client.list(CONFIG_MAPS), { code: 'kube/unreachable' });
});

test('items without a name and answers that are no list are one clear error', async t => {
  const bodies = [
    'null',
    '[]1',
    '{"items":[null]}',
    '{"items":[{}]}',
    '{"items":{}}',
    '{"items":[{"metadata":{"name":1}}]}',
  ];
  const { client } = await clientOf(t, (_, response, count) => response.end(bodies[count - 1]));
  for (const _ of bodies) await assert.rejects(client.list(CONFIG_MAPS), { code: 'kube/decode' });
});

test('a refusal with fields of the wrong kind is still a refusal', async t => {
  const odd = { kind: 'Status', reason: 7, message: {}, details: { causes: 'x', retryAfterSeconds: 1e12 } };
  const { client } = await clientOf(t, (_, response) => response.writeHead(403).end(JSON.stringify(odd)));
  await assert.rejects(client.list(CONFIG_MAPS), { status: 403, reason: 'Forbidden' });
});

test('a token that no header can carry is named before anything is sent', () => {
  const cluster = { server: 'http://127.0.0.1:1', insecureSkipTlsVerify: false, disableCompression: false };
  const user = { bearer: { from: 'token', token: 'a\nb' } } as const;
  assert.throws(() => createClient({ context: 'test', namespace: 'default', cluster, user }), {
    code: 'kube/bad-credentials',
  });
});

test('a closed client leaves nothing that keeps its process alive', async t => {
  const { server } = await clientOf(t, (request, response, count) => {
    if (request.url?.includes('watch=true') === true) response.flushHeaders();
    else if (count % 3 === 0) response.writeHead(429, { 'Retry-After': '50' }).end();
    else response.end(list);
  });
  const { port } = server.address() as AddressInfo;
  const from = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const script = `
    import { createClient } from ${from('client.ts')};
    import { Informer } from ${from('informer.ts')};
    import { PODS } from ${from('resources.ts')};
    const cluster = { server: 'http://127.0.0.1:${port}', insecureSkipTlsVerify: false, disableCompression: false };
    const client = createClient({ context: 'x', namespace: 'default', cluster, user: { bearer: { from: 'nothing' } } });
    new Informer(client, PODS).start(new AbortController().signal);
    await client.list(PODS);
    const lists = Array.from({ length: 30 }, () => client.list(PODS).catch(() => undefined));
    await Promise.race(lists);
    client.close();`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: 'inherit',
    timeout: 15_000,
  });
  assert.equal(await new Promise(resolve => child.on('exit', resolve)), 0, 'it ended by itself');
});
