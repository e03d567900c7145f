import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, ReplicaSet } from '../../../kube/types/apps.ts';
import { beyondHistory } from './history.ts';
import { REVISION, REVISION_HISTORY, currentSet, newSet, refreshed } from './revision.ts';
import { boundsOf } from './strategy.ts';
import type { Bounds } from './strategy.ts';

function deployment(spec: Partial<Deployment['spec']> = {}, annotations = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', uid: 'd', annotations },
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } },
      ...spec,
    },
  };
}

const withRevision = (set: ReplicaSet, revision: number): ReplicaSet => ({
  ...set,
  metadata: { ...set.metadata, annotations: { ...set.metadata.annotations, [REVISION]: String(revision) } },
});

test('a new set carries the hash in name, labels, selector and template, and belongs to the Deployment', () => {
  const set = newSet(deployment(), []);
  const hash = set.metadata.labels?.['pod-template-hash'];
  assert.equal(set.metadata.name, `web-${hash ?? ''}`);
  assert.equal(set.metadata.namespace, 'shop');
  assert.deepEqual(set.spec.selector.matchLabels, { app: 'web', 'pod-template-hash': hash });
  assert.deepEqual(set.spec.template?.metadata?.labels, { app: 'web', 'pod-template-hash': hash });
  assert.equal(set.metadata.ownerReferences?.[0]?.uid, 'd');
  assert.equal(currentSet(deployment(), [set]), set, 'it is found again by its template');
});

test('the reason of a change goes along to the set, what kubectl remembers for itself does not', () => {
  const annotations = {
    'kubernetes.io/change-cause': 'new colours',
    'kubectl.kubernetes.io/last-applied-configuration': '{}',
    [REVISION]: '9',
  };
  const copied = newSet(deployment({}, annotations), []).metadata.annotations ?? {};
  assert.equal(copied['kubernetes.io/change-cause'], 'new colours');
  assert.equal(copied['kubectl.kubernetes.io/last-applied-configuration'], undefined);
  assert.equal(copied[REVISION], '1');
});

test('a set that comes back gets the next revision and remembers its old ones', () => {
  const first = withRevision(newSet(deployment(), []), 1);
  const old = [withRevision(newSet(deployment({ template: { spec: { containers: [] } } }), []), 2)];
  const back = refreshed(deployment(), first, old);
  assert.equal(back.metadata.annotations?.[REVISION], '3');
  assert.equal(back.metadata.annotations?.[REVISION_HISTORY], '1');
  assert.equal(refreshed(deployment(), back, old), back, 'once is enough');
});

const bounds: readonly (readonly [
  replicas: number,
  surge: number | string,
  unavailable: number | string,
  Bounds,
])[] = [
  [4, '25%', '25%', { maxSurge: 1, maxUnavailable: 1 }],
  [3, '25%', '25%', { maxSurge: 1, maxUnavailable: 0 }],
  [10, '30%', '30%', { maxSurge: 3, maxUnavailable: 3 }],
  [5, 0, 0, { maxSurge: 0, maxUnavailable: 1 }],
  [1, 0, '50%', { maxSurge: 0, maxUnavailable: 1 }],
  [2, 5, 9, { maxSurge: 5, maxUnavailable: 2 }],
  [0, '25%', '25%', { maxSurge: 0, maxUnavailable: 0 }],
];
for (const [replicas, maxSurge, maxUnavailable, expected] of bounds) {
  test(`${replicas} replicas with surge ${maxSurge} and unavailable ${maxUnavailable}`, () => {
    const strategy = { type: 'RollingUpdate' as const, rollingUpdate: { maxSurge, maxUnavailable } };
    assert.deepEqual(boundsOf(deployment({ replicas, strategy })), expected);
  });
}

test('the oldest revisions beyond the limit go, unless they have pods or are not settled', () => {
  const settled = { replicas: 0, observedGeneration: 1 };
  const old = [3, 1, 2, 4].map(revision => {
    const set = withRevision(newSet(deployment(), []), revision);
    return { ...set, metadata: { ...set.metadata, generation: 1, name: `r${revision}` }, status: settled };
  });
  const names = (limit: number, sets = old) =>
    beyondHistory(deployment({ revisionHistoryLimit: limit }), sets).map(set => set.metadata.name);
  assert.deepEqual(names(2), ['r1', 'r2']);
  assert.deepEqual(names(0), ['r1', 'r2', 'r3', 'r4']);
  const busy = old.map(set =>
    set.metadata.name === 'r1' ? { ...set, status: { replicas: 1, observedGeneration: 1 } } : set,
  );
  assert.deepEqual(names(2, busy), ['r2']);
});
