import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, Fields } from '../../object.ts';
import { messagesOf, ofKind } from '../testing/of-kind.ts';

const GROUP = 'gateway.networking.k8s.io';

/** What is wrong with an object of a kind; nothing where the kind takes it. */
function wrong(kind: string, spec: Fields): readonly string[] {
  const found = ofKind(GROUP, kind);
  const object: ApiObject = { apiVersion: `${GROUP}/v1`, kind, metadata: { name: 'x' }, spec };
  return messagesOf(found.validate(found.withDefaults(object), undefined));
}

const backend = { name: 'web', port: 80 };
const HTTP = { name: 'http', port: 80, protocol: 'HTTP' };

test('routes of connections have one rule, whose Services have ports', () => {
  for (const kind of ['TCPRoute', 'UDPRoute']) {
    assert.deepEqual(wrong(kind, { rules: [{ backendRefs: [backend] }] }), []);
    assert.deepEqual(wrong(kind, { rules: [{ backendRefs: [{ name: 'web' }] }] }), [
      'spec.rules[0].backendRefs[0]: Invalid "object" Must have port for Service reference',
    ]);
    const two = wrong(kind, { rules: [{ backendRefs: [backend] }, { backendRefs: [backend] }] });
    assert.deepEqual(two, ['spec.rules: TooMany 2 must have at most 1 item']);
    assert.deepEqual(wrong(kind, {}), ['spec.rules: Required ']);
  }
});

test('a TLSRoute is for names', () => {
  const rules = [{ backendRefs: [backend] }];
  assert.deepEqual(wrong('TLSRoute', { hostnames: ['*.example.com'], rules }), []);
  assert.deepEqual(wrong('TLSRoute', { rules }), ['spec.hostnames: Required ']);
  assert.deepEqual(wrong('TLSRoute', { hostnames: ['10.0.0.1'], rules }), [
    'spec.hostnames: Invalid "array" Hostnames cannot contain an IP',
  ]);
});

test('a GRPCRoute matches what calls can be, and changes what they can carry', () => {
  const rule = (more: Fields) => wrong('GRPCRoute', { rules: [{ backendRefs: [backend], ...more }] });
  assert.deepEqual(rule({ matches: [{ method: { service: 'a.B', method: 'C' } }] }), []);
  assert.deepEqual(rule({ matches: [{ method: {} }] }), [
    "spec.rules[0].matches[0].method: Invalid \"object\" One or both of 'service' or 'method' must be specified",
  ]);
  assert.match(rule({ matches: [{ method: { method: 'a/b' } }] })[0] ?? '', /method must only contain valid/);
  assert.deepEqual(rule({ matches: [{ method: { method: 'a.*', type: 'RegularExpression' } }] }), []);
  assert.deepEqual(rule({ filters: [{ type: 'RequestMirror' }] }), [
    'spec.rules[0].filters[0]: Invalid "object" filter.requestMirror must be specified for RequestMirror filter.type',
  ]);
});

test('a ListenerSet has listeners as a Gateway has, and a parent', () => {
  const parentRef = { name: 'edge' };
  assert.deepEqual(wrong('ListenerSet', { parentRef, listeners: [HTTP] }), []);
  assert.deepEqual(wrong('ListenerSet', { listeners: [HTTP] }), ['spec.parentRef: Required ']);
  assert.deepEqual(wrong('ListenerSet', { parentRef, listeners: [{ ...HTTP, protocol: 'TLS' }] }), [
    'spec.listeners: Invalid "array" tls mode must be set for protocol TLS',
  ]);
});

test('a BackendTLSPolicy says whom it trusts, in one way', () => {
  const policy = (
    validation: Fields,
    targets: readonly Fields[] = [{ group: '', kind: 'Service', name: 'web' }],
  ) =>
    wrong('BackendTLSPolicy', { targetRefs: targets, validation: { hostname: 'a.example', ...validation } });
  const caCertificateRefs = [{ group: '', kind: 'ConfigMap', name: 'ca' }];
  assert.deepEqual(policy({ caCertificateRefs }), []);
  assert.deepEqual(policy({ wellKnownCACertificates: 'System' }), []);
  const of = 'spec.validation: Invalid "object" must';
  assert.deepEqual(policy({}), [`${of} specify either CACertificateRefs or WellKnownCACertificates`]);
  assert.deepEqual(policy({ caCertificateRefs, wellKnownCACertificates: 'System' }), [
    `${of} not contain both CACertificateRefs and WellKnownCACertificates`,
  ]);
  assert.deepEqual(policy({ caCertificateRefs, subjectAltNames: [{ type: 'URI', hostname: 'a.example' }] }), [
    'spec.validation.subjectAltNames[0]: Invalid "object" SubjectAltName element must not contain Hostname, if Type is not set to Hostname',
    'spec.validation.subjectAltNames[0]: Invalid "object" SubjectAltName element must contain URI, if Type is set to URI',
  ]);
  const web = { group: '', kind: 'Service', name: 'web' };
  assert.match(
    policy({ caCertificateRefs }, [web, { ...web, sectionName: 'a' }])[0] ?? '',
    /sectionName must be specified when targetRefs includes 2 or more/,
  );
});

test('fields of the experimental channel make sense together', () => {
  const rule = (more: Fields) => wrong('HTTPRoute', { rules: [{ backendRefs: [backend], ...more }] });
  assert.deepEqual(rule({ retry: { codes: [500, 503], attempts: 2, backoff: '100ms' } }), []);
  assert.match(rule({ retry: { codes: [302] } })[0] ?? '', /should be greater than or equal to 400/);
  assert.deepEqual(rule({ sessionPersistence: { cookieConfig: { lifetimeType: 'Permanent' } } }), [
    'spec.rules[0].sessionPersistence: Invalid "object" AbsoluteTimeout must be specified when cookie lifetimeType is Permanent',
  ]);
  const auth = (more: Fields) =>
    rule({ filters: [{ type: 'ExternalAuth', externalAuth: { backendRef: backend, ...more } }] });
  assert.deepEqual(auth({ protocol: 'HTTP', http: {} }), []);
  assert.deepEqual(auth({ protocol: 'GRPC', http: {} }), [
    'spec.rules[0].filters[0].externalAuth: Invalid "object" grpc must be specified when protocol is set to \'GRPC\'',
    'spec.rules[0].filters[0].externalAuth: Invalid "object" protocol must be \'HTTP\' when http is set',
  ]);
});
