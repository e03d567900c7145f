import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject, OwnerReference } from '../../kube/types/meta.ts';
import { adoptPatch, claim, controllerReference, releasePatch } from './ownership.ts';
import type { Claim } from './ownership.ts';

const object = (name: string, more: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name, uid: `uid-${name}`, resourceVersion: '7', ...more },
});
const owner = object('owner');
const by = (uid: string, controller = true): readonly OwnerReference[] => [
  { apiVersion: 'v1', kind: 'Thing', name: uid, uid, controller },
];
const going = { deletionTimestamp: '2026-01-01T00:00:00Z' };

const rows: readonly (readonly [what: string, KubeObject, KubeObject, matches: boolean, Claim])[] = [
  ['its own that matches', owner, object('d', { ownerReferences: by('uid-owner') }), true, 'owned'],
  [
    'its own that matches no more',
    owner,
    object('d', { ownerReferences: by('uid-owner') }),
    false,
    'release',
  ],
  ['an orphan that matches', owner, object('d'), true, 'adopt'],
  ['an orphan that does not', owner, object('d'), false, 'none'],
  ["another controller's", owner, object('d', { ownerReferences: by('uid-other') }), true, 'none'],
  [
    'one with an owner that does not control it',
    owner,
    object('d', { ownerReferences: by('x', false) }),
    true,
    'adopt',
  ],
  ['an orphan that is being deleted', owner, object('d', going), true, 'none'],
  ['an orphan, when the owner is being deleted', object('owner', going), object('d'), true, 'none'],
  [
    'its own that matches no more, when the owner is being deleted',
    object('owner', going),
    object('d', { ownerReferences: by('uid-owner') }),
    false,
    'none',
  ],
];
for (const [what, of, dependent, matches, expected] of rows) {
  test(`claiming ${what}: ${expected}`, () => assert.equal(claim(of, dependent, matches), expected));
}

test('adopting keeps the other owners, releasing takes only the one; both fail on a changed object', () => {
  const dependent = object('d', { ownerReferences: by('x', false) });
  const reference = controllerReference(owner, { apiVersion: 'v1', kind: 'Thing' });
  const owners = [...by('x', false), reference];
  assert.deepEqual(adoptPatch(dependent, reference), {
    metadata: { uid: 'uid-d', resourceVersion: '7', ownerReferences: owners },
  });
  assert.deepEqual(releasePatch(object('d', { ownerReferences: owners }), new Set(['uid-owner'])), {
    metadata: { uid: 'uid-d', resourceVersion: '7', ownerReferences: by('x', false) },
  });
});
