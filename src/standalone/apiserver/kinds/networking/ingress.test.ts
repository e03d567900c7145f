import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, Fields } from '../../object.ts';
import { messagesOf, ofKind } from '../testing/of-kind.ts';

const ingresses = ofKind('networking.k8s.io', 'Ingress');
const classes = ofKind('networking.k8s.io', 'IngressClass');
const BACKEND = { service: { name: 'web', port: { number: 80 } } };

const ingress = (spec: Fields): ApiObject =>
  ingresses.withDefaults({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'shop' },
    spec,
  });
const wrong = (spec: Fields): readonly string[] => messagesOf(ingresses.validate(ingress(spec), undefined));
const wrongPath = (more: Fields): readonly string[] =>
  wrong({ rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend: BACKEND, ...more }] } }] });

test('broken ingresses are refused in the words of a real server', () => {
  const path = 'spec.rules[0].http.paths[0]';
  assert.deepEqual(wrong({}), ['spec: Invalid null either `defaultBackend` or `rules` must be specified']);
  assert.deepEqual(wrong({ defaultBackend: BACKEND }), []);
  assert.deepEqual(wrong({ rules: [{ host: '10.0.0.1' }] }), [
    'spec.rules[0].host: Invalid "10.0.0.1" must be a DNS name, not an IP address',
  ]);
  assert.deepEqual(wrong({ rules: [{ host: '*.shop.example' }] }), []);
  assert.deepEqual(wrong({ rules: [{ http: { paths: [] } }] }), ['spec.rules[0].http.paths: Required ']);
  assert.deepEqual(wrongPath({}), []);
  assert.deepEqual(wrongPath({ pathType: undefined }), [
    `${path}.pathType: Required pathType must be specified`,
  ]);
  assert.deepEqual(wrongPath({ pathType: 'Glob' }), [
    `${path}.pathType: NotSupported "Glob" supported values: "Exact", "ImplementationSpecific", "Prefix"`,
  ]);
  assert.deepEqual(wrongPath({ path: 'a//b' }), [
    `${path}.path: Invalid "a//b" must be an absolute path`,
    `${path}.path: Invalid "a//b" must not contain '//'`,
  ]);
  assert.deepEqual(wrongPath({ backend: {} }), [
    `${path}.backend: Invalid "" resource or service backend is required`,
  ]);
  assert.deepEqual(wrongPath({ backend: { service: { name: 'web' } } }), [
    `${path}.backend: Required port name or number is required`,
  ]);
});

test('ingresses print class, hosts, address and ports', () => {
  const object = {
    ...ingress({
      ingressClassName: 'fairlead',
      tls: [{}],
      rules: ['a.example', 'b.example', 'c.example', 'd.example'].map(host => ({ host })),
    }),
    status: { loadBalancer: { ingress: [{ ip: '172.30.200.1' }] } },
  };
  assert.deepEqual(ingresses.cells(object, 0), [
    'shop',
    'fairlead',
    'a.example,b.example,c.example + 1 more...',
    '172.30.200.1',
    '80, 443',
    '<unknown>',
  ]);
});

test('the controller of an ingress class never changes', () => {
  const of = (controller: string): ApiObject => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'fairlead' },
    spec: { controller },
  });
  assert.deepEqual(messagesOf(classes.validate(of('a.io/b'), of('a.io/c'))), [
    'spec.controller: Invalid "a.io/b" field is immutable',
  ]);
  assert.deepEqual(messagesOf(classes.validate(of('plain'), undefined)), [
    'spec.controller: Invalid "plain" must be a domain-prefixed path (such as "acme.io/foo")',
  ]);
});
