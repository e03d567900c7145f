import assert from 'node:assert/strict';
import { test } from 'node:test';
import { threeWayPatch } from './three-way-patch.ts';

test('what the server added on its own stays, and needs no change', () => {
  const manifest = { spec: { replicas: 2, containers: [{ name: 'a', image: 'x' }] } };
  const live = {
    spec: { replicas: 2, paused: false, containers: [{ name: 'a', image: 'x', imagePullPolicy: 'Always' }] },
    status: { replicas: 2 },
  };
  assert.equal(threeWayPatch(manifest, manifest, live), undefined);
});

test('a changed field is set, and nothing else is touched', () => {
  const before = { spec: { replicas: 2, selector: { a: 'b' } } };
  const wanted = { spec: { replicas: 3, selector: { a: 'b' } } };
  assert.deepEqual(threeWayPatch(before, wanted, before), { spec: { replicas: 3 } });
});

test('a field that the manifest had and has no more is removed; a field of others is not', () => {
  const before = { metadata: { labels: { ours: '1', both: '2' } } };
  const wanted = { metadata: { labels: { both: '2' } } };
  const live = { metadata: { labels: { ours: '1', both: '2', theirs: '3' } } };
  assert.deepEqual(threeWayPatch(before, wanted, live), { metadata: { labels: { ours: null } } });
});

test('a field that someone else changed comes back', () => {
  const manifest = { spec: { replicas: 2 } };
  assert.deepEqual(threeWayPatch(manifest, manifest, { spec: { replicas: 5 } }), { spec: { replicas: 2 } });
});

test('a field removed inside of a list replaces the list', () => {
  const before = { containers: [{ name: 'a', env: ['x'] }] };
  const wanted = { containers: [{ name: 'a' }] };
  assert.deepEqual(threeWayPatch(before, wanted, before), { containers: [{ name: 'a' }] });
});

test('an object that was never applied gets what is wanted, and loses nothing', () => {
  assert.deepEqual(threeWayPatch({}, { data: { a: '1' } }, { data: { b: '2' } }), { data: { a: '1' } });
});

test('null in a manifest removes a field that is there, and is silent about one that is not', () => {
  assert.deepEqual(threeWayPatch({}, { a: null, b: null }, { a: 1 }), { a: null });
});
