import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, parseAddress } from '../../src/base/ip.ts';
import { compareTrace, traceRequest } from '../../src/insight/trace/index.ts';
import type { Hop, Origin, Target, Trace, TraceObjects } from '../../src/insight/trace/index.ts';
import { pod, shop } from '../../src/insight/trace/testing/shop.ts';
import { buildPolicyModel, decidePolicy } from '../../src/policy/index.ts';
import { buildServiceModel, decideService } from '../../src/services/index.ts';
import { worldPods, worldPolicies } from './trace-worlds.ts';

const origins = fc.oneof(
  fc.constant<Origin>({ kind: 'world' }),
  fc.constantFrom('node-1', 'node-2', 'node-9').map((name): Origin => ({ kind: 'node', name })),
  fc.constantFrom('shop/web-1', 'shop/web-2', 'shop/api-1', 'data/db-2', 'shop/gone').map((key): Origin => ({
    kind: 'pod',
    namespace: key.split('/')[0] ?? '',
    name: key.split('/')[1] ?? '',
  })),
);
const targets = fc
  .record({
    host: fc.constantFrom(
      'api',
      'api.shop',
      'db.data',
      'idle',
      'shop.example.com',
      'x..y',
      '10.96.0.2',
      'fd00:10:96::3',
      '172.30.200.1',
      '172.30.0.2',
      '10.244.2.12',
      '10.244.1.77',
      '192.0.2.7',
    ),
    port: fc.constantFrom(53, 80, 443, 8080),
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
    path: fc.constantFrom('/', '/shop', '/shop/../old', '/%zz'),
    isUrl: fc.boolean(),
  })
  .map(({ host, isUrl, path, port, protocol }): Target => {
    const scheme = port === 443 ? 'https' : 'http';
    return isUrl
      ? { host, port, protocol: 'TCP', http: { scheme, method: 'GET', path, headers: [] } }
      : { host, port, protocol };
  });

/** A value somewhere in an object is taken away, or is of another kind than the API has it. */
interface Damage {
  readonly list: keyof Omit<TraceObjects, 'facts'>;
  readonly index: number;
  readonly steps: readonly number[];
  readonly value: unknown;
}

const lists = [
  'pods',
  'nodes',
  'namespaces',
  'services',
  'endpointSlices',
  'networkPolicies',
  'gatewayClasses',
  'gateways',
  'httpRoutes',
] as const;
const damages = fc.array(
  fc.record({
    list: fc.constantFrom(...lists),
    index: fc.nat(20),
    steps: fc.array(fc.nat(12), { minLength: 1, maxLength: 6 }),
    value: fc.constantFrom<unknown>(undefined, null, 0, -1, '', 'x', true, [], {}, [{}], { a: 1 }, ['::1']),
  }),
  { maxLength: 4 },
);

function damaged(objects: TraceObjects, all: readonly Damage[]): TraceObjects {
  const copy = structuredClone(objects) as unknown as Record<string, unknown[]>;
  for (const { index, list, steps, value } of all) {
    const objectsOfKind = copy[list] ?? [];
    let at = objectsOfKind[index % Math.max(1, objectsOfKind.length)] as Record<string, unknown> | undefined;
    for (const [depth, step] of steps.entries()) {
      if (typeof at !== 'object' || at === null) break;
      const keys = Object.keys(at);
      const key = keys[step % Math.max(1, keys.length)];
      if (key === undefined) break;
      if (depth === steps.length - 1) at[key] = value;
      else at = at[key] as Record<string, unknown> | undefined;
    }
  }
  return copy as unknown as TraceObjects;
}

const hopsOf = <Name extends Hop['hop']>(trace: Trace, name: Name) =>
  trace.hops.filter((hop): hop is Extract<Hop, { hop: Name }> => hop.hop === name);

