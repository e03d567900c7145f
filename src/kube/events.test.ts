import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../base/log.ts';
import { createClientOver } from './client.ts';
import { EventRecorder } from './events.ts';
import { FakeApi } from './fake-api.ts';
import { ManualClock } from './manual-clock.ts';
import { EVENTS, NODES } from './resources.ts';
import type { Event } from './types/event.ts';
import type { Node } from './types/node.ts';

const NODE: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1', uid: 'u1' } };

function reporter() {
  const api = new FakeApi([EVENTS, NODES]);
  const clock = new ManualClock();
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (_: object, sentence: string) => warnings.push(sentence) };
  const client = createClientOver(api, { clock });
  const events = new EventRecorder({ client, component: 'fairlead-test', clock, log });
  const stored = () => api.store.at(EVENTS).map(([, event]) => event as Event);
  return { api, clock, events, stored, warnings };
}

test('the same occurrence is one Event that counts', async () => {
  const { clock, events, stored } = reporter();
  for (let time = 0; time < 5; time++) {
    events.record(NODE, { type: 'Warning', reason: 'Exhausted', note: 'No prefix is left.' });
    await events.flush();
    clock.advance(60_000);
  }
  events.record(NODE, { type: 'Warning', reason: 'Exhausted', note: 'Another note.' });
  await events.flush();
  const [first, second] = stored().toSorted((a, b) => (b.count ?? 0) - (a.count ?? 0));
  assert.equal(stored().length, 2);
  assert.equal(first?.count, 5);
  assert.equal(second?.count, 1);
  assert.equal(first?.metadata.namespace, 'default', 'Events about a Node are kept in default');
  assert.deepEqual(first?.involvedObject, { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: 'u1' });
  assert.notEqual(first?.firstTimestamp, first?.lastTimestamp);
});

test('a storm of occurrences becomes few requests and never blocks the reporter', async () => {
  const { api, events, stored, warnings } = reporter();
  for (let time = 0; time < 10_000; time++)
    events.record(NODE, { type: 'Normal', reason: 'Again', note: 'Again.' });
  await events.flush();
  assert.equal(stored()[0]?.count, 10_000);
  assert.equal(api.requests.length, 1);
  for (let time = 0; time < 2_000; time++)
    events.record(NODE, { type: 'Normal', reason: 'Many', note: `${time}` });
  await events.flush();
  assert.equal(stored().length, 501);
  assert.deepEqual(warnings, ['1500 Events came too fast and were given up']);
});

test('containers of one pod have Events of their own', async () => {
  const { events, stored } = reporter();
  for (const name of ['web', 'side', 'web'])
    events.record(NODE, {
      type: 'Normal',
      reason: 'Started',
      note: 'Started.',
      fieldPath: `spec.containers{${name}}`,
    });
  await events.flush();
  const paths = stored().map(({ involvedObject, count }) => [involvedObject.fieldPath, count]);
  assert.deepEqual(Object.fromEntries(paths), { 'spec.containers{web}': 2, 'spec.containers{side}': 1 });
});

test('an Event that the server deleted is written anew', async () => {
  const { api, events, stored } = reporter();
  const record = async () => {
    events.record(NODE, { type: 'Normal', reason: 'Ready', note: 'Ready.' });
    await events.flush();
  };
  await record();
  api.store.remove(EVENTS, `default/${stored()[0]?.metadata.name}`);
  await record();
  assert.equal(stored()[0]?.count, 1);
});

test('what cannot be written is logged, and the next one is written', async () => {
  const { api, events, stored, warnings } = reporter();
  api.faults.refusals.push({ status: 500 });
  events.record(NODE, { type: 'Normal', reason: 'First', note: 'First.' });
  events.record(NODE, { type: 'Normal', reason: 'Second', note: 'Second.' });
  await events.flush();
  assert.deepEqual(warnings, ['an Event could not be written: First.']);
  assert.deepEqual(
    stored().map(event => event.reason),
    ['Second'],
  );
});
