import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Namespace } from '../../../kube/types/config.ts';
import { conditionsOf, isEmptied } from './decide.ts';
import type { Emptying } from './decide.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const nothing: Emptying = {
  discoveryFailures: [],
  contentFailures: [],
  remaining: new Map(),
  finalizers: new Map(),
};
const namespace: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };

test('a namespace goes only when nothing is left and nothing is unknown', () => {
  assert.ok(isEmptied(nothing));
  assert.ok(!isEmptied({ ...nothing, remaining: new Map([['pods', 1]]) }));
  assert.ok(
    !isEmptied({ ...nothing, discoveryFailures: ['example.com/v1: down'] }),
    'its objects are unknown',
  );
  assert.ok(!isEmptied({ ...nothing, contentFailures: ['pods: no'] }));
});

test('the conditions say what is left and what it waits for, and when it is gone', () => {
  const held = conditionsOf(
    namespace,
    {
      ...nothing,
      remaining: new Map([
        ['pods', 2],
        ['configmaps', 1],
      ]),
      finalizers: new Map([['example.com/hold', 1]]),
    },
    NOW,
  );
  const of = (type: string) => held.find(each => each.type === type);
  assert.equal(of('NamespaceContentRemaining')?.reason, 'SomeResourcesRemain');
  assert.equal(
    of('NamespaceContentRemaining')?.message,
    'Some resources are remaining: configmaps (1), pods (2)',
  );
  assert.equal(of('NamespaceFinalizersRemaining')?.status, 'True');
  assert.equal(of('NamespaceDeletionDiscoveryFailure')?.status, 'False');
  const later = { ...namespace, status: { conditions: held } };
  const done = conditionsOf(later, nothing, NOW + 5000);
  assert.equal(done.find(each => each.type === 'NamespaceContentRemaining')?.reason, 'ContentRemoved');
});

test('what is told already is not written again', () => {
  const found = { ...nothing, remaining: new Map([['pods', 2]]) };
  const told = conditionsOf(namespace, found, NOW);
  assert.equal(conditionsOf({ ...namespace, status: { conditions: told } }, found, NOW + 1000), told);
});