test('whatever the objects look like, a trace has a verdict, survives JSON and does not change them', () => {
  fc.assert(
    fc.property(origins, targets, damages, (origin, target, damage) => {
      const objects = damaged(shop(), damage);
      const before = JSON.stringify(objects, bigints);
      const trace = traceRequest(objects, origin, target);
      assert.ok(trace.verdict.sentence.length > 0);
      assert.deepEqual(JSON.parse(JSON.stringify(trace)), JSON.parse(JSON.stringify(trace, bigints)));
      assert.equal(JSON.stringify(objects, bigints), before);
      assert.ok(compareTrace(trace, { silent: [] }).every(({ result }) => result !== 'differs'));
    }),
    { numRuns: 400 },
  );
});

const bigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

test('the order in which objects are listed does not matter', () => {
  fc.assert(
    fc.property(origins, targets, fc.infiniteStream(fc.nat(1000)), (origin, target, numbers) => {
      const objects = shop();
      const shuffled = Object.fromEntries(
        Object.entries(objects).map(([key, list]) => [
          key,
          Array.isArray(list)
            ? list
                .map(one => ({ one, at: numbers.next().value as number }))
                .toSorted((a, b) => a.at - b.at)
                .map(({ one }) => one as unknown)
            : list,
        ]),
      ) as unknown as TraceObjects;
      const [a, b] = [objects, shuffled].map(each => traceRequest(each, origin, target));
      assert.deepEqual(b?.verdict, a?.verdict);
    }),
    { numRuns: 100 },
  );
});

test('what a trace says of Services and policies is what their engines decide', () => {
  fc.assert(
    fc.property(
      worldPolicies,
      worldPods,
      fc.constantFrom('shop/web-1', 'shop/web-2', 'data/db-1'),
      fc.constantFrom('10.96.0.2', 'fd00:10:96::3', '10.96.0.1', '10.244.2.12'),
      (networkPolicies, extra, key, host) => {
        const base = shop();
        const objects: TraceObjects = {
          ...base,
          networkPolicies,
          pods: [...base.pods, ...extra.map((name, index) => pod(name, 100 + index))],
        };
        const [namespace = '', name = ''] = key.split('/');
        const trace = traceRequest(
          objects,
          { kind: 'pod', namespace, name },
          { host, port: host === '10.244.2.12' ? 8080 : 80, protocol: 'TCP' },
        );
        const address = parseAddress(host);
        assert.ok(address);
        const services = buildServiceModel(objects.services, objects.endpointSlices);
        const decision = decideService(
          services,
          { address, protocol: 'TCP', port: 80 },
          { place: 'pod', node: `node-${name.slice(-1)}` },
        );
        const [policy] = hopsOf(trace, 'policy');
        const choices = policy?.choices ?? [];
        if (decision.verdict === 'forward')
          assert.deepEqual(
            choices.map(({ to }) => `${to.address} ${to.port}`).sort(),
            decision.endpoints.map(({ address: at, port }) => `${formatAddress(at)} ${port}`).sort(),
          );
        const model = buildPolicyModel({
          pods: objects.pods,
          namespaces: objects.namespaces,
          policies: objects.networkPolicies,
          nodes: objects.nodes,
          nodeLocalServices: [],
        });
        for (const { allowed, egress, from, ingress, to } of choices) {
          const [source, destination] = [parseAddress(from.address), parseAddress(to.address)];
          assert.ok(source !== undefined && destination !== undefined);
          const expected = decidePolicy(model, {
            source,
            destination,
            protocol: 'TCP',
            ...(to.port === undefined ? {} : { port: to.port }),
            hairpin: decision.verdict === 'forward',
          });
          assert.deepEqual(
            [allowed, egress.allowed, ingress.allowed],
            [expected.allowed, expected.egress.allowed, expected.ingress.allowed],
          );
          const [ending] = hopsOf(trace, 'arrival')
            .flatMap(hop => hop.choices)
            .filter(one => one.to?.address === to.address);
          assert.equal(ending?.outcome, allowed ? 'reaches' : 'dropped');
        }
      },
    ),
    { numRuns: 150 },
  );
});
