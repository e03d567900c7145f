import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ParentReference } from '../kube/types/gateway-routes.ts';
import { gateway, http, https, namespace, route, service, tlsSecret, to } from './testing/objects.ts';
import type { ClusterObject } from './testing/objects.ts';
import { makeCertificate } from './testing/certificate.ts';
import { see } from './testing/status.ts';

const accepted = ['Accepted=True/Accepted', 'ResolvedRefs=True/ResolvedRefs'];
const web = service('shop/web');
const parent = (more: Partial<ParentReference> = {}): ParentReference => ({
  group: 'gateway.networking.k8s.io',
  kind: 'Gateway',
  name: 'edge',
  ...more,
});
const attached = (
  objects: readonly ClusterObject[],
  parentRefs: readonly ParentReference[],
  key = 'shop/web',
) => {
  const [of = ''] = key.split('/');
  const own = of === 'shop' ? web : service(`${of}/web`);
  return see([...objects, own, route(key, [to('web')], { parentRefs })]);
};

test('a route of the same namespace attaches to every listener that takes it', () => {
  const seen = attached([gateway('shop/edge', [http('a'), http('b', { port: 8080 })])], [parent()]);
  assert.deepEqual(seen.parents('shop/web'), [accepted]);
  assert.deepEqual(seen.attachedRoutes('shop/edge'), { a: 1, b: 1 });
});

test('a section name chooses one listener; one that is not there has no parent', () => {
  const edge = gateway('shop/edge', [http('a'), http('b', { port: 8080 })]);
  assert.deepEqual(attached([edge], [parent({ sectionName: 'b' })]).attachedRoutes('shop/edge'), { b: 1 });
  const none = attached([edge], [parent({ sectionName: 'c' })]);
  assert.deepEqual(none.parents('shop/web'), [
    ['Accepted=False/NoMatchingParent', 'ResolvedRefs=True/ResolvedRefs'],
  ]);
  assert.deepEqual(none.attachedRoutes('shop/edge'), {});
});

test('a port chooses listeners; with a section name both have to hold', () => {
  const edge = gateway('shop/edge', [http('a'), http('b', { port: 8080 })]);
  assert.deepEqual(attached([edge], [parent({ port: 8080 })]).attachedRoutes('shop/edge'), { b: 1 });
  const of = (more: Partial<ParentReference>) => attached([edge], [parent(more)]).parents('shop/web')[0]?.[0];
  assert.equal(of({ port: 8081 }), 'Accepted=False/NoMatchingParent');
  assert.equal(of({ port: 80, sectionName: 'b' }), 'Accepted=False/NoMatchingParent');
  assert.equal(of({ port: 8080, sectionName: 'b' }), 'Accepted=True/Accepted');
});

test('a route of another namespace attaches only where the listener allows it', () => {
  const edge = (from: 'All' | 'Same' | 'Selector') =>
    gateway('shop/edge', [
      http('http', {
        allowedRoutes: {
          namespaces: { from, ...(from === 'Selector' ? { selector: { matchLabels: { team: 'a' } } } : {}) },
        },
      }),
    ]);
  const parentRefs = [parent({ namespace: 'shop' })];
  const of = (...objects: readonly ClusterObject[]) =>
    attached(objects, parentRefs, 'team/web').parents('team/web')[0]?.[0];
  const [a, b] = [namespace('team', { team: 'a' }), namespace('team', { team: 'b' })];
  assert.equal(of(edge('Same'), a), 'Accepted=False/NotAllowedByListeners');
  assert.equal(of(edge('All'), a), 'Accepted=True/Accepted');
  assert.equal(of(edge('Selector'), a), 'Accepted=True/Accepted');
  assert.equal(of(edge('Selector'), b), 'Accepted=False/NotAllowedByListeners');
  assert.equal(of(edge('Selector')), 'Accepted=False/NotAllowedByListeners', 'a namespace that is not known');
});

test('a listener that selects namespaces without a selector selects none', () => {
  const edge = gateway('shop/edge', [http('http', { allowedRoutes: { namespaces: { from: 'Selector' } } })]);
  const seen = attached([edge, namespace('shop')], [parent()]);
  assert.equal(seen.parents('shop/web')[0]?.[0], 'Accepted=False/NotAllowedByListeners');
});

