import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowEvent } from '../base/flow-event.ts';
import { seenOf } from './flows.ts';

const event = (number: number): FlowEvent => ({
  id: `node-1/${number}`,
  at: '2026-01-01T00:00:00.000Z',
  last: '2026-01-01T00:00:00.000Z',
  node: 'node-1',
  source: { address: '10.244.0.1' },
  destination: { address: '10.244.0.2' },
  protocol: 'TCP',
  verdict: 'dropped',
  direction: 'egress',
  packets: 1,
  why: { rule: 'egress-1', sentence: 'why', policies: [], misses: [] },
});

test('who follows is told of each event once, and of those of an agent that was started anew', () => {
  assert.equal(seenOf(undefined, { events: [], newest: 4 }), undefined);
  assert.equal(seenOf(undefined, { events: [event(3), event(4)], newest: 4 }), 4);
  assert.equal(seenOf(4, { events: [], newest: 6 }), 4);
  assert.equal(seenOf(4, { events: [], newest: 1 }), undefined);
});
