import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../kube/types/meta.ts';
import { lastApplied, withLastApplied } from './last-applied.ts';

const key = 'kubectl.kubernetes.io/last-applied-configuration';
const object = {
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { namespace: 'a', name: 'c' },
  data: { b: '<1>', a: '2' },
};

test('what was applied is written as kubectl 1.32 writes it', () => {
  assert.equal(
    withLastApplied(object).metadata.annotations?.[key],
    String.raw`{"apiVersion":"v1","data":{"a":"2","b":"\u003c1\u003e"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"c","namespace":"a"}}` +
      '\n',
  );
});

test('an annotation that says the same in other words stays as it is', () => {
  const words = JSON.stringify({ ...object, metadata: { ...object.metadata, annotations: {} } }, null, 2);
  const live = { ...object, metadata: { ...object.metadata, annotations: { [key]: words } } };
  assert.equal(withLastApplied(object, live).metadata.annotations?.[key], words);
});

test('a broken annotation counts as none', () => {
  for (const words of ['{', '[]', 'null', '"x"']) {
    const live: KubeObject = { ...object, metadata: { ...object.metadata, annotations: { [key]: words } } };
    assert.deepEqual(lastApplied(live), {});
  }
});
