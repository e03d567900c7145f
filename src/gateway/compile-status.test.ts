import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HTTPRoute, RouteParentStatus } from '../kube/types/gateway-routes.ts';
import type { Gateway } from '../kube/types/gateway.ts';
import { attach } from './compile-attachment.ts';
import { readGateway } from './compile-gateway.ts';
import { readRoute } from './compile-route.ts';
import { gatewayClassStatus, gatewayStatus, routeStatus } from './compile-status.ts';
import type { Infrastructure } from './compile-status.ts';
import { fairlead, gateway, http, route, service, sourcesOf, to } from './testing/objects.ts';
import { short } from './testing/status.ts';

const first = '2026-02-02T00:00:00Z';
const later = '2026-02-03T00:00:00Z';
const ready: Infrastructure = {
  addresses: [{ type: 'IPAddress', value: '172.30.200.1' }],
  availableProxies: 2,
};
const edge = gateway('shop/edge', [http('http')]);

const gatewayNow = (object: Gateway, now: string, infrastructure = ready) =>
  gatewayStatus(readGateway(object, sourcesOf([])), infrastructure, new Map(), now);

function routeNow(object: HTTPRoute, now: string, of: Gateway | undefined = edge) {
  const sources = sourcesOf([object, service('shop/web'), ...(of === undefined ? [] : [of])]);
  const model = readRoute(object, sources);
  const attachments = of === undefined ? [] : attach(model, readGateway(of, sources), sources);
  return routeStatus(model, attachments, now);
}

test('a status that is said already is not written again', () => {
  const status = gatewayNow(edge, first);
  assert.ok(status);
  assert.equal(gatewayNow({ ...edge, status }, later), undefined);
  const web = route('shop/web', [to('web')]);
  const said = routeNow(web, first);
  assert.ok(said);
  assert.equal(routeNow({ ...web, status: said }, later), undefined);
  const classStatus = gatewayClassStatus(fairlead, first);
  assert.ok(classStatus);
  assert.equal(gatewayClassStatus({ ...fairlead, status: classStatus }, later), undefined);
});

test('a status is the same in whatever order a server keeps its conditions and fields', () => {
  const status = gatewayNow(edge, first);
  assert.ok(status);
  const turned = { ...status, conditions: status.conditions?.toReversed() ?? [] };
  assert.equal(gatewayNow({ ...edge, status: turned }, later), undefined);
});

test('every condition names the generation that it is for', () => {
  const moved: Gateway = { ...edge, metadata: { ...edge.metadata, generation: 7 } };
  const status = gatewayNow({ ...moved, ...withStatus(gatewayNow(edge, first)) }, later);
  const conditions = [...(status?.conditions ?? []), ...(status?.listeners?.[0]?.conditions ?? [])];
  assert.equal(conditions.length, 6);
  for (const condition of conditions) {
    assert.equal(condition.observedGeneration, 7, condition.type);
    assert.equal(condition.lastTransitionTime, first, 'nothing changed but the generation');
  }
  const web = route('shop/web', [to('web')], {}, { generation: 9 });
  for (const { observedGeneration } of routeNow(web, first)?.parents[0]?.conditions ?? [])
    assert.equal(observedGeneration, 9);
  const bumped = { ...fairlead, metadata: { ...fairlead.metadata, generation: 3 } };
  assert.equal(gatewayClassStatus(bumped, first)?.conditions?.[0]?.observedGeneration, 3);
});

const withStatus = <T>(status: T | undefined) => (status === undefined ? {} : { status });

test('a condition keeps the time of its last transition until its status is another', () => {
  const before = gatewayNow(edge, first);
  const after = gatewayNow({ ...edge, ...withStatus(before) }, later, { ...ready, availableProxies: 0 });
  const timeOf = (type: string) => after?.conditions?.find(one => one.type === type)?.lastTransitionTime;
  assert.deepEqual([timeOf('Accepted'), timeOf('Programmed')], [first, later]);
});

test('what the server put there before a controller came is replaced', () => {
  const waiting = {
    lastTransitionTime: '1970-01-01T00:00:00Z',
    message: 'Waiting for controller',
    reason: 'Pending',
  };
  const made: Gateway = {
    ...edge,
    status: {
      conditions: [
        { ...waiting, status: 'Unknown', type: 'Accepted' },
        { ...waiting, status: 'Unknown', type: 'Programmed' },
      ],
    },
  };
  const status = gatewayNow(made, first);
  assert.deepEqual(short(status?.conditions), ['Accepted=True/Accepted', 'Programmed=True/Programmed']);
  assert.ok(status?.conditions?.every(({ lastTransitionTime }) => lastTransitionTime === first));
});

test('conditions of other people stay', () => {
  const theirs = {
    type: 'example.com/Audited',
    status: 'True',
    reason: 'Yes',
    message: '',
    lastTransitionTime: first,
  } as const;
  const status = gatewayNow({ ...edge, status: { conditions: [theirs] } }, later);
  assert.deepEqual(status?.conditions?.at(-1), theirs);
});

