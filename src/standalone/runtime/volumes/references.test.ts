import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../kube/types/core.ts';
import { refersTo } from './references.ts';

const pod = (spec: Partial<Pod['spec']>): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'default' },
  spec: { containers: [{ name: 'a', image: 'pause' }], ...spec },
});

test('a pod hears of the ConfigMaps and Secrets that it names, and of no others', () => {
  const map = (name: string) => ({ kind: 'ConfigMap', name }) as const;
  const secret = (name: string) => ({ kind: 'Secret', name }) as const;
  const plain = pod({
    volumes: [
      { name: 'v', configMap: { name: 'm' } },
      { name: 's', secret: { secretName: 'm2' } },
    ],
  });
  assert.deepEqual(
    [map('m'), secret('m'), map('m2'), secret('m2')].map(object => refersTo(plain, object)),
    [true, false, false, true],
  );
  const projected = pod({
    volumes: [
      { name: 'p', projected: { sources: [{ configMap: { name: 'm' } }, { secret: { name: 's' } }] } },
    ],
  });
  assert.deepEqual(
    [map('m'), secret('s'), map('s')].map(object => refersTo(projected, object)),
    [true, true, false],
  );
  const variables = pod({
    containers: [
      {
        name: 'a',
        image: 'pause',
        env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'm', key: 'a' } } }],
        envFrom: [{ secretRef: { name: 's' } }],
      },
    ],
  });
  assert.deepEqual(
    [map('m'), secret('s'), secret('m')].map(object => refersTo(variables, object)),
    [true, true, false],
  );
});
