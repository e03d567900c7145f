import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowVerdict } from '../base/flow-event.ts';
import { whyText } from './why.ts';

const side = (direction: 'egress' | 'ingress') =>
  ({ direction, allowed: true, reason: 'no-pod', isolatedBy: [], considered: [], misses: [] }) as const;

const textOf = (verdict: FlowVerdict) =>
  whyText({
    event: {
      id: 'node-1/1',
      at: '2026-01-01T00:00:00.000Z',
      last: '2026-01-01T00:00:00.000Z',
      node: 'node-1',
      source: { address: '10.244.0.1' },
      destination: { address: '10.244.0.2' },
      protocol: 'TCP',
      verdict,
      direction: 'egress',
      packets: 1,
      why: { rule: 'egress-1', sentence: 'why', policies: [], misses: [] },
    },
    now: { allowed: true, egress: side('egress'), ingress: side('ingress') },
  });

test('an audited event says that policies which are only tried are asked, too', () => {
  assert.match(textOf('audited'), /What the policies would say to it now, with those that are only tried:/);
  assert.match(textOf('dropped'), /What the policies in force say to it now:/);
});
