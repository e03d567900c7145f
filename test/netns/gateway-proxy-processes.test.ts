import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Agent } from 'node:http';
import { test } from 'node:test';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import { Supervisor } from '../../src/gateway/proxy/supervisor/supervisor.ts';
import { answer, startBackend, startPlainBackend } from './gateway-backend.ts';
import { dial, eventually } from './gateway-client.ts';
import { ProxyProcess } from './gateway-process.ts';
import { at, prefix, tableOf } from './gateway-table.ts';
import { freePort } from './gateway-worker.ts';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;

/** One request on a connection of its own; the body, or the error's code. */
function ask(port: number, agent: Agent | false = false): Promise<string> {
  return new Promise(resolve => {
    const asked = request({ host: '127.0.0.1', port, agent, headers: { host: 'a.example' } }, response => {
      let body = '';
      response.on('data', chunk => (body += String(chunk)));
      response.on('end', () => resolve(response.statusCode === 200 ? body : String(response.statusCode)));
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    asked.end();
  });
}

test('a worker that is killed costs its own connections, and nobody else’s; new ones wait for its successor', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const proxy = await ProxyProcess.start(context, 2);
  const table = tableOf({
    ports: { http: port },
    rules: [prefix('/', 'b')],
    backends: { b: [at(backend.port)] },
  });
  assert.deepEqual(await proxy.tell({ type: 'table', revision: 5, table }), { type: 'applied', revision: 5 });
  const clients = Array.from({ length: 40 }, () => dial(context, port));
  for (const client of clients) client.say(get('/'));
  for (const client of clients) await client.until(heard => heard.endsWith('hello'), 'an answer');
  // New connections all the while; each is answered, however it falls.
  let asked = 0;
  const over = new AbortController();
  const failures: string[] = [];
  const load = Array.from({ length: 4 }, async () => {
    while (!over.signal.aborted) {
      const said = await ask(port);
      asked++;
      if (said !== 'hello') failures.push(said);
    }
  });
  const before = await proxy.status();
  const victim = before?.workers[0]?.pid ?? 0;
  await eventually(() => asked > 20, 'load');
  process.kill(victim, 'SIGKILL');
  const readiness = new Set<number>();
  await eventually(async () => {
    readiness.add(await proxy.readiness());
    const [first] = (await proxy.status())?.workers ?? [];
    return first?.ready === true && first.pid !== victim;
  }, 'a successor');
  assert.deepEqual([...readiness], [200], 'nobody takes the pod for one that cannot serve');
  const atThatTime = asked;
  await eventually(() => asked > atThatTime + 100, 'more load');
  over.abort();
  await Promise.all(load);
  const lost = clients.filter(({ isClosed, isEnded }) => isClosed || isEnded);
  assert.ok(
    lost.length > 0 && lost.length < clients.length,
    `${lost.length} of ${clients.length} were the worker’s own`,
  );
  for (const client of clients.filter(one => !lost.includes(one))) {
    client.heard = '';
    client.say(get('/'));
    await client.until(heard => heard.endsWith('hello'), 'connections of the other worker go on');
  }
  assert.ok(
    failures.length <= 4,
    `only what the worker was answering at that moment is lost: ${failures.join(', ')}`,
  );
});

test('a listener’s port comes and goes without a restart', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const proxy = await ProxyProcess.start(context, 2);
  assert.equal(await proxy.readiness(), 503, 'not ready without a table');
  const [first, second] = [await freePort(), await freePort()];
  const words = { rules: [prefix('/', 'b')], backends: { b: [at(backend.port)] } };
  await proxy.tell({ type: 'table', revision: 1, table: tableOf({ ports: { first }, ...words }) });
  assert.equal(await ask(first), 'hello');
  assert.equal(await proxy.readiness(), 200);
  const kept = dial(context, first);
  kept.say(get('/'));
  await kept.until(heard => heard.endsWith('hello'), 'an answer');
  const pids = (await proxy.status())?.workers.map(({ pid }) => pid);
  await proxy.tell({ type: 'table', revision: 2, table: tableOf({ ports: { first, second }, ...words }) });
  assert.equal(await ask(second), 'hello');
  await proxy.tell({ type: 'table', revision: 3, table: tableOf({ ports: { second }, ...words }) });
  // A worker closes its socket a moment after it has the table; until then it resets who comes.
  await eventually(async () => (await ask(first)) === 'ECONNREFUSED', 'the port is closed');
  assert.equal(await ask(second), 'hello');
  kept.say(get('/'));
  await kept.until(
    heard => heard.includes('404'),
    'a connection that is open is told that there is no listener',
  );
  assert.deepEqual(
    (await proxy.status())?.workers.map(({ pid }) => pid),
    pids,
    'the same workers',
  );
});

