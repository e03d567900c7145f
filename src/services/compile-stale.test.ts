import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deltaOf } from './compile-delta.ts';
import type { Element } from './compile-nft.ts';
import { staleFlows } from './compile-stale.ts';

const provenance = { kind: 'Service', namespace: 'n', name: 's', uid: '', generation: 1, field: 'spec' };

/** The elements of one port, in the order that the compiler gives them. */
function elements(protocol: 'tcp' | 'udp', ...places: readonly string[]): readonly Element[] {
  const key = `10.96.0.10 . ${protocol} . 53`;
  return [
    { set: 'counters4', key, value: '' },
    ...places.map((place, index): Element => ({
      set: 'endpoints4',
      key: `${key} . 0:${index + 1}`,
      value: place,
    })),
  ];
}

function after(before: readonly Element[], now: readonly Element[]) {
  return staleFlows([deltaOf('port', before, { provenance, choices: 1, draws: [], elements: now })]).map(
    ({ reply }) => `${reply.source} ${reply.sourcePort}`,
  );
}

test('flows to an endpoint that is gone are stale, those to one that has another slot are not', () => {
  assert.deepEqual(
    after(elements('udp', '10.244.0.1 . 53', '10.244.0.2 . 53'), elements('udp', '10.244.0.2 . 53')),
    ['10.244.0.1 53'],
  );
});

test('flows of a Service that goes are stale; a new one ends what went out untranslated', () => {
  assert.equal(staleFlows([deltaOf('port', elements('udp', '10.244.0.1 . 53'), undefined)]).length, 1);
  assert.deepEqual(after([], elements('udp', '10.244.0.1 . 53')), ['10.96.0.10 53']);
});

test('TCP connections are left to their ends', () => {
  assert.deepEqual(after(elements('tcp', '10.244.0.1 . 53'), elements('tcp', '10.244.0.2 . 53')), []);
});
