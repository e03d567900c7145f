import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodTemplateSpec } from '../../../kube/types/apps.ts';
import { TEMPLATE_HASH_LABEL, sameTemplate, templateHash } from './template.ts';

const template: PodTemplateSpec = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'web:1', env: [{ name: 'A', value: '1' }] }] },
};

test('the order of fields, the hash label and empty fields make no difference', () => {
  const other = {
    spec: {
      containers: [
        { env: [{ value: '1', name: 'A' }], image: 'web:1', name: 'web', resources: {}, ports: [] },
      ],
      nodeSelector: {},
    },
    metadata: { labels: { [TEMPLATE_HASH_LABEL]: 'abc', app: 'web' }, annotations: {} },
  };
  assert.ok(sameTemplate(template, other));
  assert.equal(templateHash(template, 0), templateHash(other, 0));
});

test('an empty object that says something makes a difference', () => {
  const volume = (source: object): PodTemplateSpec => ({
    ...template,
    spec: { ...template.spec, volumes: [{ name: 'data', ...source }] },
  });
  assert.ok(!sameTemplate(volume({ emptyDir: {} }), volume({})));
});

test('the order of containers and of variables makes a difference', () => {
  const env = [
    { name: 'B', value: '2' },
    { name: 'A', value: '1' },
  ];
  const withEnv = (list: typeof env): PodTemplateSpec => ({
    ...template,
    spec: { containers: [{ name: 'web', image: 'web:1', env: list }] },
  });
  assert.ok(!sameTemplate(withEnv(env), withEnv(env.toReversed())));
});

test('a collision gives another hash, and hashes are safe in names', () => {
  const hashes = [0, 1, 2].map(count => templateHash(template, count));
  assert.equal(new Set(hashes).size, 3);
  for (const hash of hashes) assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{10}$/);
});
