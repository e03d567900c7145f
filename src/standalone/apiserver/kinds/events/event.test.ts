import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from '../../object.ts';
import { ofKind } from '../testing/of-kind.ts';

const core = ofKind('', 'Event');
const newer = ofKind('events.k8s.io', 'Event');

const EVENT: ApiObject = {
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'e', namespace: 'shop' },
  involvedObject: { kind: 'Pod', name: 'web', namespace: 'shop' },
  reason: 'Started',
  message: 'started container',
  type: 'Normal',
  source: { component: 'kubelet', host: 'node-1' },
  firstTimestamp: '2026-01-01T00:00:00Z',
  lastTimestamp: '2026-01-01T00:01:00Z',
  count: 3,
  reportingComponent: 'kubelet',
  reportingInstance: 'node-1',
};

test('an event is one object under two versions', () => {
  assert.ok(newer.view);
  const shown = newer.view.fromStorage(EVENT);
  assert.deepEqual(newer.typeErrors(shown), []);
  assert.deepEqual(newer.unknownFields(shown), []);
  assert.equal(shown['note'], 'started container');
  assert.deepEqual(newer.view.toStorage(shown), EVENT);
});

test('events print when, what, about whom and why, under either version', () => {
  const now = Date.parse('2026-01-01T00:02:00Z');
  const cells = [
    '60s',
    'Normal',
    'Started',
    'pod/web',
    '',
    'kubelet, node-1',
    'started container',
    '2m',
    3,
    'e',
  ];
  assert.deepEqual(core.cells(EVENT, now), cells);
  assert.deepEqual(newer.cells(newer.view?.fromStorage(EVENT) ?? EVENT, now), cells);
});

test('events are selected by what they are about', () => {
  assert.equal(core.fieldSelectors['involvedObject.name']?.(EVENT), 'web');
  assert.equal(core.fieldSelectors['reason']?.(EVENT), 'Started');
  assert.equal(core.fieldSelectors['type']?.(EVENT), 'Normal');
});
