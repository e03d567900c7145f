import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowEvent } from '../base/flow-event.ts';
import { flowText, seenOf } from './flows.ts';

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

test('what a log says of a request can neither move the cursor nor look like an event', () => {
  const request = {
    id: 'a',
    method: 'GET',
    host: 'shop.example',
    path: '/\u001b[2J\nall is well\u009b',
    status: 200,
    why: '',
  };
  const text = flowText({ ...event(1), requests: [request] }, true);
  assert.match(text, /GET shop\.example\/\\x1b\[2J\\x0aall is well\\x9b 200/);
  assert.equal(/[^\P{Cc}\n]/u.test(text), false);
  const long = flowText({ ...event(1), requests: [{ ...request, path: 'x'.repeat(1e6) }] }, true);
  assert.ok(long.length < 10_000);
});
