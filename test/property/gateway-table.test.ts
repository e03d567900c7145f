import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { attach } from '../../src/gateway/compile-attachment.ts';
import { servicesOfPolicy } from '../../src/gateway/compile-keys.ts';
import { comparePrecedence } from '../../src/gateway/compile-precedence.ts';
import type { RankedRule } from '../../src/gateway/compile-precedence.ts';
import { rankedRules } from '../../src/gateway/compile-table.ts';
import {
  applyChange,
  compileTable,
  diffTables,
  emptyTable,
  readGateway,
  readRoute,
} from '../../src/gateway/index.ts';
import { LiveTable } from '../../src/gateway/live-table.ts';
import type { LiveSources } from '../../src/gateway/live-table.ts';
import type { RouteTable } from '../../src/gateway/table.ts';
import { gateway, http, route, service, sourcesOf, to } from '../../src/gateway/testing/objects.ts';
import type { ClusterObject } from '../../src/gateway/testing/objects.ts';
import { anyCluster, anyObject, anyRoute, busyCluster, nameOf } from './gateway-worlds.ts';

const keys = ['shop/edge', 'data/edge'];
const either = fc.oneof(anyCluster, busyCluster);
const runs = { numRuns: 300 };

/** Of all Gateways, each compiled from everything. */
function tablesOf(objects: readonly ClusterObject[]): Readonly<Record<string, RouteTable | undefined>> {
  const sources = sourcesOf(objects);
  const routes = objects.flatMap(object => (object.kind === 'HTTPRoute' ? [readRoute(object, sources)] : []));
  return Object.fromEntries(
    keys.map(key => {
      const object = sources.gateway(key);
      if (object === undefined) return [key, undefined];
      const model = readGateway(object, sources);
      const attached = routes.map(route => ({ route, attachments: attach(route, model, sources) }));
      return [key, compileTable(model, attached, sources)];
    }),
  );
}

test('the same objects make the same tables, in whatever order they are seen', () => {
  fc.assert(
    fc.property(
      either.chain(objects =>
        fc.tuple(fc.constant(objects), fc.shuffledSubarray([...objects], { minLength: objects.length })),
      ),
      ([objects, shuffled]) => assert.deepEqual(tablesOf(shuffled), tablesOf(objects)),
    ),
    runs,
  );
});

test('a change turns one table into the other, also when it went through JSON', () => {
  fc.assert(
    fc.property(either, either, (one, two) => {
      for (const key of keys) {
        const [before, after] = [tablesOf(one)[key] ?? emptyTable, tablesOf(two)[key] ?? emptyTable];
        const change = diffTables(before, after);
        if (change === undefined) assert.deepEqual(before, after);
        else
          assert.deepEqual(applyChange(before, JSON.parse(JSON.stringify(change)) as typeof change), after);
        assert.equal(diffTables(after, structuredClone(after)), undefined);
      }
    }),
    runs,
  );
});

test('precedence is a total order: any two rules, asked in any order, stand the same way', () => {
  const rules = fc.array(anyRoute, { minLength: 2, maxLength: 6 }).map(routes => {
    const unique = new Map(routes.map(route => [nameOf(route), route]));
    return [...unique.values()].flatMap(route => rankedRules(readRoute(route, sourcesOf([]))));
  });
  const name = ({ route, place }: RankedRule) => `${route} ${place}`;
  fc.assert(
    fc.property(
      rules.chain(list =>
        fc.tuple(fc.constant(list), fc.shuffledSubarray([...list], { minLength: list.length })),
      ),
      ([list, shuffled]) => {
        for (const a of list)
          for (const b of list) {
            const sign = Math.sign(comparePrecedence(a, b));
            assert.equal(sign, -Math.sign(comparePrecedence(b, a)) + 0);
            assert.equal(sign === 0, a === b);
          }
        assert.deepEqual(
          shuffled.toSorted(comparePrecedence).map(name),
          list.toSorted(comparePrecedence).map(name),
        );
      },
    ),
    runs,
  );
});

