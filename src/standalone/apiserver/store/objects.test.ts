import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kind } from '../kind.ts';
import { startTestServer } from '../testing/in-process.ts';
import { TEST_KINDS } from '../testing/kinds.ts';

const configMap = TEST_KINDS.find(kind => kind.kind === 'ConfigMap');
assert.ok(configMap);

/** ConfigMaps as another group shows them: `data` is called `content`. */
const VIEW: Kind = {
  ...configMap,
  group: 'example.com',
  kind: 'Note',
  listKind: 'NoteList',
  plural: 'notes',
  storage: '/configmaps',
  unknownFields: () => [],
  view: {
    toStorage: ({ content, ...rest }) => ({ ...rest, apiVersion: 'v1', kind: 'ConfigMap', data: content }),
    fromStorage: ({ data, ...rest }) => ({
      ...rest,
      apiVersion: 'example.com/v1',
      kind: 'Note',
      content: data,
    }),
  },
};

test('two kinds with one storage show the same objects, each in its own form', async () => {
  await using server = await startTestServer({ kinds: [...TEST_KINDS, VIEW] });
  const maps = '/api/v1/namespaces/default/configmaps';
  const notes = '/apis/example.com/v1/namespaces/default/notes';
  const watch = await server.watch(`${notes}?watch=1`);
  const created = await server.call('POST', notes, {
    body: { metadata: { name: 'a' }, content: { x: '1' } },
  });
  assert.deepEqual(
    [created.status, created.json['kind'], created.json['content']],
    [201, 'Note', { x: '1' }],
  );
  const map = await server.call('GET', `${maps}/a`);
  assert.deepEqual(
    [map.json['kind'], map.json['apiVersion'], map.json['data']],
    ['ConfigMap', 'v1', { x: '1' }],
  );
  const patch = { body: { data: { y: '2' } }, type: 'application/merge-patch+json' };
  await server.call('PATCH', `${maps}/a`, patch);
  const list = await server.call('GET', notes);
  assert.deepEqual(
    list.json['items']?.map(item => item['content']),
    [{ x: '1', y: '2' }],
  );
  const patched = await server.call('PATCH', `${notes}/a`, { ...patch, body: { content: { x: null } } });
  assert.deepEqual(patched.json['content'], { y: '2' });
  const [added, modified] = await watch.take(2);
  assert.deepEqual(
    [added?.['object']?.['kind'], modified?.['object']?.['content']],
    ['Note', { x: '1', y: '2' }],
  );
  watch.close();
});
