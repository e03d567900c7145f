import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { silentLog } from '../../../base/log.ts';
import { createClientOver } from '../../../kube/client.ts';
import { FakeApi } from '../../../kube/fake-api.ts';
import { ManualClock } from '../../../kube/manual-clock.ts';
import { LEASES, NODES } from '../../../kube/resources.ts';
import type { Node } from '../../../kube/types/core.ts';
import type { PodNetwork } from '../sandbox/network.ts';
import { readMachine } from './machine.ts';
import { runNodeAgent } from './node-agent.ts';

const readyOf = (node: Node) => node.status?.conditions?.find(each => each.type === 'Ready')?.status;

test('a node that was set to Unknown while it was silent says within ten seconds that it is ready', async () => {
  const clock = new ManualClock();
  const api = new FakeApi([NODES, LEASES]);
  const client = createClientOver(api, { clock });
  const end = new AbortController();
  const agent = runNodeAgent({
    node: { name: 'node-1', link: 1, addresses: ['172.30.0.1'] },
    machine: readMachine(),
    client,
    // A test's double: only `status` is asked.
    network: { status: () => Promise.resolve() } as unknown as PodNetwork,
    clock,
    log: silentLog,
    signal: end.signal,
  });
  const get = () => client.get(NODES, { name: 'node-1' }).catch(() => undefined);
  const untilReady = async () => {
    for (let turns = 0; turns < 200; turns++) {
      const node = await get();
      if (node !== undefined && readyOf(node) === 'True') return true;
      await turn();
    }
    return false;
  };
  assert.ok(await untilReady(), 'a new node should get ready');

  const node = await get();
  assert.ok(node !== undefined);
  const conditions = node.status?.conditions?.map(each =>
    each.type === 'Ready' ? { ...each, status: 'Unknown' as const, reason: 'NodeStatusUnknown' } : each,
  );
  await client.update(
    NODES,
    { ...node, status: { ...node.status, conditions: conditions ?? [] } },
    { subresource: 'status' },
  );
  const writes = () =>
    api.requests.filter(each => each.startsWith('PATCH /api/v1/nodes/node-1/status')).length;
  const before = writes();
  for (let step = 0; step < 2; step++) {
    clock.advance(5000);
    for (let turns = 0; turns < 20; turns++) await turn();
  }
  assert.ok(await untilReady(), 'the node should say again that it is ready');
  assert.equal(writes(), before + 1, 'it is said once');
  for (let step = 0; step < 4; step++) {
    clock.advance(5000);
    for (let turns = 0; turns < 20; turns++) await turn();
  }
  assert.equal(writes(), before + 1, 'what the API knows is not written again');
  end.abort(new Error('the test is over'));
  await agent;
});