/** Sources over objects that change. */
function changing(): { readonly sources: LiveSources; readonly objects: Map<string, ClusterObject> } {
  const objects = new Map<string, ClusterObject>();
  const now = () => sourcesOf([...objects.values()]);
  const reader = sourcesOf([]);
  return {
    objects,
    sources: {
      gatewayClass: name => now().gatewayClass(name),
      gateway: key => now().gateway(key),
      route: key => now().route(key),
      routesOf: key => now().routesOf(key),
      namespace: name => now().namespace(name),
      service: key => now().service(key),
      slices: key => now().slices(key),
      secret: key => now().secret(key),
      grants: namespace => now().grants(namespace),
      certificate: secret => reader.certificate(secret),
      listenerSets: key => now().listenerSets?.(key) ?? [],
      tlsPolicies: key => now().tlsPolicies?.(key) ?? [],
    },
  };
}

/** Tells a live table what the agent tells it. */
function tell(
  table: LiveTable,
  objects: ReadonlyMap<string, ClusterObject>,
  changed: readonly ClusterObject[],
): void {
  for (const object of changed) {
    const { kind, metadata } = object;
    const key = `${metadata.namespace ?? ''}/${metadata.name}`;
    const service = `${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name']}`;
    if (kind === 'HTTPRoute') table.routeChanged(key);
    else if (object.kind === 'BackendTLSPolicy') {
      for (const of of servicesOfPolicy(object)) table.endpointsChanged(of);
    } else if (kind === 'EndpointSlice') table.endpointsChanged(service);
    else if (kind === 'Service') {
      table.endpointsChanged(key);
      for (const object of objects.values())
        if (object.kind === 'HTTPRoute')
          table.routeChanged(`${object.metadata.namespace}/${object.metadata.name}`);
    } else table.gatewayChanged();
  }
}

test('a table that is kept up to date is the one that everything makes, after any changes', () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: anyObject.map(object => ({ put: object })) },
      { weight: 1, arbitrary: anyObject.map(object => ({ remove: nameOf(object) })) },
    ),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(either, steps, (first, list) => {
      const { sources, objects } = changing();
      for (const object of first) objects.set(nameOf(object), object);
      const live = new Map(keys.map(key => [key, new LiveTable(key, sources)]));
      const seen = new Map<string, { readonly revision: number; readonly table: RouteTable }>();
      const check = () => {
        const expected = tablesOf([...objects.values()]);
        for (const [key, table] of live) {
          const revision = table.revision();
          const wanted = expected[key];
          assert.equal(revision === undefined, wanted === undefined);
          if (revision === undefined || wanted === undefined) continue;
          assert.deepEqual(table.table(), wanted);
          const before = seen.get(key);
          if (before !== undefined && before.revision !== revision) {
            const change = table.since(before.revision);
            assert.ok(change);
            assert.deepEqual(applyChange(before.table, change), wanted, 'the changes since then add up');
          }
          if (before === undefined || revision % 3 === 0) seen.set(key, { revision, table: wanted });
        }
      };
      check();
      for (const [index, step] of list.entries()) {
        const name = 'put' in step ? nameOf(step.put) : step.remove;
        const before = objects.get(name);
        if ('put' in step) objects.set(name, step.put);
        else objects.delete(name);
        const changed = [before, objects.get(name)].filter(object => object !== undefined);
        for (const table of live.values()) tell(table, objects, changed);
        if (index % 3 === 0) check(); // changes also come several at once
      }
      check();
    }),
    { numRuns: 200 },
  );
});

test('what comes out the same is no change, and who is too far behind gets no change', () => {
  const { sources, objects } = changing();
  for (const object of [
    gateway('shop/edge', [http('http')]),
    service('shop/one'),
    route('shop/one', [to('one')]),
  ])
    objects.set(nameOf(object), object);
  const table = new LiveTable('shop/edge', sources);
  const first = table.revision();
  assert.equal(table.revision(), first);
  table.routeChanged('shop/one');
  table.gatewayChanged();
  assert.equal(table.revision(), first, 'it was looked at again');
  for (let at = 0; at < 100; at++) {
    objects.set('HTTPRoute shop/one', route('shop/one', [to('one', `/${at}`)]));
    table.routeChanged('shop/one');
    assert.equal(table.revision(), (first ?? 0) + at + 1);
  }
  assert.equal(table.since(first ?? 0), undefined);
  assert.ok(table.since((table.revision() ?? 0) - 1));
});
