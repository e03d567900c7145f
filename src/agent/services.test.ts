import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../base/log.ts';
import { parsePrefix } from '../base/ip.ts';
import type { NftElementChange } from '../kernel/netlink/index.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import { createClientOver } from '../kube/client.ts';
import { FakeApi } from '../kube/fake-api.ts';
import { Informer } from '../kube/informer.ts';
import { ManualClock } from '../kube/manual-clock.ts';
import { ENDPOINT_SLICES, EVENTS, NODES, SERVICES } from '../kube/resources.ts';
import type { Service } from '../kube/types/service.ts';
import { followServices } from './services.ts';

const service = (name: string, address: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name, uid: name },
  spec: { clusterIPs: [address], ports: [{ port: 80 }] },
});

test('a Service that changes before all could be loaded does not take the others out of the kernel', async context => {
  const clock = new ManualClock();
  const api = new FakeApi([SERVICES, ENDPOINT_SLICES, NODES, EVENTS]);
  api.store.put(SERVICES, service('a', '10.96.0.1'));
  const client = createClientOver(api, { clock });
  const stop = new AbortController();
  const nodes = new Informer(client, NODES, { clock });
  nodes.start(stop.signal);
  const written: string[] = [];
  let refusals = 0;
  const worker = {
    addresses: () => (refusals++ === 0 ? Promise.reject(new Error('not now')) : Promise.resolve([])),
    nft: () => Promise.resolve(),
    nftElements: (changes: readonly NftElementChange[]) =>
      Promise.resolve(void written.push(changes.flatMap(({ add }) => add.map(([key]) => key)).join(' '))),
    nftTable: () => Promise.resolve(undefined),
    forgetConnections: () => Promise.resolve(0),
  } as unknown as KernelWorker; // the rest of it is not asked
  const portPrefix = parsePrefix('192.0.2.0/24');
  assert.ok(portPrefix);
  const followed = followServices({
    client,
    node: 'node-1',
    worker,
    announcer: {
      change: () => undefined,
      begin: () => undefined,
      announced: () => [],
      reconcile: () => undefined,
      close: () => Promise.resolve(),
    },
    nodes,
    nodePortPrefixes: [portPrefix],
    servicePrefixes: [],
    mode: { cluster: 'test', file: '', option: 'nftables' },
    dnsAddresses: [],
    clock,
    log: silentLog,
    signal: stop.signal,
  });
  context.after(async () => {
    stop.abort(new Error('the test has ended'));
    await followed.close();
  });
  const until = async (holds: () => boolean) => {
    for (let turn = 0; turn < 2000 && !holds(); turn++) await new Promise(resolve => setImmediate(resolve));
    assert.ok(holds());
  };
  await until(() => refusals === 1);
  api.store.put(SERVICES, service('b', '10.96.0.2'));
  await until(() => followed.informers.services.cache.get('shop/b') !== undefined);
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(written, [], 'nothing is written before everything is known');
  const [problem] = followed.status().problems;
  assert.deepEqual(problem, { object: 'Node/node-1', field: '', sentence: 'not now' }, 'and it is said why');
  clock.advance(60_000);
  await until(() => followed.status().ready);
  assert.deepEqual(followed.status().problems, []);
  assert.match(written[0] ?? '', /10\.96\.0\.1 .*10\.96\.0\.2 /);
});
