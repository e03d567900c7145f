import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../testing/in-process.ts';
import type { Json, TestServer } from '../testing/in-process.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

const told = (events: readonly Json[]): readonly string[] =>
  events.map(event => `${String(event['type'])} ${String(event['object']?.['metadata']?.['name'])}`);

async function put(server: TestServer, name: string, app: string): Promise<void> {
  const body = { metadata: { name, labels: { app } } };
  const changed = await server.call('PUT', `${CONFIG_MAPS}/${name}`, { body });
  if (changed.status === 404) await server.call('POST', CONFIG_MAPS, { body });
}

test('a watch begins with what is there and goes on with every change, in order', async () => {
  await using server = await startTestServer();
  await put(server, 'a', '1');
  const watch = await server.watch(`${CONFIG_MAPS}?watch=true`);
  await put(server, 'a', '2');
  await put(server, 'b', '1');
  await server.call('DELETE', `${CONFIG_MAPS}/a`);
  const events = await watch.take(4);
  assert.deepEqual(told(events), ['ADDED a', 'MODIFIED a', 'ADDED b', 'DELETED a']);
  const versions = events.map(event => Number(event['object']?.['metadata']?.['resourceVersion']));
  assert.deepEqual(
    versions,
    versions.toSorted((x, y) => x - y),
  );
  watch.close();
});

test('a watch resumes where a list ended, without a gap', async () => {
  await using server = await startTestServer();
  await put(server, 'a', '1');
  const revision = String((await server.call('GET', CONFIG_MAPS)).json['metadata']?.['resourceVersion']);
  await put(server, 'b', '1');
  const watch = await server.watch(`${CONFIG_MAPS}?watch=true&resourceVersion=${revision}`);
  await put(server, 'c', '1');
  assert.deepEqual(told(await watch.take(2)), ['ADDED b', 'ADDED c']);
  watch.close();
});

test('an object that enters or leaves the selection is added or deleted for the watcher', async () => {
  await using server = await startTestServer();
  await put(server, 'a', 'web');
  const watch = await server.watch(`${CONFIG_MAPS}?watch=1&labelSelector=app%3Dweb`);
  await put(server, 'a', 'other');
  await put(server, 'a', 'again-other');
  await put(server, 'a', 'web');
  await server.call('DELETE', `${CONFIG_MAPS}/a`);
  const events = await watch.take(4);
  assert.deepEqual(told(events), ['ADDED a', 'DELETED a', 'ADDED a', 'DELETED a']);
  assert.equal(events[1]?.['object']?.['metadata']?.['labels']?.['app'], 'web', 'shown as it was last seen');
  watch.close();
});

test('a version that is too old is told so in the stream, and one of the future in the answer', async () => {
  await using server = await startTestServer();
  await put(server, 'a', '1');
  await server.restart();
  const watch = await server.watch(`${CONFIG_MAPS}?watch=true&resourceVersion=1`);
  const [event] = await watch.take(1);
  assert.deepEqual(
    [event?.['type'], event?.['object']?.['code'], event?.['object']?.['reason']],
    ['ERROR', 410, 'Expired'],
  );
  assert.ok(watch.ended);
  assert.equal((await server.call('GET', `${CONFIG_MAPS}?watch=true&resourceVersion=99999`)).status, 504);
});

test('a streaming list sends what is there, marks its end with a bookmark, and goes on', async () => {
  await using server = await startTestServer();
  await put(server, 'a', '1');
  const options = 'watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';
  const watch = await server.watch(`${CONFIG_MAPS}?${options}`);
  await put(server, 'b', '1');
  const events = await watch.take(3);
  assert.deepEqual(
    events.map(event => event['type']),
    ['ADDED', 'BOOKMARK', 'ADDED'],
  );
  assert.deepEqual(events[1]?.['object']?.['metadata']?.['annotations'], {
    'k8s.io/initial-events-end': 'true',
  });
  watch.close();
  const without = await server.call('GET', `${CONFIG_MAPS}?watch=1&sendInitialEvents=true`);
  assert.equal(without.status, 422);
});

