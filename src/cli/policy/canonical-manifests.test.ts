import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readManifestObjects, policyMatrix } from '../../insight/policy/index.ts';
import { buildPolicyModel } from '../../policy/index.ts';
import { parseManifests } from '../apply/parse-manifests.ts';
import { canonicalManifests } from './canonical-manifests.ts';

const pods = `
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: shop, labels: { app: web } }
spec: { containers: [{ name: main, image: x, ports: }] }
---
apiVersion: v1
kind: Pod
metadata: { name: api, namespace: shop, labels: }
spec: { containers: [{ name: main, image: x }] }
---
`;
const read = (text: string) => canonicalManifests(parseManifests(pods + text, 'all.yaml'));
const open = (text: string) =>
  policyMatrix(buildPolicyModel(readManifestObjects(read(text).objects)), { namespaces: 'all' })
    .filter(({ everything, ports }) => everything || ports.length > 0)
    .map(({ from, to }) => `${from} ${to}`);
const policy = (spec: string) => `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: one, namespace: shop }
spec: ${spec}
`;

test('a field without a value is absent, as for an API server', () => {
  assert.deepEqual(open(policy('{ podSelector: , ingress: , egress: , policyTypes: }')), [
    'shop/api world',
    'shop/web world',
  ]);
  assert.equal(open(policy('{ podSelector: {}, ingress: [{ from: , ports: }] }')).length, 6);
  assert.deepEqual(
    open(
      policy(
        '{ podSelector: {}, ingress: [{ from: [{ namespaceSelector: , podSelector: { matchLabels: { app: web } } }] }] }',
      ),
    ),
    ['shop/api world', 'shop/web shop/api', 'shop/web world'],
  );
  assert.deepEqual(
    open(`
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: { name: one }
spec:
  tier: Admin
  priority: 1
  subject: { namespaces: {}, pods: }
  ingress: [{ action: Deny, from: [{ pods: , namespaces: {} }], protocols: }]
`).filter(pair => !pair.includes('world')),
    [],
  );
});

test('what an API server would refuse is said, with its line', () => {
  assert.throws(() => read(policy('{ podSelector: {}, ingress: { from: [] } }')), {
    code: 'policy/bad-manifest',
    message: /^all\.yaml:13: NetworkPolicy\/shop\/one cannot be read: json: cannot unmarshal object/,
  });
  assert.match(
    read(policy('{ podSelector: {}, ingres: [] }')).warnings.join(),
    /all\.yaml:13: NetworkPolicy\/shop\/one has an unknown field "spec\.ingres"/,
  );
});

test('policies of other makers are not taken for ours', () => {
  const text = policy('{ selector: all() }').replace('networking.k8s.io/v1', 'projectcalico.org/v3');
  assert.match(read(text).warnings.join(), /is of projectcalico\.org\/v3, and is not looked at/);
  assert.equal(open(text).length, 6);
});

test('pods that were read from a cluster keep their addresses, and those that ended have none', () => {
  const [pod] = read('').objects;
  assert.ok(pod);
  const withStatus = (status: object) => Object.assign(structuredClone(pod), { status });
  const addresses = (status: object) =>
    [...buildPolicyModel(readManifestObjects([withStatus(status)])).podsByAddress.keys()].sort();
  assert.deepEqual(addresses({ phase: 'Running', podIPs: [{ ip: '10.1.2.3' }] }), ['10.1.2.3']);
  assert.deepEqual(addresses({ phase: 'Succeeded', podIPs: [{ ip: '10.1.2.3' }] }), []);
  assert.equal(addresses({ phase: 'Pending' }).length, 2);
});

test('a policy for the cluster whose lists are none is named', () => {
  const text = policy('{ tier: Admin, priority: 1, subject: { namespaces: {} }, ingress: { action: Deny } }')
    .replace('networking.k8s.io/v1', 'policy.networking.k8s.io/v1alpha2')
    .replace('kind: NetworkPolicy', 'kind: ClusterNetworkPolicy');
  assert.throws(() => read(text), {
    code: 'policy/bad-manifest',
    message: /^all\.yaml:13: ClusterNetworkPolicy\/shop\/one cannot be read/,
  });
});
