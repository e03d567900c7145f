import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { OwnerReference } from '../../../kube/types/meta.ts';
import { blockers, collect } from './decide.ts';
import type { Collection, OwnerState } from './decide.ts';
import { OwnerGraph } from './graph.ts';
import type { GraphObject } from './graph.ts';

const resource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
  verbs: ['list', 'delete'],
};

const owner = (uid: string, blockOwnerDeletion = false): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: uid,
  uid,
  blockOwnerDeletion,
});

function object(uid: string, more: Partial<GraphObject> = {}): GraphObject {
  return {
    uid,
    resource,
    namespace: 'default',
    name: uid,
    owners: [],
    deleting: false,
    finalizers: [],
    ...more,
  };
}

const rows: readonly {
  readonly behaviour: string;
  readonly owners: readonly OwnerState[];
  readonly of?: Partial<GraphObject>;
  readonly dependents?: readonly GraphObject[];
  readonly verdict: Collection['kind'] | 'Background' | 'Foreground' | 'Orphan';
}[] = [
  { behaviour: 'without owners it stays', owners: [], verdict: 'keep' },
  { behaviour: 'with a present owner it stays', owners: ['present'], verdict: 'keep' },
  { behaviour: 'with an absent owner it goes', owners: ['absent'], verdict: 'Background' },
  { behaviour: 'with an owner of unknown kind it stays', owners: ['unknown'], verdict: 'keep' },
  {
    behaviour: 'one present owner is enough, the reference to the other goes',
    owners: ['present', 'absent'],
    verdict: 'strip',
  },
  {
    behaviour: 'an unknown owner protects as a present one does',
    owners: ['unknown', 'absent'],
    verdict: 'strip',
  },
  { behaviour: 'all absent: it goes', owners: ['absent', 'absent'], verdict: 'Background' },
  { behaviour: 'an owner that waits for it: it goes', owners: ['waiting'], verdict: 'Background' },
  {
    behaviour: 'an owner that waits for it and for what is below it: it goes in the foreground',
    owners: ['waiting'],
    dependents: [object('below')],
    verdict: 'Foreground',
  },
  {
    behaviour: 'two objects that own each other do not wait for each other',
    owners: ['waiting'],
    dependents: [object('owner-0')],
    verdict: 'Background',
  },
  {
    behaviour: 'what is being deleted is not deleted again',
    owners: ['absent'],
    of: { deleting: true },
    verdict: 'keep',
  },
  {
    behaviour: 'a finalizer tells how it is deleted',
    owners: ['absent'],
    of: { finalizers: ['orphan'] },
    verdict: 'Orphan',
  },
  {
    behaviour: 'also in the foreground',
    owners: ['absent'],
    of: { finalizers: ['foregroundDeletion'] },
    verdict: 'Foreground',
  },
];
for (const row of rows) {
  test(`collecting: ${row.behaviour}`, () => {
    const owners = row.owners.map((_, index) => owner(`owner-${index}`));
    const states = new Map(row.owners.map((state, index) => [`owner-${index}`, state]));
    const verdict = collect(
      object('it', { owners, ...row.of }),
      reference => states.get(reference.uid) ?? 'unknown',
      row.dependents ?? [],
    );
    assert.equal(verdict.kind === 'delete' ? verdict.propagationPolicy : verdict.kind, row.verdict);
  });
}

test('an object is never deleted while an owner is present or unknown', () => {
  const state = fc.constantFrom<OwnerState>('present', 'absent', 'waiting', 'unknown');
  fc.assert(
    fc.property(fc.array(state, { maxLength: 5 }), fc.boolean(), (states, deleting) => {
      const owners = states.map((_, index) => owner(String(index)));
      const verdict = collect(
        object('it', { owners, deleting }),
        reference => states[Number(reference.uid)] ?? 'unknown',
        [],
      );
      if (states.some(each => each === 'present' || each === 'unknown'))
        assert.notEqual(verdict.kind, 'delete');
    }),
  );
});

test('only dependents that say so block their owner', () => {
  const blocking = object('a', { owners: [owner('it', true)] });
  const others = [object('b', { owners: [owner('it')] }), object('c', { owners: [owner('other', true)] })];
  assert.deepEqual(blockers(object('it'), [blocking, ...others]), [blocking]);
});

test('the graph knows the dependents of every uid, however objects come and go', () => {
  const uid = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.record({ uid, owners: fc.uniqueArray(uid, { maxLength: 3 }), gone: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      const graph = new OwnerGraph();
      const model = new Map<string, readonly string[]>();
      for (const each of steps) {
        if (each.gone) {
          graph.remove(each.uid);
          model.delete(each.uid);
        } else {
          graph.put(object(each.uid, { owners: each.owners.map(uid => owner(uid)) }));
          model.set(each.uid, each.owners);
        }
      }
      for (const uid of ['a', 'b', 'c', 'd']) {
        const expected = [...model]
          .filter(([, owners]) => owners.includes(uid))
          .map(([dependent]) => dependent);
        assert.deepEqual(new Set(graph.dependentsOf(uid).map(found => found.uid)), new Set(expected));
      }
    }),
  );
});
