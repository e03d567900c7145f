import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap, Namespace, ServiceAccount } from '../../../kube/types/config.ts';
import { furnish } from './decide.ts';

const namespace: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
const serviceAccount: ServiceAccount = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'default' },
};
const rootCertificate: ConfigMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kube-root-ca.crt' },
  data: { 'ca.crt': 'PEM' },
};
const missing = { namespace, serviceAccount: undefined, rootCertificate: undefined, certificate: 'PEM' };
const steps = (writes: ReturnType<typeof furnish>) =>
  writes.map(write => `${write.do} ${write.object.metadata.name}`);

test('a new namespace gets its account and its certificate', () => {
  assert.deepEqual(steps(furnish(missing)), [
    'create-service-account default',
    'create-config-map kube-root-ca.crt',
  ]);
});

test('a furnished namespace is left alone', () => {
  assert.deepEqual(furnish({ ...missing, serviceAccount, rootCertificate }), []);
});

test('another certificate is put right, and what else stands there stays', () => {
  const changed = { ...rootCertificate, data: { 'ca.crt': 'forged', note: 'mine' } };
  const [write] = furnish({ ...missing, serviceAccount, rootCertificate: changed });
  assert.equal(write?.do, 'update-config-map');
  assert.deepEqual(write.object.data, { 'ca.crt': 'PEM', note: 'mine' });
});

test('a namespace that is being deleted gets nothing new', () => {
  const going = { ...namespace, metadata: { name: 'shop', deletionTimestamp: '2026-01-01T00:00:00Z' } };
  assert.deepEqual(furnish({ ...missing, namespace: going }), []);
});
