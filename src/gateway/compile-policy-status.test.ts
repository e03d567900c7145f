import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileBackendTls } from './compile-backend-tls.ts';
import { policyStatus } from './compile-policy-status.ts';
import { makeCertificate } from './testing/certificate.ts';
import { configMap, gateway, http, service, sourcesOf, tlsPolicy } from './testing/objects.ts';
import type { ClusterObject } from './testing/objects.ts';
import { short } from './testing/status.ts';

const { certificate } = makeCertificate();
const ca = configMap('shop/ca', certificate);
const web = service('shop/web', [
  { name: 'plain', port: 80, protocol: 'TCP' },
  { name: 'tls', port: 443, protocol: 'TCP' },
]);
const edge = gateway('shop/edge', [http('http')]);
const now = '2026-02-02T00:00:00Z';
const good = ['Accepted=True/Accepted', 'ResolvedRefs=True/ResolvedRefs'];

const statusOf = (policy: ReturnType<typeof tlsPolicy>, ...objects: readonly ClusterObject[]) =>
  policyStatus(policy, [edge], sourcesOf([policy, ...objects]), now)?.ancestors;
const conditionsOf = (policy: ReturnType<typeof tlsPolicy>, ...objects: readonly ClusterObject[]) =>
  short(statusOf(policy, ...objects)?.[0]?.conditions);
const tlsOf = (port: number, ...objects: readonly ClusterObject[]) =>
  compileBackendTls(
    web,
    web.spec.ports?.find(entry => entry.port === port),
    { clientCertificate: undefined },
    sourcesOf(objects),
  );

test('a policy says how a Service is spoken to, and on which Gateway', () => {
  const names = [
    { type: 'Hostname', hostname: 'A.example.com' },
    { type: 'URI', uri: 'spiffe://shop/web' },
  ] as const;
  const policy = tlsPolicy('shop/web', { name: 'web' }, { subjectAltNames: names });
  const [entry] = statusOf(policy, ca, web) ?? [];
  assert.deepEqual(short(entry?.conditions), good);
  assert.deepEqual(entry?.ancestorRef, {
    group: 'gateway.networking.k8s.io',
    kind: 'Gateway',
    namespace: 'shop',
    name: 'edge',
  });
  assert.deepEqual(tlsOf(80, policy, ca), {
    hostname: 'inner.example.com',
    subjectAltNames: [
      { type: 'Hostname', value: 'a.example.com' },
      { type: 'URI', value: 'spiffe://shop/web' },
    ],
    authorities: certificate.trim(),
  });
});

test('a policy for a port comes before one for the Service; of two for the same the older, then the first by name', () => {
  const made = (name: string, creationTimestamp: string, sectionName?: string) =>
    tlsPolicy(
      `shop/${name}`,
      { name: 'web', ...(sectionName === undefined ? {} : { sectionName }) },
      { hostname: `${name}.example.com` },
      { creationTimestamp },
    );
  const whole = made('whole', '2026-01-01T00:00:00Z');
  const port = made('port', '2026-01-03T00:00:00Z', 'tls');
  const b = made('b', '2026-01-03T00:00:00Z', 'tls');
  const objects = [whole, port, b, ca, web];
  assert.equal(tlsOf(80, ...objects)?.hostname, 'whole.example.com');
  assert.equal(tlsOf(443, ...objects)?.hostname, 'b.example.com');
  assert.deepEqual(conditionsOf(whole, port, b, ca, web), good);
  assert.deepEqual(conditionsOf(b, whole, port, ca, web), good);
  assert.deepEqual(conditionsOf(port, whole, b, ca, web), [
    'Accepted=False/Conflicted',
    'ResolvedRefs=True/ResolvedRefs',
  ]);
});

test('what cannot be followed lets no connection be made, and says why', () => {
  const reference = (kind: string, name: string) => ({ caCertificateRefs: [{ group: '', kind, name }] });
  const cases = [
    [reference('ConfigMap', 'gone'), 'NoValidCACertificate', 'InvalidCACertificateRef'],
    [reference('ConfigMap', 'text'), 'NoValidCACertificate', 'InvalidCACertificateRef'],
    [reference('Secret', 'ca'), 'NoValidCACertificate', 'InvalidKind'],
    [{ caCertificateRefs: [], wellKnownCACertificates: 'example.com/own' }, 'Invalid', 'ResolvedRefs'],
    [{ hostname: '*.example.com' }, 'Invalid', 'ResolvedRefs'],
  ] as const;
  for (const [validation, reason, resolved] of cases) {
    const policy = tlsPolicy('shop/web', { name: 'web' }, validation);
    const objects = [ca, configMap('shop/text', 'no certificate'), web];
    const holds = resolved === 'ResolvedRefs' ? 'True' : 'False';
    const expected = [`Accepted=False/${reason}`, `ResolvedRefs=${holds}/${resolved}`];
    assert.deepEqual(conditionsOf(policy, ...objects), expected, JSON.stringify(validation));
    assert.match(tlsOf(80, policy, ...objects)?.problem ?? '', /^BackendTLSPolicy web: /);
  }
});

test("the system's authorities are taken where the policy says so", () => {
  const validation = { caCertificateRefs: [], wellKnownCACertificates: 'System' };
  const policy = tlsPolicy('shop/web', { name: 'web' }, validation);
  assert.deepEqual(conditionsOf(policy, web), good);
  assert.deepEqual(tlsOf(80, policy), { hostname: 'inner.example.com', subjectAltNames: [] });
});

test('a policy for what is not there is not accepted', () => {
  for (const target of [{ name: 'gone' }, { name: 'web', sectionName: 'gone' }])
    assert.equal(conditionsOf(tlsPolicy('shop/web', target), ca, web)[0], 'Accepted=False/TargetNotFound');
});

test("entries of other controllers stay, ours go with the Gateway's routes, and nothing is written twice", () => {
  const other = {
    ancestorRef: { name: 'other' },
    controllerName: 'example.com/other',
    conditions: [],
  };
  const plain = tlsPolicy('shop/web', { name: 'web' });
  const policy = { ...plain, status: { ancestors: [other] } };
  const status = policyStatus(policy, [edge], sourcesOf([plain, ca, web]), now);
  assert.deepEqual(
    status?.ancestors.map(({ controllerName }) => controllerName),
    ['example.com/other', 'fairlead.dev/gateway-controller'],
  );
  assert.ok(status);
  const again = policyStatus(
    { ...plain, status },
    [edge],
    sourcesOf([plain, ca, web]),
    '2026-03-03T00:00:00Z',
  );
  assert.equal(again, undefined);
  const left = policyStatus({ ...plain, status }, [], sourcesOf([plain, ca, web]), now);
  assert.deepEqual(left?.ancestors, [other]);
});
