import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeError, FairleadError, sentenceOf } from './errors.ts';

test('an error says what, where and what to do', () => {
  const error = new FairleadError('pods/no-address', 'The node has no free address.', {
    object: 'Node/node-1',
    field: 'spec.podCIDRs',
    hint: 'Delete pods on node-1, or give the cluster a larger pod prefix.',
  });
  assert.deepEqual(describeError(error), [
    'The node has no free address.',
    '  object: Node/node-1',
    '  field:  spec.podCIDRs',
    '  next:   Delete pods on node-1, or give the cluster a larger pod prefix.',
    '  code:   pods/no-address',
  ]);
});

test("a cause's sentence follows once, not twice", () => {
  const cause = new Error('permission denied');
  assert.equal(
    sentenceOf(new Error('cannot open the store', { cause })),
    'cannot open the store: permission denied',
  );
  assert.equal(
    sentenceOf(new Error('cannot open: permission denied', { cause })),
    'cannot open: permission denied',
  );
});

test('the failures of all addresses of a name are told, and causes that go in a circle end', () => {
  const both = new AggregateError([
    new Error('connect ECONNREFUSED ::1'),
    new Error('connect ECONNREFUSED 127.0.0.1'),
  ]);
  const unreachable = new FairleadError('kube/unreachable', 'No answer.', { cause: both });
  assert.equal(
    sentenceOf(unreachable),
    'No answer: connect ECONNREFUSED ::1; connect ECONNREFUSED 127.0.0.1',
  );
  const one = new Error('one');
  const two = new Error('two', { cause: one });
  one.cause = two;
  assert.match(sentenceOf(one), /^one: two: one/);
});
