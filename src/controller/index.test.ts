import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../base/log.ts';
import { createClientOver } from '../kube/client.ts';
import { FakeApi } from '../kube/fake-api.ts';
import { ManualClock } from '../kube/manual-clock.ts';
import { EVENTS, LEASES, NODES } from '../kube/resources.ts';
import type { Node } from '../kube/types/node.ts';
import { startControllerWhenElected } from './index.ts';

test('of two replicas one does the work, and the other goes on when it leaves', async () => {
  const api = new FakeApi([NODES, EVENTS, LEASES]);
  const clock = new ManualClock();
  const replica = (identity: string) => {
    const stop = new AbortController();
    const client = createClientOver(api, { clock });
    const podPrefixes = ['10.244.0.0/16'];
    const options = { client, podPrefixes, log: silentLog, clock, signal: stop.signal };
    const ended = startControllerWhenElected({ ...options, identity, namespace: 'kube-system' });
    return {
      leave: async () => {
        stop.abort(new Error('stopped'));
        await ended;
      },
    };
  };
  const prefixesOf = (name: string) =>
    (api.store.get(NODES, name) as Node | undefined)?.spec?.podCIDRs?.join();
  const until = async (sentence: string, holds: () => boolean) => {
    for (let step = 0; step < 300 && !holds(); step++) {
      for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve));
      clock.advance(200);
    }
    assert.ok(holds(), `not within a minute: ${sentence}`);
  };
  const [a, b] = [replica('a'), replica('b')];
  api.store.put(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } });
  await until('node-1 has a prefix', () => prefixesOf('node-1') === '10.244.0.0/24');
  const watches = api.requests.filter(request => request.startsWith('GET /api/v1/nodes?')).length;
  assert.equal(watches, 1, 'the replica that waits does not load the server');
  await a.leave();
  api.store.put(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-2' } });
  await until('node-2 has a prefix', () => prefixesOf('node-2') === '10.244.1.0/24');
  await b.leave();
});
