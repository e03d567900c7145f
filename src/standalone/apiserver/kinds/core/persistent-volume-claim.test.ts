import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, Fields } from '../../object.ts';
import { messagesOf, ofKind } from '../testing/of-kind.ts';

const claims = ofKind('', 'PersistentVolumeClaim');

const claim = (spec: Fields, phase = 'Bound'): ApiObject => ({
  ...claims.withDefaults({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  }),
  status: { phase },
});

const wrong = (after: ApiObject, before: ApiObject): readonly string[] =>
  messagesOf(claims.validate(after, before));
const IMMUTABLE =
  /^spec: Forbidden spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims/;

test('a claim may be sent again with its fields in another order', () => {
  const before = claim({ selector: { matchLabels: { tier: 'a', zone: 'b' } } });
  assert.deepEqual(wrong(claim({ selector: { matchLabels: { zone: 'b', tier: 'a' } } }), before), []);
});

test('a bound claim may ask for more and for other attributes, and keeps the rest', () => {
  const before = claim({ volumeName: 'v1' });
  const more = { resources: { requests: { storage: '2Gi' } }, volumeName: 'v1' };
  assert.deepEqual(wrong(claim(more), before), []);
  assert.deepEqual(wrong(claim({ volumeName: 'v1', volumeAttributesClassName: 'fast' }), before), []);
  assert.match(wrong(claim({ volumeName: 'v2' }), before)[0] ?? '', IMMUTABLE);
  assert.match(
    wrong(claim({ accessModes: ['ReadWriteMany'], volumeName: 'v1' }), before)[0] ?? '',
    IMMUTABLE,
  );
});

test('a claim without a volume keeps the class of its attributes, and is given a volume once', () => {
  const before = claim({}, 'Pending');
  assert.match(wrong(claim({ volumeAttributesClassName: 'fast' }, 'Pending'), before)[0] ?? '', IMMUTABLE);
  assert.deepEqual(wrong(claim({ volumeName: 'v1' }, 'Pending'), before), []);
});
