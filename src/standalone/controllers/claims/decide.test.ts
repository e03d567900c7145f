import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolumeClaim, Pod, Volume } from '../../../kube/types/core.ts';
import { ephemeralClaims, stepOf } from './decide.ts';

const claimOf = (change: Partial<PersistentVolumeClaim> = {}): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data', namespace: 'n', uid: 'u', finalizers: ['kubernetes.io/pvc-protection'] },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  ...change,
});

const podOf = (volume: Omit<Volume, 'name'>, phase: 'Running' | 'Succeeded' = 'Running'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'n', uid: 'pod' },
  spec: { containers: [], volumes: [{ name: 'v', ...volume }] },
  status: { phase },
});

test('a claim is named after its uid and bound, with what it asked for', () => {
  const named = stepOf(claimOf(), []);
  assert.ok(named.do === 'name');
  assert.equal(named.claim.spec.volumeName, 'pvc-u');
  const bound = stepOf(named.claim, []);
  assert.ok(bound.do === 'bind');
  assert.deepEqual(bound.claim.status, {
    phase: 'Bound',
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '1Gi' },
  });
  assert.equal(stepOf(bound.claim, []).do, 'nothing');
});

test('what a directory cannot be is refused', () => {
  const { spec } = claimOf();
  for (const [change, why] of [
    [{ volumeName: 'mine' }, /volumeName "mine"/],
    [{ selector: { matchLabels: { a: 'b' } } }, /spec.selector/],
    [{ volumeMode: 'Block' }, /Block/],
    [{ dataSource: { kind: 'VolumeSnapshot', name: 's' } }, /dataSource/],
  ] as const) {
    const step = stepOf(claimOf({ spec: { ...spec, ...change } }), []);
    assert.ok(step.do === 'refuse');
    assert.match(step.why, why);
  }
});

test('a claim that is deleted stays as long as a pod that has not ended uses it', () => {
  const { metadata } = claimOf();
  const deleted = claimOf({ metadata: { ...metadata, deletionTimestamp: '2030-01-01T00:00:00Z' } });
  const volume = { persistentVolumeClaim: { claimName: 'data' } };
  assert.equal(stepOf(deleted, [podOf(volume)]).do, 'nothing');
  const later = { ...podOf(volume).metadata, creationTimestamp: '2030-01-01T00:00:00Z' };
  const waiting: Pod = { ...podOf(volume), metadata: later };
  const foreign = podOf({ ephemeral: {} });
  for (const pods of [[], [podOf(volume, 'Succeeded')], [podOf({ emptyDir: {} })], [waiting], [foreign]]) {
    const step = stepOf(deleted, pods);
    assert.ok(step.do === 'let-go');
    assert.deepEqual(step.claim.metadata.finalizers, []);
  }
});

test('an ephemeral volume has a claim that goes with its pod', () => {
  const spec = { accessModes: ['ReadWriteOnce'] };
  const pod = podOf({ ephemeral: { volumeClaimTemplate: { spec } } });
  const [claim] = ephemeralClaims(pod);
  assert.equal(claim?.metadata.name, 'p-v');
  assert.deepEqual(
    claim.metadata.ownerReferences?.map(({ kind, uid }) => [kind, uid]),
    [['Pod', 'pod']],
  );
  assert.deepEqual(ephemeralClaims(podOf({ emptyDir: {} })), []);
});
