import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { silentLog } from '../base/log.ts';
import { createClientOver } from '../kube/client.ts';
import { FakeApi } from '../kube/fake-api.ts';
import { ManualClock } from '../kube/manual-clock.ts';
import { ENDPOINT_SLICES, NAMESPACES, PODS, SERVICES } from '../kube/resources.ts';
import type { Namespace, Pod } from '../kube/types/core.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import type { Service } from '../kube/types/service.ts';
import { ClusterNames } from './compile-cluster.ts';
import { followCluster } from './follow-cluster.ts';
import type { FollowOptions } from './follow-cluster.ts';
import { defaultRules } from './model-rules.ts';
import type { NameRules } from './model-rules.ts';
import { keyOfName, types } from './wire/index.ts';

const trigger = 'endpoints.kubernetes.io/last-change-trigger-time';

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

const slice = (name: string, of: string, address: string, more: object = {}): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': of }, ...more },
  addressType: 'IPv4',
  endpoints: [{ addresses: [address] }],
  ports: [],
});

/** A followed cluster, whose objects the test puts. */
async function followed(
  context: TestContext,
  more: Partial<FollowOptions>,
  rules: Partial<NameRules>,
  put: (api: FakeApi) => void,
) {
  const api = new FakeApi([SERVICES, ENDPOINT_SLICES, NAMESPACES, PODS]);
  const clock = new ManualClock();
  const stop = new AbortController();
  context.after(() => stop.abort(new Error('the test has ended')));
  const names = new ClusterNames({
    clusterDomain: 'cluster.local',
    dnsAddresses: ['10.96.0.10'],
    prefixes: [],
    serial: 1,
    rules: { ...defaultRules, ...rules },
  });
  put(api);
  const client = createClientOver(api, { clock });
  const following = followCluster({ client, names, clock, log: silentLog, signal: stop.signal, ...more });
  await following.synced;
  const outcome = (name: string) => names.decide(keyOfName(`${name}.cluster.local`), types.A).outcome;
  const until = async (sentence: string, holds: () => boolean) => {
    for (let turn = 0; turn < 500 && !holds(); turn++) await new Promise(resolve => setImmediate(resolve));
    assert.ok(holds(), sentence);
  };
  return { api, clock, outcome, until };
}

const namespace = (name: string, labels: Readonly<Record<string, string>> = {}): Namespace => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

test('what the selectors do not fit is not shown, and a namespace that comes to fit is', async context => {
  const selected = { labels: 'team=a', namespaceLabels: 'dns=yes' };
  const labelled = (name: string, team: string): Service => {
    const made = service(name, '10.96.1.1');
    return { ...made, metadata: { ...made.metadata, labels: { team } } };
  };
  const { api, outcome, until } = await followed(context, selected, {}, ({ store }) => {
    store.put(NAMESPACES, namespace('default', { dns: 'no' }));
    store.put(SERVICES, labelled('web', 'a'));
    store.put(SERVICES, labelled('other', 'b'));
  });
  assert.deepEqual([outcome('web.default.svc'), outcome('default.svc')], ['no-name', 'no-name']);
  api.store.put(NAMESPACES, namespace('default', { dns: 'yes' }));
  await until('the namespace is shown', () => outcome('web.default.svc') === 'answer');
  assert.equal(outcome('other.default.svc'), 'no-name');
  api.store.put(NAMESPACES, namespace('default', { dns: 'no' }));
  await until('it is hidden again', () => outcome('web.default.svc') === 'no-name');
});

test('verified names of pods are those of pods that there are', async context => {
  const pod = (ip: string): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default' },
    spec: { containers: [] },
    status: { phase: 'Running', podIPs: [{ ip }] },
  });
  const { api, outcome, until } = await followed(context, {}, { pods: 'verified' }, ({ store }) => {
    store.put(NAMESPACES, namespace('default'));
    store.put(PODS, pod('10.244.0.5'));
  });
  assert.deepEqual(
    [outcome('10-244-0-5.default.pod'), outcome('10-244-0-6.default.pod')],
    ['answer', 'no-name'],
  );
  api.store.put(PODS, pod('10.244.0.6'));
  await until('the new address is there', () => outcome('10-244-0-6.default.pod') === 'answer');
  assert.equal(outcome('10-244-0-5.default.pod'), 'no-name');
});

test('changes of endpoints are measured from when they came to be, by kind of Service', async context => {
  const seen: (readonly [string, number])[] = [];
  const headless = (name: string, selector?: Readonly<Record<string, string>>): Service => ({
    ...service(name, 'None'),
    spec: { clusterIP: 'None', ...(selector === undefined ? {} : { selector }) },
  });
  const onProgrammed = (kind: string, seconds: number) => void seen.push([kind, seconds]);
  const { api, clock, until } = await followed(context, { onProgrammed }, {}, ({ store }) => {
    store.put(SERVICES, service('web', '10.96.1.1'));
    store.put(SERVICES, headless('db', { app: 'db' }));
    store.put(SERVICES, headless('hand'));
    store.put(
      ENDPOINT_SLICES,
      slice('old', 'web', '10.244.0.1', { annotations: { [trigger]: '2026-01-01T00:00:00Z' } }),
    );
  });
  const ago = (seconds: number) => new Date(clock.now() - seconds * 1000).toISOString();
  assert.equal(seen.length, 0, 'what was there before says nothing');
  api.store.put(ENDPOINT_SLICES, slice('web-1', 'web', '10.244.0.2', { annotations: { [trigger]: ago(2) } }));
  api.store.put(ENDPOINT_SLICES, slice('db-1', 'db', '10.244.0.3', { annotations: { [trigger]: ago(3) } }));
  api.store.put(ENDPOINT_SLICES, slice('hand-1', 'hand', '192.0.2.1'));
  await until('three are measured', () => seen.length === 3);
  assert.deepEqual(
    new Map(seen.map(([kind, seconds]) => [kind, Math.round(seconds)])),
    new Map([
      ['cluster_ip', 2],
      ['headless_with_selector', 3],
      // The fake API says when it was made, which is after what this clock says.
      ['headless_without_selector', 0],
    ]),
  );
});
