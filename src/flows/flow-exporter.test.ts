import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../base/clock.ts';
import type { FlowEvent } from '../base/flow-event.ts';
import { compileOtlpLogs } from './compile-otlp.ts';
import { FlowExporter } from './flow-exporter.ts';
import type { Reception } from './flow-exporter.ts';

const event = (number: number): FlowEvent => ({
  id: `node-1/${number}`,
  at: '2026-01-01T00:00:00.000Z',
  last: '2026-01-01T00:00:00.000Z',
  node: 'node-1',
  source: { address: '10.244.0.1', port: 40_000, pod: 'shop/web', node: 'node-1' },
  destination: { address: '203.0.113.7', port: 443, names: ['example.com'] },
  protocol: 'TCP',
  verdict: 'dropped',
  direction: 'egress',
  packets: 2,
  why: {
    rule: 'egress-1',
    sentence: 'isolated',
    policies: [
      { kind: 'NetworkPolicy', namespace: 'shop', name: 'deny', uid: '', generation: 1, field: 'spec' },
    ],
    misses: [],
  },
});

/** A clock that lets time pass at once, and a receiver with its answers. */
function world(answers: readonly (Reception | Error)[]) {
  const sent: number[] = [];
  const slept: number[] = [];
  const reasons: string[] = [];
  const done = Promise.withResolvers<void>();
  const stop = new AbortController();
  const clock: Clock = {
    now: () => 0,
    sleep: (milliseconds, signal) => {
      slept.push(milliseconds);
      signal?.throwIfAborted();
      return new Promise(resolve => {
        setImmediate(resolve);
      });
    },
  };
  const exporter: FlowExporter = new FlowExporter({
    send: events => {
      sent.push(events.length);
      const answer = answers[sent.length - 1] ?? { outcome: 'taken' };
      if (sent.length >= answers.length) setImmediate(done.resolve);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    clock,
    onFailure: reason => reasons.push(reason),
    signal: stop.signal,
  });
  return { exporter, sent, slept, reasons, done: done.promise, stop };
}

test('events are sent in batches, and what a receiver wants later is sent again, later each time', async () => {
  const { exporter, sent, slept, reasons, done } = world([
    new Error('nobody there'),
    { outcome: 'later', reason: 'busy' },
    { outcome: 'later', afterMilliseconds: 7000 },
    { outcome: 'taken' },
    { outcome: 'taken' },
  ]);
  for (let index = 0; index < 300; index++) exporter.add(event(index));
  await done;
  assert.deepEqual(sent, [256, 256, 256, 256, 44]);
  assert.deepEqual(slept.slice(0, 4), [1000, 1000, 2000, 7000]);
  assert.deepEqual(exporter.counts, { exported: 300, dropped: 0, failures: 3 });
  assert.equal(reasons.length, 1, 'one run of failures is told once');
});

test('what a receiver refuses is dropped and counted, and so is what is too much to wait', async () => {
  const { exporter, done, reasons } = world([{ outcome: 'refused', reason: 'no such path' }]);
  exporter.add(event(1));
  await done;
  assert.deepEqual(exporter.counts, { exported: 0, dropped: 1, failures: 1 });
  assert.deepEqual(reasons, ['no such path']);
  const full = world([]);
  for (let index = 0; index < 2050; index++) full.exporter.add(event(index));
  assert.equal(full.exporter.counts.dropped, 2);
  full.stop.abort();
});

test('an event is a log record of OTLP, with its ends, verdict and policies', () => {
  const text = JSON.stringify(compileOtlpLogs([event(1)], { cluster: 'default', node: 'node-1' }));
  const { resourceLogs } = JSON.parse(text) as {
    readonly resourceLogs: readonly {
      readonly scopeLogs: readonly {
        readonly logRecords: readonly {
          readonly timeUnixNano: string;
          readonly severityText: string;
          readonly body: { readonly stringValue: string };
          readonly attributes: readonly { readonly key: string; readonly value: object }[];
        }[];
      }[];
    }[];
  };
  const record = resourceLogs[0]?.scopeLogs[0]?.logRecords[0] ?? assert.fail();
  const attributes = Object.fromEntries(record.attributes.map(({ key, value }) => [key, value]));
  assert.equal(record.timeUnixNano, '1767225600000000000');
  assert.equal(record.severityText, 'WARN');
  assert.equal(record.body.stringValue, 'shop/web → example.com dropped: isolated');
  assert.deepEqual(attributes['source.k8s.pod.name'], { stringValue: 'web' });
  assert.deepEqual(attributes['destination.port'], { intValue: '443' });
  assert.deepEqual(attributes['fairlead.policies'], {
    arrayValue: { values: [{ stringValue: 'NetworkPolicy/shop/deny' }] },
  });
  assert.equal(attributes['destination.k8s.pod.name'], undefined);
});
