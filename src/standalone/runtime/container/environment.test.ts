import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod, Service } from '../../../kube/types/core.ts';
import { containerEnvironment, type Objects } from './environment.ts';
import { expand } from './expand.ts';
import { fieldValue, resourceValue, type PodFacts } from './field-reference.ts';

const expansions: readonly (readonly [string, string])[] = [
  ['plain', 'plain'],
  ['$(A)', 'a'],
  ['x$(A)y$(A)', 'xaya'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$a'],
  ['$(NONE)', '$(NONE)'],
  ['$(A', '$(A'],
  ['$', '$'],
  ['$A', '$A'],
  ['100$', '100$'],
  ['$()', '$()'],
];

for (const [text, expected] of expansions) {
  test(`the reference ${text} becomes ${expected}`, () => {
    assert.equal(
      expand(text, name => ({ A: 'a' })[name]),
      expected,
    );
  });
}

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'p',
    namespace: 'n',
    uid: 'u',
    labels: { b: 'two "x"', a: '1' },
    annotations: { 'k/y': 'v' },
  },
  spec: { containers: [], serviceAccountName: 'sa' },
};
const facts: PodFacts = {
  pod,
  podAddresses: ['10.0.0.1', 'fd00::1'],
  hostAddresses: ['172.30.0.1', 'fd00:172:30::1'],
  nodeName: 'node-1',
  allocatable: { cpu: '2', memory: '1Gi' },
};

const fields: readonly (readonly [string, string])[] = [
  ['metadata.name', 'p'],
  ["metadata.labels['a']", '1'],
  ["metadata.annotations['k/y']", 'v'],
  ["metadata.labels['none']", ''],
  ['metadata.labels', 'a="1"\nb="two \\"x\\""'],
  ['spec.nodeName', 'node-1'],
  ['spec.serviceAccountName', 'sa'],
  ['status.podIP', '10.0.0.1'],
  ['status.podIPs', '10.0.0.1,fd00::1'],
  ['status.hostIPs', '172.30.0.1,fd00:172:30::1'],
];

for (const [path, expected] of fields) {
  test(`the field ${path} is ${JSON.stringify(expected)}`, () =>
    assert.equal(fieldValue(facts, path), expected));
}

test('a field that is none is refused by its name', () => {
  assert.throws(() => fieldValue(facts, 'spec.everything'), /"spec\.everything" is not supported/);
});

const container: Container = {
  name: 'c',
  resources: { limits: { cpu: '250m', memory: '64Mi' }, requests: { cpu: '1500m' } },
};
const resources: readonly (readonly [string, string | undefined, string])[] = [
  ['limits.cpu', undefined, '1'],
  ['limits.cpu', '1m', '250'],
  ['requests.cpu', undefined, '2'],
  ['limits.memory', '1Mi', '64'],
  ['limits.memory', '0', '67108864'],
  ['requests.memory', undefined, '0'],
];

for (const [resource, divisor, expected] of resources) {
  test(`the resource ${resource} by ${divisor ?? 1} is ${expected}`, () => {
    assert.equal(
      resourceValue(facts, container, { resource, ...(divisor === undefined ? {} : { divisor }) }),
      expected,
    );
  });
}

const service = (namespace: string, name: string, clusterIP: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace, name },
  spec: { clusterIP, ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
});

const objects: Objects = {
  configMap: (_namespace, name) =>
    name === 'cm'
      ? {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name },
          data: { K: 'from-map', 'odd.name': '1', 'a=b': 'x' },
        }
      : undefined,
  secret: () => undefined,
  claim: () => undefined,
  services: () => [
    service('default', 'kubernetes', '10.96.0.1'),
    service('n', 'my-db', 'fd00::5'),
    service('n', 'headless', 'None'),
    service('other', 'far', '10.96.0.9'),
  ],
};

const environmentOf = (own: Partial<Container>, spec: Partial<Pod['spec']> = {}) =>
  containerEnvironment({
    facts: { ...facts, pod: { ...pod, spec: { ...pod.spec, ...spec } } },
    container: { name: 'c', ...own },
    imageEnvironment: { PATH: '/bin', K: 'from-image' },
    hostname: 'host',
    objects,
  });

test('later sources of the environment win over earlier ones', () => {
  const environment = environmentOf({
    envFrom: [{ configMapRef: { name: 'cm' } }],
    env: [
      { name: 'A', value: '$(K)-$(KUBERNETES_SERVICE_HOST)-$(B)' },
      { name: 'B', value: 'b' },
    ],
  });
  assert.equal(environment.get('K'), 'from-map');
  assert.equal(environment.get('A'), 'from-map-10.96.0.1-$(B)', 'B is not known yet where A is written');
  assert.equal(environment.get('odd.name'), '1');
  assert.equal(environment.has('a=b'), false);
  assert.deepEqual([environment.get('HOSTNAME'), environment.get('PATH')], ['host', '/bin']);
});

test('Services of the own namespace are linked, unless the pod does not want it; the API always is', () => {
  const linked = environmentOf({});
  assert.equal(linked.get('MY_DB_SERVICE_HOST'), 'fd00::5');
  assert.equal(linked.get('MY_DB_PORT'), 'tcp://[fd00::5]:80');
  assert.equal(linked.get('MY_DB_SERVICE_PORT_HTTP'), '80');
  assert.equal(linked.get('MY_DB_PORT_80_TCP_ADDR'), 'fd00::5');
  assert.equal(linked.has('HEADLESS_SERVICE_HOST'), false);
  assert.equal(linked.has('FAR_SERVICE_HOST'), false);
  const unlinked = environmentOf({}, { enableServiceLinks: false });
  assert.equal(unlinked.has('MY_DB_SERVICE_HOST'), false);
  assert.equal(unlinked.get('KUBERNETES_SERVICE_HOST'), '10.96.0.1');
});

test('what is missing is named; what is optional is left out', () => {
  const from = (optional: boolean) => [
    { name: 'X', valueFrom: { secretKeyRef: { name: 'gone', key: 'k', optional } } },
    { name: 'Y', valueFrom: { configMapKeyRef: { name: 'cm', key: 'gone', optional } } },
  ];
  assert.throws(() => environmentOf({ env: from(false).slice(0, 1) }), /secret "gone" not found/);
  assert.throws(
    () => environmentOf({ env: from(false).slice(1) }),
    /couldn't find key gone in ConfigMap n\/cm/,
  );
  assert.throws(
    () => environmentOf({ envFrom: [{ configMapRef: { name: 'gone' } }] }),
    /configmap "gone" not found/,
  );
  const environment = environmentOf({ env: from(true) });
  assert.deepEqual([environment.has('X'), environment.has('Y')], [false, false]);
});
