import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { RouteTable, TableSessionPersistence } from '../../src/gateway/table.ts';
import { type Backend, startPlainBackend } from './gateway-backend.ts';
import { dial } from './gateway-client.ts';
import { at, prefix, reference, tableOf } from './gateway-table.ts';
import { freePort, startTestWorker } from './gateway-worker.ts';

const cookie: TableSessionPersistence = { type: 'Cookie', name: 'session', path: '/', lifetime: 'Session' };

/** Two Services with two endpoints each. */
function split(
  port: number,
  backends: readonly Backend[],
  sessionPersistence: TableSessionPersistence,
): RouteTable {
  const [a1, a2, b1, b2] = backends.map(backend => at(backend.port));
  assert.ok(a1 !== undefined && a2 !== undefined && b1 !== undefined && b2 !== undefined);
  const rule = { ...prefix('/'), backends: [reference('a', 1), reference('b', 1)], sessionPersistence };
  return tableOf({ ports: { http: port }, rules: [rule], backends: { a: [a1, a2], b: [b1, b2] } });
}

const startAll = (context: TestContext): Promise<readonly Backend[]> =>
  Promise.all(
    ['a1', 'a2', 'b1', 'b2'].map(name => startPlainBackend(context, name, 'Session: of-the-backend')),
  );

interface Told {
  readonly body: string;
  readonly field: (name: string) => string | undefined;
}

async function get(context: TestContext, port: number, line = ''): Promise<Told> {
  const client = dial(context, port);
  client.say(`GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n${line}\r\n`);
  await client.closed();
  const [head = '', body = ''] = client.heard.split('\r\n\r\n');
  return { body, field: name => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1] };
}

test('a cookie leads every request of a session to one pod, of all pods of all Services', async context => {
  const backends = await startAll(context);
  const port = await freePort();
  const proxy = await startTestWorker(context, split(port, backends, cookie));
  const begun = new Set<string>();
  for (let sessions = 0; sessions < 40; sessions++) {
    const first = await get(context, port);
    begun.add(first.body);
    const set = first.field('set-cookie') ?? '';
    assert.match(set, /^session=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/);
    const own = `Cookie: other=1; ${set.split(';')[0]}\r\n`;
    for (let requests = 0; requests < 3; requests++) {
      const next = await get(context, port, own);
      assert.deepEqual([next.body, next.field('set-cookie')], [first.body, undefined]);
    }
  }
  assert.equal(begun.size, 4, 'sessions begin everywhere');
  // Neither what is no session, nor one of another rule, leads anywhere.
  for (const text of ['session=x', 'session=', 'session="', 'sessions=1'])
    assert.notEqual((await get(context, port, `Cookie: ${text}\r\n`)).field('set-cookie'), undefined, text);
  const { field } = await get(context, port);
  proxy.take(split(port, backends, { ...cookie, name: 'other' }));
  const renamed = (field('set-cookie') ?? '').split(';')[0]?.replace('session=', 'other=') ?? '';
  assert.notEqual((await get(context, port, `Cookie: ${renamed}\r\n`)).field('set-cookie'), undefined);
});

test('a session whose pod is gone begins anew, and stays where it then is', async context => {
  const backends = await startAll(context);
  const port = await freePort();
  const proxy = await startTestWorker(context, split(port, backends, cookie));
  const first = await get(context, port);
  const before = `Cookie: ${first.field('set-cookie')?.split(';')[0]}\r\n`;
  const table = split(port, backends, cookie);
  const index = ['a1', 'a2', 'b1', 'b2'].indexOf(first.body);
  const name = first.body.slice(0, 1);
  const left = [at(backends[index ^ 1]?.port ?? 0)];
  proxy.take({
    ...table,
    backends: { ...table.backends, [name]: { service: 's', port: 80, endpoints: left } },
  });
  const second = await get(context, port, before);
  assert.equal(second.body, `${name}${first.body.endsWith('1') ? 2 : 1}`, 'another pod of the same Service');
  const after = `Cookie: ${second.field('set-cookie')?.split(';')[0]}\r\n`;
  for (let requests = 0; requests < 5; requests++)
    assert.equal((await get(context, port, after)).body, second.body);
  // A pod that takes no connection, before anybody has told that it is gone.
  backends[index ^ 1]?.server.close();
  for (const socket of backends[index ^ 1]?.sockets ?? []) socket.destroy();
  proxy.take(table);
  const third = await get(context, port, after);
  assert.equal(third.body, first.body);
  assert.notEqual(third.field('set-cookie'), undefined);
});

test('a header does as a cookie, a session ends after its time, and one that lasts says how long', async context => {
  const backends = await startAll(context);
  const port = await freePort();
  const header: TableSessionPersistence = { ...cookie, type: 'Header', name: 'Session' };
  const proxy = await startTestWorker(context, split(port, backends, header));
  const first = await get(context, port);
  const token = first.field('session') ?? '';
  assert.doesNotMatch(token, /of-the-backend/);
  for (let requests = 0; requests < 8; requests++)
    assert.equal((await get(context, port, `session: ${token}\r\n`)).body, first.body);
  // It began a moment ago, and holds for less than that.
  proxy.take(split(port, backends, { ...header, absoluteTimeout: 0.001 }));
  const next = await get(context, port, `session: ${token}\r\n`);
  assert.notEqual(next.field('session') ?? 'of-the-backend', 'of-the-backend');
  proxy.take(
    split(port, backends, { ...cookie, path: '/shop', lifetime: 'Permanent', absoluteTimeout: 3_600_000 }),
  );
  assert.match((await get(context, port)).field('set-cookie') ?? '', /; Path=\/shop; Max-Age=3600; HttpOnly/);
  proxy.take(split(port, backends, { ...cookie, path: '/a;Domain=example' }));
  assert.match((await get(context, port)).field('set-cookie') ?? '', /; Path=\/; HttpOnly/);
});