test('a change needs the revision that it is made for', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const proxy = await ProxyProcess.start(context, 1);
  const table = tableOf({ ports: { http: port }, rules: [prefix('/', 'b')], backends: {} });
  await proxy.tell({ type: 'table', revision: 7, table });
  assert.equal(await ask(port), '500');
  const put = { backends: tableOf({ rules: [], backends: { b: [at(backend.port)] } }).backends };
  const refused = await proxy.tell({ type: 'change', base: 6, revision: 8, change: { put, remove: {} } });
  assert.equal(refused.type, 'refused');
  assert.equal(await ask(port), '500');
  const applied = await proxy.tell({ type: 'change', base: 7, revision: 8, change: { put, remove: {} } });
  assert.deepEqual(applied, { type: 'applied', revision: 8 });
  assert.equal(await ask(port), 'hello');
});

test('a table that workers cannot serve by is refused, and the last good one is served, also after a restart', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const proxy = await ProxyProcess.start(context, 2);
  const table = tableOf({
    ports: { http: port },
    rules: [prefix('/', 'b')],
    backends: { b: [at(backend.port)] },
  });
  const hosts = Object.fromEntries(
    Object.entries(table.hosts).map(([key, host]) => [key, { ...host, rules: [null] as never }]),
  );
  assert.deepEqual(await proxy.tell({ type: 'table', revision: 1, table }), { type: 'applied', revision: 1 });
  const put = { hosts };
  for (const bad of [
    { type: 'table', revision: 2, table: { ...table, hosts } },
    { type: 'table', revision: 3, table },
    { type: 'change', base: 3, revision: 4, change: { put, remove: {} } },
  ] as const) {
    const told = await proxy.tell(bad);
    assert.equal(told.type, bad.revision === 3 ? 'applied' : 'refused', JSON.stringify(told));
    assert.equal(await ask(port), 'hello');
  }
  const { workers = [], revision } = (await proxy.status()) ?? {};
  assert.deepEqual([workers.map(({ restarts }) => restarts), revision], [[0, 0], -1]);
  await proxy.stop();
  await proxy.run();
  await eventually(async () => (await proxy.readiness()) === 200, 'ready');
  assert.equal(await ask(port), 'hello');
});

test('without the key of the Gateway nobody gives it a table', async context => {
  const proxy = await ProxyProcess.start(context, 1);
  const table = tableOf({ rules: [], backends: {} });
  await assert.rejects(proxy.tell({ type: 'table', revision: 1, table }, randomBytes(32)));
  assert.equal((await proxy.status())?.revision, -1);
});

test('after a restart it serves its last table before anybody tells it anything', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const proxy = await ProxyProcess.start(context, 1);
  const table = tableOf({
    ports: { http: port },
    rules: [prefix('/', 'b')],
    backends: { b: [at(backend.port)] },
  });
  await proxy.tell({ type: 'table', revision: 1, table });
  assert.equal(await ask(port), 'hello');
  assert.equal(await proxy.stop(), 0);
  assert.equal(await ask(port), 'ECONNREFUSED');
  await proxy.run();
  await eventually(async () => (await proxy.readiness()) === 200, 'ready');
  assert.equal(await ask(port), 'hello');
});