test('a listener that is gone takes its status along, a new one gets one', () => {
  const before = gatewayNow(gateway('shop/edge', [http('a'), http('b', { port: 81 })]), first);
  const now = gateway('shop/edge', [http('b', { port: 81 }), http('c', { port: 82 })]);
  const after = gatewayNow({ ...now, ...withStatus(before) }, later);
  assert.deepEqual(
    after?.listeners?.map(({ name }) => name),
    ['b', 'c'],
  );
});

test('the addresses are those of the load balancer', () => {
  assert.deepEqual(gatewayNow(edge, first)?.addresses, [{ type: 'IPAddress', value: '172.30.200.1' }]);
  const asked = gateway('shop/edge', [http('http')], {
    addresses: [{ type: 'IPAddress', value: '172.30.200.1' }],
  });
  const six = { type: 'IPAddress', value: 'fd00::1' } as const;
  const both = { ...ready, addresses: [...ready.addresses, six] };
  assert.deepEqual(gatewayNow(asked, first, both)?.addresses, [{ type: 'IPAddress', value: '172.30.200.1' }]);
});

const theirs = (name: string): RouteParentStatus => ({
  controllerName: 'example.com/other',
  parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name },
  conditions: [],
});

test('entries of other controllers stay where they are, as they are', () => {
  const web = route('shop/web', [to('web')]);
  const ours = routeNow(web, first)?.parents[0];
  assert.ok(ours);
  const between: HTTPRoute = { ...web, status: { parents: [theirs('x'), ours, theirs('edge')] } };
  assert.equal(routeNow(between, later), undefined, 'nobody has to write');
  const moved = { ...between, metadata: { ...web.metadata, generation: 2 } };
  assert.deepEqual(
    routeNow(moved, later)?.parents.map(({ controllerName, parentRef }) => [controllerName, parentRef.name]),
    [
      ['example.com/other', 'x'],
      ['fairlead.dev/gateway-controller', 'edge'],
      ['example.com/other', 'edge'],
    ],
  );
});

test('our entry goes when the route no longer names a Gateway of ours, or the Gateway is gone', () => {
  const web = route('shop/web', [to('web')]);
  const status = routeNow(web, first);
  assert.ok(status);
  const left: HTTPRoute = { ...web, status: { parents: [...status.parents, theirs('x')] } };
  assert.deepEqual(routeStatus(readRoute(left, sourcesOf([])), [], later)?.parents, [theirs('x')]);
  const never = readRoute(route('shop/web', [to('web')]), sourcesOf([]));
  assert.equal(routeStatus(never, [], first), undefined, 'a route that was never ours is not written');
});

test('a parent is told in the words of the route', () => {
  const parentRefs = [{ name: 'edge', sectionName: 'http', port: 80 }];
  const parent = routeNow(route('shop/web', [to('web')], { parentRefs }), first)?.parents[0];
  assert.deepEqual(parent?.parentRef, parentRefs[0]);
  assert.equal(parent?.controllerName, 'fairlead.dev/gateway-controller');
});

test('a class says which definitions are known, and claims no field that the API drops', () => {
  const of = (channels: readonly string[], versions: readonly string[]) => {
    const status = gatewayClassStatus(fairlead, first, { channels, versions });
    const names = status?.supportedFeatures?.map(({ name }) => name) ?? [];
    return [short(status?.conditions)[1], names.includes('HTTPRouteRetry')];
  };
  assert.deepEqual(of([], []), ['SupportedVersion=True/SupportedVersion', true]);
  assert.deepEqual(of(['experimental'], ['v1.6.1']), ['SupportedVersion=True/SupportedVersion', true]);
  assert.deepEqual(of(['standard'], ['v1.6.0']), ['SupportedVersion=True/SupportedVersion', false]);
  for (const version of ['v1.4.0', ''])
    assert.deepEqual(of(['standard'], ['v1.6.1', version]), [
      'SupportedVersion=False/UnsupportedVersion',
      false,
    ]);
});

test('a class of ours is accepted, with the features in the order of the alphabet', () => {
  const status = gatewayClassStatus(fairlead, first);
  assert.deepEqual(short(status?.conditions), ['Accepted=True/Accepted']);
  const names = status?.supportedFeatures?.map(({ name }) => name) ?? [];
  assert.ok(names.includes('HTTPRoute'));
  assert.deepEqual(names, names.toSorted());
  const parametersRef = { group: 'example.com', kind: 'Settings', name: 'x' };
  const wrong = gatewayClassStatus({ ...fairlead, spec: { ...fairlead.spec, parametersRef } }, first);
  assert.deepEqual(short(wrong?.conditions), ['Accepted=False/InvalidParameters']);
});
