import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment } from '../../kube/types/apps.ts';
import type { HTTPRoute } from '../../kube/types/gateway-routes.ts';
import type { Gateway } from '../../kube/types/gateway.ts';
import type { Condition } from '../../kube/types/meta.ts';
import type { Service } from '../../kube/types/service.ts';
import { type Readiness, readinessOf } from './readiness.ts';

const around = { pods: [], deployments: [] };
const condition = (
  type: string,
  status: 'True' | 'False' = 'True',
  reason = type,
  observedGeneration = 2,
): Condition => ({
  type,
  status,
  reason,
  message: `because of ${reason}`,
  observedGeneration,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});
const words = (readiness: Readiness): string =>
  readiness.state === 'ready' ? 'ready' : `${readiness.hopeless ? 'hopeless: ' : ''}${readiness.why}`;

function gateway(conditions: readonly Condition[], listener: readonly Condition[]): Gateway {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { namespace: 'shop', name: 'shop', generation: 2 },
    spec: {
      gatewayClassName: 'fairlead',
      listeners: [{ name: 'https', port: 443, protocol: 'HTTPS' }],
    },
    status: { conditions, listeners: [{ name: 'https', attachedRoutes: 1, conditions: listener }] },
  };
}

const good = [condition('Accepted'), condition('Programmed')];
const goodListener = [condition('Accepted'), condition('ResolvedRefs'), condition('Programmed')];

test('a Gateway is ready when it and its listeners are programmed', () => {
  assert.equal(words(readinessOf(gateway(good, goodListener), around)), 'ready');
});

test('what was said of an earlier generation does not count', () => {
  const old = [condition('Accepted', 'True', 'Accepted', 1), condition('Programmed')];
  assert.match(words(readinessOf(gateway(old, goodListener), around)), /no controller has said yet/);
});

test('a Gateway that is refused is not waited for', () => {
  const refused = [condition('Accepted', 'False', 'UnsupportedAddress')];
  assert.match(words(readinessOf(gateway(refused, []), around)), /^hopeless: .*UnsupportedAddress/);
  const pending = [condition('Accepted', 'False', 'Pending')];
  assert.match(words(readinessOf(gateway(pending, []), around)), /^is not Accepted \(Pending\)/);
});

test('a listener without its certificate says so', () => {
  const listener = [
    condition('Accepted'),
    condition('ResolvedRefs', 'False', 'InvalidCertificateRef'),
    condition('Programmed', 'False', 'Invalid'),
  ];
  assert.equal(
    words(readinessOf(gateway(good, listener), around)),
    'listener https: is not ResolvedRefs (InvalidCertificateRef): because of InvalidCertificateRef',
  );
});

test("a Gateway waits for all of its proxies, and for nobody else's", () => {
  const proxies = (name: string): Deployment => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'shop', name, labels: { 'gateway.networking.k8s.io/gateway-name': name } },
    spec: { replicas: 2, selector: {}, template: { spec: { containers: [] } } },
    status: { availableReplicas: 1, updatedReplicas: 2, replicas: 2 },
  });
  const withProxies = (name: string) => ({ ...around, deployments: [proxies(name)] });
  assert.match(
    words(readinessOf(gateway(good, goodListener), withProxies('shop'))),
    /1 of 2 pods are available/,
  );
  assert.equal(words(readinessOf(gateway(good, goodListener), withProxies('other'))), 'ready');
});

function route(...conditions: readonly Condition[]): HTTPRoute {
  const parentRef = { name: 'shop', sectionName: 'https' };
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { namespace: 'shop', name: 'web', generation: 2 },
    spec: { parentRefs: [parentRef] },
    status: {
      parents: [
        { parentRef: { name: 'shop', sectionName: 'http' }, controllerName: 'a', conditions: [] },
        { parentRef: { namespace: 'shop', ...parentRef }, controllerName: 'a', conditions },
      ],
    },
  };
}

test('a route is ready when its Gateway takes it and its backends are there', () => {
  assert.equal(words(readinessOf(route(condition('Accepted'), condition('ResolvedRefs')), around)), 'ready');
  assert.match(
    words(
      readinessOf(
        route(condition('Accepted'), condition('ResolvedRefs', 'False', 'BackendNotFound')),
        around,
      ),
    ),
    /^hopeless: Gateway shop: is not ResolvedRefs \(BackendNotFound\)/,
  );
  assert.match(words(readinessOf(route(), around)), /no controller has said yet/);
});

test('a load balancer is ready with its address, and one of another class is not ours to wait for', () => {
  const service = (spec: Service['spec']): Service => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name: 'a' },
    spec,
  });
  assert.match(words(readinessOf(service({ type: 'LoadBalancer' }), around)), /has no load-balancer address/);
  assert.equal(
    words(readinessOf(service({ type: 'LoadBalancer', loadBalancerClass: 'x' }), around)),
    'ready',
  );
});
