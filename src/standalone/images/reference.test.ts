import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatImageReference, parseImageReference } from './reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

const cases: readonly (readonly [string, string | undefined])[] = [
  ['busybox', 'docker.io/library/busybox:latest'],
  ['busybox:1.36', 'docker.io/library/busybox:1.36'],
  ['org/app', 'docker.io/org/app:latest'],
  ['localhost/app:1', 'localhost/app:1'],
  ['localhost:5000/app', 'localhost:5000/app:latest'],
  ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
  ['registry.k8s.io/e2e-test-images/agnhost:2.53', 'registry.k8s.io/e2e-test-images/agnhost:2.53'],
  [`busybox@${digest}`, `docker.io/library/busybox@${digest}`],
  [`busybox:1@${digest}`, `docker.io/library/busybox:1@${digest}`],
  ['[::1]:5000/app', '[::1]:5000/app:latest'],
  ['index.docker.io/library/busybox', 'docker.io/library/busybox:latest'],
  ['', undefined],
  ['Busybox', undefined],
  ['busybox:', undefined],
  ['busybox:-1', undefined],
  ['bu..sy/x', undefined],
  ['a b', undefined],
  ['busybox@sha256:abc', undefined],
  ['a'.repeat(300), undefined],
];

for (const [text, expected] of cases) {
  test(`the image reference ${JSON.stringify(text.slice(0, 60))} is ${expected ?? 'refused'}`, () => {
    const reference = parseImageReference(text);
    assert.equal(reference === undefined ? undefined : formatImageReference(reference), expected);
  });
}
