import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../kube/types/meta.ts';
import { buildPolicyModel } from '../../policy/index.ts';
import {
  checkAssertions,
  explainPolicy,
  policyMatrix,
  readAssertions,
  readManifestObjects,
} from './index.ts';

const withSpec = (object: KubeObject, spec: object): KubeObject => Object.assign(object, { spec });

const deployment = (namespace: string, name: string): KubeObject =>
  withSpec(
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { namespace, name } },
    {
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort: 8080 }] }] },
      },
    },
  );

const policy = (namespace: string, name: string, spec: object): KubeObject =>
  withSpec(
    { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { namespace, name } },
    spec,
  );

const model = buildPolicyModel(
  readManifestObjects([
    deployment('shop', 'web'),
    deployment('shop', 'api'),
    deployment('data', 'db'),
    policy('shop', 'deny', { podSelector: {} }),
    policy('shop', 'api', {
      podSelector: { matchLabels: { app: 'api' } },
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port: 'http' }] }],
    }),
    policy('data', 'db', {
      podSelector: {},
      ingress: [
        {
          from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } } }],
          ports: [{ port: 5432 }, { port: 6000, endPort: 6010 }],
        },
      ],
    }),
  ]),
);

test('manifests alone tell who may speak to whom, on which ports', () => {
  const cells = policyMatrix(model, { namespaces: 'all' }).filter(
    cell => cell.everything || cell.ports.length > 0,
  );
  assert.deepEqual(
    cells.map(({ from, to, everything, ports }) => [
      `${from} → ${to}`,
      everything ? 'everything' : ports.map(span => `${span.protocol} ${span.from}-${span.to}`).join(),
    ]),
    [
      ['data/db → world', 'everything'],
      ['shop/api → data/db', 'TCP 5432-5432,TCP 6000-6010'],
      ['shop/api → world', 'everything'],
      ['shop/web → data/db', 'TCP 5432-5432,TCP 6000-6010'],
      ['shop/web → shop/api', 'TCP 8080-8080'],
      ['shop/web → world', 'everything'],
    ],
  );
  const some = policyMatrix(model, { namespaces: new Set(['data']) }).map(
    ({ from, to }) => `${from} → ${to}`,
  );
  assert.deepEqual(some, ['data/db → world', 'world → data/db']);
});

const explained = (...ask: Parameters<typeof explainPolicy>) => explainPolicy(...ask)[0].verdict.allowed;

test('an end is a pod, an address or the world; what is none is named', () => {
  assert.equal(explained(model, 'pod/shop/web', 'shop/api:8080'), true);
  assert.equal(explained(model, 'world', 'shop/api:8080/TCP'), false);
  assert.equal(explained(model, 'shop/api', '[2001:db8::99]:53/udp'), true);
  assert.equal(explained(model, 'shop/web', 'shop/api/ICMP'), false);
  assert.throws(() => explainPolicy(model, 'shop/wep', 'shop/api:80'), /There is no pod "shop\/wep"/);
  assert.throws(() => explainPolicy(model, 'shop/web', 'shop/api'), /has no port/);
  assert.throws(() => explainPolicy(model, 'shop/web', 'shop/api:0'), /0 is no port/);
  assert.throws(() => explainPolicy(model, 'world', 'shop/api:70000'), /70000 is no port/);
});

test('a target of IPv6 needs brackets for a port, and none for a protocol', () => {
  const [one] = explainPolicy(model, 'world', '[2001:db8:18::1]:8080');
  assert.equal(one.verdict.ingress.pod, 'shop/web');
  assert.equal(explainPolicy(model, 'world', '2001:db8:18::1/ICMP')[0].verdict.ingress.pod, 'shop/web');
  assert.throws(() => explainPolicy(model, 'world', '2001:db8:18::1'), { code: 'policy/bad-target' });
});

test('where families differ each is told: explained, and in the matrix; nodes are ends, too', () => {
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'edge' },
    status: {
      addresses: [
        { type: 'InternalIP', address: '172.30.0.9' },
        { type: 'InternalIP', address: 'fd00:172:30::9' },
      ],
    },
  };
  const half = buildPolicyModel(
    readManifestObjects([
      node,
      deployment('shop', 'web'),
      policy('shop', 'half', {
        podSelector: {},
        ingress: [{ from: [{ ipBlock: { cidr: 'fd00:172:30::/64' } }], ports: [{ port: 80 }] }],
      }),
    ]),
  );
  assert.deepEqual(
    explainPolicy(half, 'node/edge', 'shop/web:80').map(({ family, verdict }) => [family, verdict.allowed]),
    [
      [4, false],
      [6, true],
    ],
  );
  assert.deepEqual(
    explainPolicy(half, 'node/edge', 'shop/web:81').map(({ family, verdict }) => [family, verdict.allowed]),
    [[undefined, false]],
  );
  assert.deepEqual(
    policyMatrix(half, { namespaces: 'all', nodes: true })
      .filter(({ to }) => to === 'shop/web')
      .map(({ from, family, ports }) => [from, family, ports.length]),
    [
      ['node/edge', 4, 0],
      ['node/edge', 6, 1],
      ['world', undefined, 0],
    ],
  );
});

test('an assertion holds only if it holds in every address family that both ends have', () => {
  const halfOpen = buildPolicyModel(
    readManifestObjects([
      deployment('shop', 'web'),
      policy('shop', 'half', {
        podSelector: {},
        policyTypes: ['Egress'],
        egress: [{ to: [{ ipBlock: { cidr: '::/0' } }] }],
      }),
    ]),
  );
  const ask = (to: string, allowed: boolean) =>
    checkAssertions(halfOpen, [{ from: 'shop/web', to, allowed }])[0];
  assert.equal(ask('world:443', true)?.holds, false, 'IPv4 does not get out');
  assert.equal(ask('world:443', false)?.holds, false, 'IPv6 gets out');
  assert.equal(ask('world:443', false)?.verdict.allowed, true, 'the verdict is that of the family at fault');
  assert.equal(ask('192.0.2.1:443', false)?.holds, true);
});

test('assertions hold or not, and a file that has none is refused', () => {
  const written = [
    { from: 'shop/web', to: 'shop/api:8080', allowed: true },
    { from: 'shop/web', to: 'shop/api:8081', allowed: true },
    { from: 'world', to: 'data/db:5432', allowed: false },
  ];
  assert.deepEqual(
    checkAssertions(model, readAssertions(written, 'a.yaml')).map(({ holds }) => holds),
    [true, false, true],
  );
  assert.throws(() => readAssertions(undefined, 'a.yaml'), /a\.yaml is no list of assertions/);
  assert.throws(() => readAssertions([], 'a.yaml'), /is no list/);
  assert.throws(() => readAssertions([{ from: 'a', to: 'b:1' }], 'a.yaml'), /Entry 1 of a\.yaml/);
});
