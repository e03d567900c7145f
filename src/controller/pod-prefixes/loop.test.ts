import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { createClientOver } from '../../kube/client.ts';
import { FakeApi } from '../../kube/fake-api.ts';
import { ManualClock } from '../../kube/manual-clock.ts';
import { EVENTS, NODES } from '../../kube/resources.ts';
import type { Event } from '../../kube/types/event.ts';
import type { Node } from '../../kube/types/node.ts';
import { startController } from '../index.ts';

const node = (name: string, podCIDRs?: readonly string[]): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  ...(podCIDRs === undefined ? {} : { spec: { podCIDR: podCIDRs[0] ?? '', podCIDRs } }),
});

function cluster(podPrefixes: readonly string[] = ['10.244.0.0/16', 'fd00:10:244::/56']) {
  const api = new FakeApi([NODES, EVENTS]);
  const clock = new ManualClock();
  const start = () => {
    const stop = new AbortController();
    const client = createClientOver(api, { clock });
    startController({ client, podPrefixes, log: silentLog, clock, signal: stop.signal });
    return () => stop.abort(new Error('stopped'));
  };
  const stored = (name: string) => api.store.get(NODES, name) as Node | undefined;
  const prefixes = (...names: string[]) =>
    names.map(name => stored(name)?.spec?.podCIDRs?.join(' ') ?? 'none');
  const reasons = () => api.store.at(EVENTS).map(([, event]) => (event as Event).reason);
  /** Lets simulated time pass until the condition holds. */
  const until = async (sentence: string, holds: () => boolean) => {
    for (let step = 0; step < 300; step++) {
      for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve));
      if (holds()) return;
      clock.advance(200);
    }
    assert.fail(`not within a minute: ${sentence}`);
  };
  return { api, start, stored, prefixes, reasons, until };
}

test('every node gets a prefix of each family, and podCIDR is the first', async () => {
  const { api, start, stored, prefixes, reasons, until } = cluster();
  api.store.put(NODES, node('node-1'));
  const stop = start();
  await until('node-1 has prefixes', () => prefixes('node-1')[0] !== 'none');
  api.store.put(NODES, node('node-2'));
  await until('node-2 has prefixes', () => prefixes('node-2')[0] !== 'none');
  assert.deepEqual(prefixes('node-1', 'node-2'), [
    '10.244.0.0/24 fd00:10:244::/64',
    '10.244.1.0/24 fd00:10:244:1::/64',
  ]);
  assert.equal(stored('node-2')?.spec?.podCIDR, '10.244.1.0/24');
  await until('both are told', () => reasons().length === 2);
  stop();
});

test('after a restart nodes keep what they have, and what a node brings along is respected', async () => {
  const { api, start, prefixes, until } = cluster();
  api.store.put(NODES, node('new-1'));
  api.store.put(NODES, node('old-1', ['10.244.0.0/24', 'fd00:10:244::/64']));
  api.store.put(NODES, node('old-2', ['10.244.2.0/24']));
  const stop = start();
  await until('new-1 has prefixes', () => prefixes('new-1')[0] !== 'none');
  assert.deepEqual(prefixes('new-1', 'old-1', 'old-2'), [
    '10.244.1.0/24 fd00:10:244:1::/64',
    '10.244.0.0/24 fd00:10:244::/64',
    '10.244.2.0/24',
  ]);
  stop();
  const again = start();
  api.store.put(NODES, node('new-2'));
  await until('new-2 has prefixes', () => prefixes('new-2')[0] !== 'none');
  assert.equal(prefixes('new-2')[0], '10.244.3.0/24 fd00:10:244:2::/64');
  again();
});

test('a node that finds no prefix is told so, and gets one as soon as another node leaves', async () => {
  const { api, start, stored, prefixes, reasons, until } = cluster(['10.244.0.0/23']);
  for (const name of ['a', 'b', 'c']) api.store.put(NODES, node(name));
  const stop = start();
  const condition = () => stored('c')?.status?.conditions?.find(({ type }) => type === 'NetworkUnavailable');
  await until(
    'c is told',
    () => condition()?.status === 'True' && reasons().includes('PodPrefixesExhausted'),
  );
  assert.deepEqual(prefixes('a', 'b', 'c'), ['10.244.0.0/24', '10.244.1.0/24', 'none']);
  assert.match(condition()?.message ?? '', /No free IPv4 pod prefix is left for c/);
  api.store.remove(NODES, 'a');
  await until(
    'c has a prefix',
    () => prefixes('c')[0] === '10.244.0.0/24' && condition()?.status === 'False',
  );
  stop();
});

test('where two writers meet the first wins, and the other takes over what it gave', async () => {
  const { api, start, prefixes, until } = cluster();
  const writes = api.store.write.bind(api.store);
  let rival = true;
  api.store.write = (method, ...rest) => {
    if (method === 'PATCH' && rival) {
      rival = false;
      api.store.put(NODES, node('node-1', ['10.244.7.0/24', 'fd00:10:244:7::/64']));
    }
    return writes(method, ...rest);
  };
  api.store.put(NODES, node('node-1'));
  const stop = start();
  await until('the rival wrote', () => !rival);
  api.store.put(NODES, node('node-2'));
  await until('node-2 has prefixes', () => prefixes('node-2')[0] !== 'none');
  assert.deepEqual(prefixes('node-1', 'node-2'), [
    '10.244.7.0/24 fd00:10:244:7::/64',
    '10.244.1.0/24 fd00:10:244:1::/64',
  ]);
  stop();
});

test('nodes with overlapping prefixes are reported, not changed', async () => {
  const { api, start, prefixes, reasons, until } = cluster();
  api.store.put(NODES, node('a', ['10.244.0.0/24']));
  api.store.put(NODES, node('b', ['10.244.0.0/24']));
  const stop = start();
  await until('the overlap is reported', () => reasons().includes('PodPrefixesOverlap'));
  assert.deepEqual(prefixes('a', 'b'), ['10.244.0.0/24', '10.244.0.0/24']);
  stop();
});

test('a server that refuses or forgets only delays the prefixes', async () => {
  const { api, start, prefixes, until } = cluster();
  const stop = start();
  api.faults.refusals.push({ status: 500 }, { status: 0 }, { status: 409 }, { status: 503 });
  for (let index = 0; index < 20; index++) {
    api.store.put(NODES, node(`node-${index}`));
    if (index % 5 === 0) api.endWatches('break');
    if (index % 7 === 0) api.store.forget();
  }
  const names = Array.from({ length: 20 }, (_, index) => `node-${index}`);
  await until('all nodes have prefixes', () => prefixes(...names).every(one => one !== 'none'));
  assert.equal(new Set(prefixes(...names)).size, 20);
  stop();
});
