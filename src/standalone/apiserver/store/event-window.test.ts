import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Change } from './entry.ts';
import { EventWindow } from './event-window.ts';

function change(revision: number): Change {
  const object = { apiVersion: 'v1', kind: 'Thing', metadata: { name: 'a' } };
  return {
    type: 'ADDED',
    storage: '/things',
    before: undefined,
    after: { key: 'a', revision, object, text: 'x' },
  };
}

test('the window answers with exactly the changes after a revision, or says that some are gone', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 0, max: 3000 }),
      fc.nat(3100),
      (limit, pushed, since) => {
        const window = new EventWindow(0, { changes: limit, characters: 1_000_000 });
        for (let revision = 1; revision <= pushed; revision++) window.push(change(revision));
        const found = window.since(since)?.map(({ after }) => after.revision);
        const kept = Math.min(limit, pushed);
        if (since < pushed - kept) assert.equal(found, undefined);
        else
          assert.deepEqual(
            found,
            Array.from({ length: Math.max(0, pushed - since) }, (_, index) => since + index + 1),
          );
      },
    ),
    { numRuns: 60 },
  );
});

test('the window is bounded by the size of its texts as well', () => {
  const window = new EventWindow(0, { changes: 1000, characters: 10 });
  for (let revision = 1; revision <= 100; revision++) window.push(change(revision));
  assert.equal(window.since(90)?.length, 10);
  assert.equal(window.since(89), undefined);
});