test('hostnames have to meet', () => {
  const of = (listener: string | undefined, ...hostnames: readonly string[]) => {
    const edge = gateway('shop/edge', [http('http', listener === undefined ? {} : { hostname: listener })]);
    const seen = see([edge, web, route('shop/web', [to('web')], { hostnames })]);
    return [
      seen.parents('shop/web')[0]?.[0],
      Object.values(seen.table('shop/edge').hosts).map(host => host.hostname),
    ];
  };
  const [yes, no] = ['Accepted=True/Accepted', 'Accepted=False/NoMatchingListenerHostname'];
  assert.deepEqual(of(undefined), [yes, ['*']]);
  assert.deepEqual(of(undefined, 'a.example.com'), [yes, ['a.example.com']]);
  assert.deepEqual(of('a.example.com'), [yes, ['a.example.com']]);
  assert.deepEqual(of('a.example.com', '*.example.com'), [yes, ['a.example.com']]);
  assert.deepEqual(of('*.example.com', 'a.b.example.com', 'example.com'), [yes, ['a.b.example.com']]);
  assert.deepEqual(of('*.example.com', '*.b.example.com'), [yes, ['*.b.example.com']]);
  assert.deepEqual(of('*.b.example.com', '*.example.com'), [yes, ['*.b.example.com']]);
  assert.deepEqual(of('*.example.com', 'example.com'), [no, []]);
  assert.deepEqual(of('a.example.com', 'b.example.com', 'a.example.net'), [no, []]);
  assert.deepEqual(of('*.example.com', '*.ample.com'), [no, []]);
  assert.deepEqual(of('A.Example.com', 'a.example.COM'), [yes, ['a.example.com']]);
});

test('a route counts on a listener although its references, or the certificate, lead nowhere', () => {
  const edge = gateway('shop/edge', [http('http'), https('https', 'missing')]);
  const seen = see([edge, route('shop/web', [to('nowhere')])]);
  assert.deepEqual(seen.attachedRoutes('shop/edge'), { http: 1, https: 1 });
  assert.deepEqual(seen.parents('shop/web'), [
    ['Accepted=True/Accepted', 'ResolvedRefs=False/BackendNotFound'],
  ]);
});

test('each parentRef has its own verdict, in its own words', () => {
  const edge = gateway('shop/edge', [http('a'), http('b', { port: 8080, hostname: 'b.example.com' })]);
  const parentRefs = [
    parent({ sectionName: 'a' }),
    parent({ sectionName: 'b' }),
    parent({ sectionName: 'c' }),
  ];
  const seen = see([edge, web, route('shop/web', [to('web')], { parentRefs, hostnames: ['a.example.com'] })]);
  assert.deepEqual(
    seen.parents('shop/web').map(([first]) => first),
    [
      'Accepted=True/Accepted',
      'Accepted=False/NoMatchingListenerHostname',
      'Accepted=False/NoMatchingParent',
    ],
  );
});

test('a parent that is no Gateway, or one that is not there, is somebody else’s', () => {
  const edge = gateway('shop/edge', [http('http')]);
  const seen = attached(
    [edge],
    [{ group: '', kind: 'Service', name: 'edge' }, parent({ name: 'other' }), parent({ namespace: 'other' })],
  );
  assert.deepEqual(seen.parents('shop/web'), []);
});

test('the same route stands on several Gateways, with different results', () => {
  const pair = makeCertificate();
  const one = gateway('shop/one', [http('http', { hostname: 'one.example.com' })]);
  const two = gateway('shop/two', [https('https', 'cert')]);
  const seen = see([
    one,
    two,
    web,
    tlsSecret('shop/cert', pair.certificate, pair.key),
    route('shop/web', [to('web')], {
      hostnames: ['two.example.com'],
      parentRefs: [parent({ name: 'one' }), parent({ name: 'two' })],
    }),
  ]);
  assert.deepEqual(
    seen.parents('shop/web').map(([first]) => first),
    ['Accepted=False/NoMatchingListenerHostname', 'Accepted=True/Accepted'],
  );
  assert.deepEqual(Object.keys(seen.table('shop/one').hosts), []);
  assert.deepEqual(Object.keys(seen.table('shop/two').hosts), ['https two.example.com']);
});
