import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics } from '../base/metrics.ts';
import { ManualClock } from '../kube/manual-clock.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import { ServiceMetrics } from '../services/index.ts';
import { ServiceChanges } from './service-changes.ts';

const slice = (triggered?: string): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: 'web-1',
    namespace: 'shop',
    ...(triggered === undefined
      ? {}
      : { annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': triggered } }),
  },
  addressType: 'IPv4',
  endpoints: [],
  ports: [],
});

test('programming latency counts from what a slice says, once for each change, until it is in force', () => {
  const clock = new ManualClock();
  const registry = new Metrics();
  const metrics = new ServiceMetrics(registry);
  const changes = new ServiceChanges(clock);
  const began = new Date(clock.now() - 4000).toISOString();
  changes.add('shop/web', { after: slice(began) });
  changes.add('shop/web', { before: slice(began), after: slice(began) });
  const taken = changes.take();
  assert.deepEqual(taken.keys(), ['shop/web']);
  changes.putBack(taken);
  clock.advance(20);
  changes.take().observe(metrics);
  const text = registry.text();
  assert.match(text, /network_programming_duration_seconds_count 1\n/);
  assert.match(text, /network_programming_duration_seconds_bucket\{le="3"\} 0\n/);
  assert.match(text, /network_programming_duration_seconds_bucket\{le="5"\} 1\n/);
  assert.match(text, /change_duration_seconds_bucket\{le="0.01"\} 0\n/);
  assert.match(text, /change_duration_seconds_bucket\{le="0.025"\} 1\n/);
});