test('a watch ends after its timeout, with a bookmark for the next one', async () => {
  await using server = await startTestServer();
  const watch = await server.watch(`${CONFIG_MAPS}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true`);
  const [bookmark] = await watch.take(1);
  assert.equal(bookmark?.['type'], 'BOOKMARK');
  assert.ok(watch.ended);
});

test('a table watch names its columns once', async () => {
  await using server = await startTestServer();
  const watch = await server.watch(`${CONFIG_MAPS}?watch=1`, 'application/json;as=Table;v=v1;g=meta.k8s.io');
  await put(server, 'a', '1');
  await put(server, 'a', '2');
  const [first, second] = await watch.take(2);
  assert.equal(first?.['object']?.['columnDefinitions']?.length, 1);
  assert.equal(second?.['object']?.['columnDefinitions'], null);
  assert.deepEqual(second?.['object']?.['rows']?.[0]?.['cells'], ['a']);
  watch.close();
});

test('a watch of one name hears of no other', async () => {
  await using server = await startTestServer();
  const watch = await server.watch(`${CONFIG_MAPS}?watch=1&fieldSelector=metadata.name%3Db`);
  await put(server, 'a', '1');
  await put(server, 'bb', '1');
  await put(server, 'b', '1');
  assert.deepEqual(told(await watch.take(1)), ['ADDED b']);
  watch.close();
});

test('a slow client is sent what is there at its pace, and then what came meanwhile', async () => {
  await using server = await startTestServer();
  const value = 'x'.repeat(100_000);
  for (let index = 10; index < 40; index++) {
    const body = { metadata: { name: `n${index}` }, data: { value } };
    assert.equal((await server.call('POST', CONFIG_MAPS, { body })).status, 201);
  }
  const watch = await server.watch(
    `${CONFIG_MAPS}?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`,
    undefined,
    { takes: false },
  );
  const before = watch.events.length;
  assert.ok(before < 20, `${before} of 30 objects were sent to a client that took none`);
  await put(server, 'late', '1');
  assert.equal(watch.events.length, before);
  watch.resume();
  const events = await watch.take(32);
  assert.deepEqual(
    events.slice(29).map(event => event['type']),
    ['ADDED', 'BOOKMARK', 'ADDED'],
  );
  assert.equal(events[31]?.['object']?.['metadata']?.['name'], 'late');
  watch.close();
});

test('a client that takes nothing is disconnected before it costs more memory', async () => {
  await using server = await startTestServer();
  const watch = await server.watch(`${CONFIG_MAPS}?watch=1`, undefined, { takes: false });
  for (let count = 0; count < 30 && !watch.ended; count++) {
    const body = { metadata: { name: `n${count}` }, data: { value: 'x'.repeat(900_000) } };
    await server.call('POST', CONFIG_MAPS, { body });
  }
  assert.ok(watch.ended);
  assert.ok(watch.events.length < 20);
});

test('a watch learns soon how far the store is, although nothing of its kind has changed', async () => {
  await using server = await startTestServer();
  const watch = await server.watch('/api/v1/namespaces/default/pods?watch=1&allowWatchBookmarks=true');
  await put(server, 'a', '1');
  const revision = (await server.call('GET', `${CONFIG_MAPS}/a`)).json['metadata']?.['resourceVersion'];
  const [bookmark] = await watch.take(1);
  assert.equal(bookmark?.['type'], 'BOOKMARK');
  assert.equal(bookmark?.['object']?.['metadata']?.['resourceVersion'], revision);
  watch.close();
});

test('hundreds of watches of quiet resources all learn that the store has moved on', async () => {
  await using server = await startTestServer();
  const path = `${CONFIG_MAPS}?watch=1&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dquiet`;
  const watches = await Promise.all(Array.from({ length: 250 }, () => server.watch(path)));
  await put(server, 'a', '1');
  const revision = (await server.call('GET', `${CONFIG_MAPS}/a`)).json['metadata']?.['resourceVersion'];
  for (const watch of watches) {
    const [bookmark] = await watch.take(1);
    assert.deepEqual(
      [bookmark?.['type'], bookmark?.['object']?.['metadata']?.['resourceVersion']],
      ['BOOKMARK', revision],
    );
    watch.close();
  }
});
