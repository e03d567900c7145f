import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Endpoint, EndpointSlice } from '../../../kube/types/discovery.ts';
import type { Service } from '../../../kube/types/service.ts';
import type { EndpointGroup } from './desired.ts';
import { ENDPOINTS_A_SLICE, MANAGED_BY, isManaged, ownerOf, planSlices, serviceKeyOf } from './plan.ts';
import { TriggerTimes } from './trigger-times.ts';

const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: 'service',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { app: 'web', 'service.kubernetes.io/headless': 'a lie' },
  },
  spec: {},
};

const endpoint = (index: number, ready = true): Endpoint => ({
  addresses: [`10.244.${index >> 8}.${index & 255}`],
  conditions: { ready, serving: ready, terminating: false },
  nodeName: 'node-1',
  targetRef: { kind: 'Pod', namespace: 'shop', name: `pod-${index}`, uid: `uid-${index}` },
});

const group = (endpoints: readonly Endpoint[], port = 8080): EndpointGroup => ({
  addressType: 'IPv4',
  ports: [{ name: '', port, protocol: 'TCP' }],
  endpoints,
});

/** What the API holds after a plan. */
class Slices {
  #next = 0;
  all: readonly EndpointSlice[] = [];

  apply(desired: readonly EndpointGroup[]): { readonly writes: number } {
    const { create, update, remove } = planSlices(ownerOf(service), desired, this.all);
    const gone = new Set(remove);
    const updated = new Map(update.map(slice => [slice.metadata.name, slice]));
    this.all = [
      ...this.all.filter(slice => !gone.has(slice)).map(slice => updated.get(slice.metadata.name) ?? slice),
      ...create.map(slice => ({ ...slice, metadata: { ...slice.metadata, name: `web-${this.#next++}` } })),
    ];
    return { writes: create.length + update.length + remove.length };
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

test('a first slice says whose it is', () => {
  const slices = new Slices();
  slices.apply([group([endpoint(1)])]);
  const [slice] = slices.all;
  assert.ok(slice !== undefined && isManaged(slice));
  assert.equal(serviceKeyOf(slice), 'shop/web');
  assert.equal(slice.metadata.generateName, 'web-');
  assert.deepEqual(slice.metadata.labels, {
    app: 'web',
    'kubernetes.io/service-name': 'web',
    'endpointslice.kubernetes.io/managed-by': MANAGED_BY,
  });
  assert.deepEqual(slice.metadata.ownerReferences, [
    {
      apiVersion: 'v1',
      kind: 'Service',
      name: 'web',
      uid: 'service',
      controller: true,
      blockOwnerDeletion: true,
    },
  ]);
});

test('nothing is written when nothing differs, and one slice when one endpoint changes', () => {
  const slices = new Slices();
  assert.equal(slices.apply([group(range(0, 250).map(index => endpoint(index)))]).writes, 3);
  assert.equal(slices.apply([group(range(0, 250).map(index => endpoint(index)))]).writes, 0);
  assert.equal(slices.apply([group(range(0, 250).map(index => endpoint(index, index !== 120)))]).writes, 1);
  assert.equal(
    slices.apply([group(range(0, 251).map(index => endpoint(index)))]).writes,
    2,
    'the changed one, and one with room',
  );
});

test('new endpoints go where something is written anyway', () => {
  const slices = new Slices();
  slices.apply([group(range(0, 150).map(index => endpoint(index)))]);
  // One of the full slice goes and two come: the slice that loses one takes one; the other has to take the second.
  assert.equal(slices.apply([group([...range(1, 151), 151].map(index => endpoint(index)))]).writes, 2);
  assert.equal(slices.apply([group([...range(2, 152), 152].map(index => endpoint(index)))]).writes, 1);
});

test('the last endpoint leaves an empty slice, the first takes its place, another port replaces it', () => {
  const slices = new Slices();
  const empty: EndpointGroup = { addressType: 'IPv4', ports: [], endpoints: [] };
  assert.equal(slices.apply([empty]).writes, 1);
  assert.equal(slices.apply([empty]).writes, 0);
  slices.apply([group([endpoint(1)])]);
  assert.deepEqual(
    slices.all.map(slice => slice.ports?.[0]?.port),
    [8080],
  );
  slices.apply([group([endpoint(1)], 9090)]);
  assert.deepEqual(
    slices.all.map(slice => slice.ports?.[0]?.port),
    [9090],
  );
  slices.apply([empty]);
  assert.deepEqual(
    slices.all.map(slice => slice.endpoints),
    [[]],
  );
});

test('whatever came before, the slices say what is desired, none too full, and then rest', () => {
  const pods = fc.uniqueArray(fc.nat(600), { maxLength: 320 });
  fc.assert(
    fc.property(fc.array(fc.tuple(pods, fc.nat(1)), { minLength: 1, maxLength: 5 }), steps => {
      const slices = new Slices();
      for (const [indexes, port] of steps) {
        const desired = [
          group(
            indexes.map(index => endpoint(index)),
            8080 + port,
          ),
        ];
        slices.apply(desired);
        const told = slices.all.flatMap(slice =>
          (slice.endpoints ?? []).map(one => one.targetRef?.name ?? ''),
        );
        assert.deepEqual(told.toSorted(), indexes.map(index => `pod-${index}`).toSorted());
        assert.ok(slices.all.every(slice => (slice.endpoints ?? []).length <= ENDPOINTS_A_SLICE));
        assert.ok(indexes.length === 0 || slices.all.every(slice => (slice.endpoints ?? []).length > 0));
        assert.equal(slices.apply(desired).writes, 0);
      }
    }),
    { numRuns: 60 },
  );
});

test('a slice tells when the change began, as long as there is one', () => {
  const triggers = new TriggerTimes();
  const ready = (name: string, at: string) => ({
    apiVersion: 'v1' as const,
    kind: 'Pod' as const,
    metadata: { name },
    spec: { containers: [] },
    status: { conditions: [{ type: 'Ready', status: 'True' as const, lastTransitionTime: at }] },
  });
  const first = ready('a', '2026-01-01T00:00:05Z');
  assert.equal(
    triggers.next('web', service, [first]),
    '2026-01-01T00:00:00Z',
    'the Service is the oldest news',
  );
  assert.equal(
    triggers.next('web', service, [first]),
    '2026-01-01T00:00:00Z',
    'and stays so until it is written',
  );
  triggers.written('web');
  assert.equal(triggers.next('web', service, [first]), undefined);
  const later = [ready('a', '2026-01-01T00:01:00Z'), ready('b', '2026-01-01T00:00:30Z')];
  assert.equal(triggers.next('web', service, later), '2026-01-01T00:00:30Z');
  triggers.forget('web');
  assert.equal(triggers.next('web', service, later), '2026-01-01T00:00:00Z');
});

test('a slice whose ports change is written again under its name', () => {
  const slices = new Slices();
  slices.apply([group([endpoint(1), endpoint(2)])]);
  const [before] = slices.all;
  assert.deepEqual(slices.apply([group([endpoint(1), endpoint(2)], 9090)]), { writes: 1 });
  assert.equal(slices.all.length, 1);
  assert.equal(slices.all[0]?.metadata.name, before?.metadata.name);
  assert.equal(slices.all[0]?.ports?.[0]?.port, 9090);
});
