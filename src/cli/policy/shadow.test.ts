import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shadowExitCode, shadowText } from './shadow.ts';

test('where a node says nothing of what it saw, nothing passes', () => {
  const nothing = { differences: [], judged: 0, stale: 0 };
  assert.equal(shadowExitCode({ ...nothing, silent: [] }), 0);
  assert.equal(shadowExitCode({ ...nothing, silent: ['node-2'] }), 1);
  assert.match(shadowText({ ...nothing, silent: ['node-2'] }), /Nothing is known of what node-2 saw/);
});
