import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../base/log.ts';
import { createClientOver } from '../kube/client.ts';
import { FakeApi } from '../kube/fake-api.ts';
import { ManualClock } from '../kube/manual-clock.ts';
import { ENDPOINT_SLICES, NAMESPACES, SERVICES } from '../kube/resources.ts';
import type { Service } from '../kube/types/service.ts';
import { ClusterNames } from './compile-cluster.ts';
import { followCluster } from './follow-cluster.ts';
import { keyOfName, types } from './wire/index.ts';

const service = (name: string, address: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { clusterIP: address, clusterIPs: [address] },
});

test('names follow the API server, and what went while nobody looked goes with the first list', async context => {
  const api = new FakeApi([SERVICES, ENDPOINT_SLICES, NAMESPACES]);
  const clock = new ManualClock();
  const stop = new AbortController();
  context.after(() => stop.abort(new Error('the test has ended')));
  const names = new ClusterNames({
    clusterDomain: 'cluster.local',
    dnsAddresses: ['10.96.0.10'],
    prefixes: [],
    serial: 1,
  });
  const outcome = (name: string) =>
    names.decide(keyOfName(`${name}.default.svc.cluster.local`), types.A).outcome;
  const old = {
    namespace: 'default',
    name: 'old',
    kind: 'cluster',
    addresses: ['10.96.1.9'],
    ports: [],
  } as const;
  names.putAll({ namespaces: ['default'], services: [old], slices: [] });
  api.store.put(SERVICES, service('web', '10.96.1.1'));
  assert.deepEqual([outcome('old'), outcome('web')], ['answer', 'not-yet']);

  const client = createClientOver(api, { clock });
  const following = followCluster({ client, names, clock, log: silentLog, signal: stop.signal });
  await following.synced;
  assert.deepEqual([outcome('old'), outcome('web'), outcome('new')], ['no-name', 'answer', 'no-name']);

  const until = async (sentence: string, holds: () => boolean) => {
    for (let turn = 0; turn < 500 && !holds(); turn++) await new Promise(resolve => setImmediate(resolve));
    assert.ok(holds(), sentence);
  };
  api.store.put(SERVICES, service('new', '10.96.1.2'));
  await until('a new Service is answered', () => outcome('new') === 'answer');
  api.store.remove(SERVICES, 'default/web');
  await until('a deleted one is absent', () => outcome('web') === 'no-name');
});
