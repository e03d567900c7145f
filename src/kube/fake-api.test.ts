import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClientOver } from './client.ts';
import { FakeApi } from './fake-api.ts';
import { NODES } from './resources.ts';
import type { Node } from './types/node.ts';

const condition = (type: string, status: 'True' | 'False') => ({ type, status });

test('a strategic patch leaves the conditions of others, a merge patch does not', async () => {
  const api = new FakeApi([NODES]);
  const client = createClientOver(api);
  const node: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'one' },
    status: { conditions: [condition('Ready', 'True')] },
  };
  api.store.put(NODES, node);
  const patch = { status: { conditions: [condition('NetworkUnavailable', 'False')] } };
  const types = (one: Node) => one.status?.conditions?.map(({ type }) => type);
  const key = { name: 'one' };
  const strategic = await client.patch(NODES, key, patch, { type: 'strategic', subresource: 'status' });
  assert.deepEqual(types(strategic), ['Ready', 'NetworkUnavailable']);
  const merged = await client.patch(NODES, key, patch, { type: 'merge', subresource: 'status' });
  assert.deepEqual(types(merged), ['NetworkUnavailable']);
});

test('patches that the fake server does not play are refused', async () => {
  const api = new FakeApi([NODES]);
  const client = createClientOver(api);
  api.store.put(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'one' } });
  const taints = { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } };
  const refused = { status: 415 };
  await assert.rejects(client.patch(NODES, { name: 'one' }, taints, { type: 'strategic' }), refused);
  await assert.rejects(client.patch(NODES, { name: 'one' }, [], { type: 'json' }), refused);
  await assert.rejects(client.patch(NODES, { name: 'one' }, {}, { type: 'apply' }), refused);
});
