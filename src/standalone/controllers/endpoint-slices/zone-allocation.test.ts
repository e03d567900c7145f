import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../../../kube/types/core.ts';
import type { Endpoint } from '../../../kube/types/discovery.ts';
import type { EndpointGroup } from './desired.ts';
import { isShared, shareOut } from './zone-allocation.ts';

const node = (zone: string | undefined, cpu = '4', ready = 'True'): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: `${zone}-${cpu}`,
    ...(zone === undefined ? {} : { labels: { 'topology.kubernetes.io/zone': zone } }),
  },
  spec: {},
  status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: ready as 'True' }] },
});

const group = (...zones: readonly (string | undefined)[]): EndpointGroup => ({
  addressType: 'IPv4',
  ports: [],
  endpoints: zones.map((zone, index): Endpoint => ({
    addresses: [`10.244.0.${index + 1}`],
    conditions: { ready: true },
    ...(zone === undefined ? {} : { zone }),
  })),
});

const counts = (groups: readonly EndpointGroup[]) => {
  const hints = groups.flatMap(({ endpoints }) =>
    endpoints.flatMap(endpoint => endpoint.hints?.forZones?.map(({ name }) => name) ?? []),
  );
  return Object.fromEntries(
    [...Map.groupBy(hints, zone => zone)]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([zone, all]) => [zone, all.length]),
  );
};

test('each zone gets as many endpoints as it has of the CPUs; those of its own first', () => {
  const nodes = [node('a'), node('b')];
  const even = shareOut([group('a', 'a', 'b', 'b')], nodes);
  assert.deepEqual(counts(even.groups), { a: 2, b: 2 });
  const uneven = shareOut([group('a', 'a', 'a', 'a', 'b', 'b')], nodes);
  assert.deepEqual(counts(uneven.groups), { a: 3, b: 3 });
  for (const { hints, zone } of uneven.groups[0]?.endpoints ?? [])
    if (zone === 'b')
      assert.deepEqual(hints?.forZones, [{ name: 'b' }], 'nobody is moved who is wanted at home');
  const larger = shareOut([group('a', 'a', 'a', 'b', 'b', 'b')], [node('a', '8'), node('b', '4')]);
  assert.deepEqual(counts(larger.groups), { a: 4, b: 2 });
  assert.deepEqual(
    [even, uneven, larger].flatMap(({ refusals }) => refusals),
    [],
  );
});

test('where zones cannot be served without too much for one, nobody gets hints, and it is said why', () => {
  const nodes = [node('a'), node('b')];
  for (const [groups, all, why] of [
    [[group('a')], nodes, /Insufficient number of Endpoints/],
    [[group('a', 'b')], [node('a'), node(undefined)], /Insufficient Node information/],
    [[group('a', 'b')], [node('a'), node('b', '4', 'False')], /only ready in one zone/],
    [[group('a', undefined)], nodes, /do not have a zone/],
    [[group('a', 'b', 'c')], [node('a'), node('b'), node('c')], undefined],
    [[group('a', 'b')], [node('a', '9'), node('b', '1')], /overload threshold/],
    [[group('a', 'b', 'b')], [node('a', '67'), node('b', '33'), node('c', '1')], /overload threshold/],
  ] as const) {
    const { groups: shared, refusals } = shareOut(groups, all);
    if (why === undefined) assert.deepEqual(refusals, []);
    else {
      assert.match(refusals.join(), why);
      assert.deepEqual(counts(shared), {});
    }
  }
});

test('a Service asks for it by its annotation, also by the former one', () => {
  const service = (annotations: Record<string, string>) =>
    isShared({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', annotations }, spec: {} });
  assert.equal(service({ 'service.kubernetes.io/topology-mode': 'Auto' }), true);
  assert.equal(service({ 'service.kubernetes.io/topology-aware-hints': 'auto' }), true);
  assert.equal(service({ 'service.kubernetes.io/topology-mode': 'Disabled' }), false);
});