test('when it is told to stop, answers under way come whole and idle connections end', async context => {
  const backend = await startBackend(context, (socket, heard) => {
    if (heard.includes('/slow')) setTimeout(() => socket.write(answer('slow')), 1000);
    else socket.write(answer('fast'));
  });
  const port = await freePort();
  const proxy = await ProxyProcess.start(context, 1);
  const table = tableOf({
    ports: { http: port },
    rules: [prefix('/', 'b')],
    backends: { b: [at(backend.port)] },
  });
  await proxy.tell({ type: 'table', revision: 1, table });
  const idle = dial(context, port);
  idle.say(get('/'));
  await idle.until(heard => heard.endsWith('fast'), 'an answer');
  const busy = dial(context, port);
  busy.say(get('/slow'));
  await eventually(
    () => backend.heard.some(text => text.includes('/slow')),
    'the slow request at the backend',
  );
  const ended = proxy.stop();
  await idle.closed();
  assert.match(await busy.until(heard => heard.endsWith('slow'), 'the slow answer'), /connection: close/);
  assert.equal(await ended, 0);
  assert.match(proxy.output, /"path":"\/slow".*"status":200/, 'the log is written to its end');
});

test('a port that is taken is served as soon as it is free, and the others meanwhile', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const occupant = await startBackend(context, socket => void socket.end('occupied'));
  const free = await freePort();
  const proxy = await ProxyProcess.start(context, 1);
  const ports = { taken: occupant.port, free };
  const table = tableOf({ ports, rules: [prefix('/', 'b')], backends: { b: [at(backend.port)] } });
  assert.deepEqual(await proxy.tell({ type: 'table', revision: 1, table }), { type: 'applied', revision: 1 });
  assert.equal(await ask(free), 'hello');
  assert.equal(await proxy.readiness(), 503);
  await new Promise(resolve => occupant.server.close(resolve));
  await eventually(async () => (await ask(occupant.port)) === 'hello', 'the port is served');
});

test('a log that nobody reads holds up no request; what is dropped of it is counted', async context => {
  const port = await freePort();
  const proxy = await ProxyProcess.start(context, 1);
  await proxy.tell({
    type: 'table',
    revision: 1,
    table: tableOf({ ports: { http: port }, rules: [], backends: {} }),
  });
  proxy.readLog(false);
  const client = dial(context, port);
  const [rounds, each] = [60, 500];
  for (let round = 0; round < rounds; round++) {
    client.heard = '';
    client.say(get(`/${'x'.repeat(200)}`).repeat(each));
    await client.until(heard => heard.split('no route matches').length > each, 'all answers');
  }
  proxy.readLog(true);
  await eventually(
    () => /[1-9]\d* lines of the log were dropped/.test(proxy.output),
    'the number of lines that were dropped',
  );
  const written = proxy.output.split('"log":"access"').length - 1;
  const [, dropped = '0'] = /(\d+) lines of the log were dropped/.exec(proxy.output) ?? [];
  assert.ok(
    written > 1000 && written + Number(dropped) <= rounds * each,
    `${written} lines, ${dropped} dropped`,
  );
});

test('of two tables that are taken at once, neither waits for longer than the workers do', async context => {
  const supervisor = new Supervisor({
    sessionKey: Buffer.alloc(32, 7),
    workers: 1,
    workerProgram: join(import.meta.dirname, '..', '..', 'src', 'entry', 'proxy-worker.ts'),
    workerFlags: ['--disable-warning=ExperimentalWarning'],
    stateDirectory: undefined,
    reservedPorts: [],
    log: silentLog,
  });
  context.after(() => supervisor.stop(0));
  const table = tableOf({ ports: { http: await freePort() }, rules: [], backends: {} });
  let isFirstTaken = false;
  const first = supervisor.take({ type: 'table', revision: 1, table }).then(() => (isFirstTaken = true));
  await supervisor.take({ type: 'table', revision: 2, table });
  await new Promise(resolve => setImmediate(resolve));
  assert.ok(isFirstTaken, 'what has the second table has had the first');
  await first;
});
