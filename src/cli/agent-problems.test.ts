import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeComplaints } from './agent-problems.ts';

const complaint = {
  object: 'Service/shop/web',
  field: 'spec.ports[0]',
  sentence: 'is refused by the kernel',
};

test('what agents could not do is told once, with the nodes, whichever section of theirs says it', () => {
  const problems = mergeComplaints([
    { node: 'node-1', answer: { problems: [], services: { problems: [complaint] } } },
    { node: 'node-2', answer: { services: { problems: [complaint] } } },
    {
      node: 'node-3',
      answer: { policy: { problems: [{ object: 'NetworkPolicy/a/b', field: '', sentence: 'is odd' }] } },
    },
    { node: 'node-4', answer: {} },
  ]);
  assert.deepEqual(problems, [
    { object: 'Service/shop/web', text: 'spec.ports[0]: is refused by the kernel (on node-1, node-2)' },
    { object: 'NetworkPolicy/a/b', text: 'is odd (on node-3)' },
  ]);
});

test('a proxy that does not get its table is told, with its Gateway and why; one that has it is not', () => {
  const proxy = { pod: 'shop/edge-1', gateway: 'shop/edge' };
  const problems = mergeComplaints([
    { node: 'node-1', answer: { proxies: [{ ...proxy, problem: 'it cannot be reached' }] } },
    { node: 'node-2', answer: { proxies: [{ ...proxy, pod: 'shop/edge-2' }] } },
  ]);
  const text = 'it has not got the newest table of Gateway shop/edge: it cannot be reached (on node-1)';
  assert.deepEqual(problems, [{ object: 'Pod/shop/edge-1', text }]);
});
