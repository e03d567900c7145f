import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../kube/types/meta.ts';
import { explainGateways } from './explain-gateways.ts';
import { traceObjectsOf } from './manifest-objects.ts';

const facts = { clusterDomain: 'cluster.local', links: [], servicePrefixes: [], world: [] };
const group = 'gateway.networking.k8s.io/v1';

const gateway = (name: string, spec: object = {}) => ({
  apiVersion: group,
  kind: 'Gateway',
  metadata: { name },
  spec: {
    gatewayClassName: 'any',
    listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }],
    ...spec,
  },
});
const route = (name: string, path: string, spec: object = {}, kind = 'HTTPRoute') => ({
  apiVersion: group,
  kind,
  metadata: { name },
  spec: {
    parentRefs: [{ name: 'edge' }],
    rules: [
      { matches: [{ path: { type: 'PathPrefix', value: path } }], backendRefs: [{ name: 'web', port: 80 }] },
    ],
    ...spec,
  },
});
const web = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort: 8080 }] }] },
      },
    },
  },
];

function explain(objects: readonly object[], path: string, only?: string) {
  return explainGateways(
    traceObjectsOf(objects as readonly KubeObject[], facts),
    {
      host: 'shop.example.com',
      port: 80,
      protocol: 'TCP',
      http: { scheme: 'http', method: 'GET', path, headers: [] },
    },
    only,
  );
}

test('manifests say where a request would go, down to the workload, and what came second', () => {
  const { answers, problems } = explain(
    [gateway('edge'), ...web, route('cart', '/cart'), route('all', '/')],
    '/cart/1',
  );
  assert.deepEqual(problems, []);
  const [answer] = answers;
  assert.equal(answer?.outcome, 'forwarded');
  assert.equal(answer.rule?.object, 'HTTPRoute/default/cart');
  assert.deepEqual(
    answer.backends.map(({ endpoints, service }) => [service, endpoints.map(({ pod, port }) => [pod, port])]),
    [['default/web:80', [['default/web', 8080]]]],
  );
  assert.deepEqual(answer.second, {
    object: 'HTTPRoute/default/all',
    field: 'spec.rules[0].matches[0]',
    sentence: 'it matches too, and comes second: the path /cart is longer than /',
  });
});

test('Gateways that have the request come first, and one may be asked alone', () => {
  const objects = [gateway('another'), gateway('edge'), ...web, route('all', '/')];
  assert.deepEqual(
    explain(objects, '/').answers.map(({ gateway: key, outcome, status }) => [key, outcome, status]),
    [
      ['Gateway/default/edge', 'forwarded', undefined],
      ['Gateway/default/another', 'answered', 404],
    ],
  );
  assert.deepEqual(
    explain(objects, '/', 'default/another').answers.map(({ gateway: key }) => key),
    ['Gateway/default/another'],
  );
});

test('a redirect is told with the whole Location', () => {
  const filters = [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } }];
  const { answers } = explain([gateway('edge'), route('all', '/', { rules: [{ filters }] })], '/a?b=1');
  assert.equal(answers[0]?.location, 'https://shop.example.com/a?b=1');
});

test('routes of gRPC, and listeners of ListenerSets, count', () => {
  const call = { method: { service: 'shop.Cart', method: 'Add' } };
  const calls = route(
    'calls',
    '',
    { rules: [{ matches: [call], backendRefs: [{ name: 'web', port: 80 }] }] },
    'GRPCRoute',
  );
  assert.equal(
    explain([gateway('edge'), ...web, calls], '/shop.Cart/Add').answers[0]?.rule?.object,
    'GRPCRoute/default/calls',
  );
  const set = {
    apiVersion: group,
    kind: 'ListenerSet',
    metadata: { name: 'more' },
    spec: { parentRef: { name: 'edge' }, listeners: [{ name: 'extra', port: 80, protocol: 'HTTP' }] },
  };
  const onSet = route('set', '/', { parentRefs: [{ kind: 'ListenerSet', name: 'more' }] });
  const edge = gateway('edge', {
    listeners: [{ name: 'other', port: 81, protocol: 'HTTP' }],
    allowedListeners: { namespaces: { from: 'Same' } },
  });
  assert.equal(explain([edge, set, ...web, onSet], '/').answers[0]?.rule?.object, 'HTTPRoute/default/set');
});

test('an object that has not the form of its kind is named, and the rest is explained', () => {
  const broken = { apiVersion: group, kind: 'HTTPRoute', metadata: { name: 'broken' }, spec: { rules: 5 } };
  const { answers, problems } = explain([gateway('edge'), ...web, broken, route('all', '/')], '/');
  assert.match(problems.join(), /HTTPRoute\/default\/broken cannot be read/);
  assert.equal(answers[0]?.rule?.object, 'HTTPRoute/default/all');
});

test('Ingresses are asked as routes are', () => {
  const ingress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'shop' },
    spec: {
      ingressClassName: 'any',
      rules: [
        {
          host: 'shop.example.com',
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
              {
                path: '/cart',
                pathType: 'Prefix',
                backend: { service: { name: 'gone', port: { number: 80 } } },
              },
            ],
          },
        },
      ],
    },
  };
  const [answer] = explain([...web, ingress], '/').answers;
  assert.deepEqual(
    [answer?.gateway, answer?.outcome, answer?.rule?.object],
    ['IngressClass/any', 'forwarded', 'Ingress/default/shop'],
  );
  const [cart] = explain([...web, ingress], '/cart').answers;
  assert.deepEqual([cart?.status, cart?.second?.object], [503, 'Ingress/default/shop']);
  assert.match(cart?.problems.join() ?? '', /there is no Service default\/gone/);
});
