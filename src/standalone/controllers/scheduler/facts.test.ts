import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod } from '../../../kube/types/core.ts';
import { requestsOf } from './facts.ts';

const container = (cpu: string, restartPolicy?: 'Always'): Container => ({
  name: `c${cpu}`,
  image: 'x',
  resources: { requests: { cpu } },
  ...(restartPolicy === undefined ? {} : { restartPolicy }),
});

function cpuOf(containers: readonly Container[], initContainers: readonly Container[] = []): bigint {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers, initContainers, overhead: { cpu: '10m' } },
  };
  return (requestsOf(pod).get('cpu') ?? 0n) / 1_000_000n;
}

test('a pod asks for the sum of its containers and the overhead', () => {
  assert.equal(cpuOf([container('100m'), container('200m')]), 310n);
});

test('an init container counts only where it asks for more than all that run later', () => {
  assert.equal(cpuOf([container('100m')], [container('500m'), container('300m')]), 510n);
  assert.equal(cpuOf([container('600m')], [container('500m')]), 610n);
});

test('a sidecar runs beside the init containers after it, and beside the containers', () => {
  assert.equal(cpuOf([container('100m')], [container('50m', 'Always'), container('500m')]), 560n);
  assert.equal(cpuOf([container('600m')], [container('500m'), container('50m', 'Always')]), 660n);
});

test('a limit without a request is a request', () => {
  assert.equal(cpuOf([{ name: 'c', image: 'x', resources: { limits: { cpu: '2' } } }]), 2010n);
});
