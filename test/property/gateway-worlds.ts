/** Random clusters with Gateways, small enough that everything meets everything. */
import fc from 'fast-check';
import type { HTTPRouteMatch, HTTPRouteRule, ParentReference } from '../../src/kube/types/gateway-routes.ts';
import type { Listener } from '../../src/kube/types/gateway.ts';
import {
  gateway,
  grant,
  http,
  listenerSet,
  namespace,
  route,
  service,
  slice,
  tlsPolicy,
} from '../../src/gateway/testing/objects.ts';
import type { ClusterObject } from '../../src/gateway/testing/objects.ts';

const hostnames = ['a.example.com', 'b.example.com', '*.example.com', '*.b.example.com', 'example.com'];
const paths = ['/', '/a', '/a/b', '/a/', '/b'];
const names = ['one', 'two', 'three'];
const spaces = ['shop', 'data'];

const listener: fc.Arbitrary<Listener> = fc
  .record({
    name: fc.constantFrom('l1', 'l2', 'l3'),
    port: fc.constantFrom(80, 80, 8080, 15443),
    hostname: fc.option(fc.constantFrom(...hostnames), { nil: undefined }),
    protocol: fc.constantFrom('HTTP', 'HTTP', 'HTTP', 'HTTPS', 'TCP'),
    from: fc.constantFrom('Same', 'All', 'Selector' as const),
  })
  .map(({ from, hostname, ...rest }) =>
    http(rest.name, {
      ...rest,
      ...(hostname === undefined ? {} : { hostname }),
      allowedRoutes: {
        namespaces: { from, ...(from === 'Selector' ? { selector: { matchLabels: { team: 'a' } } } : {}) },
      },
    }),
  );

const match: fc.Arbitrary<HTTPRouteMatch> = fc.record({
  path: fc.record({
    type: fc.constantFrom('Exact', 'PathPrefix', 'PathPrefix'),
    value: fc.constantFrom(...paths),
  }),
  ...fields('method', fc.constantFrom('GET', 'POST')),
  ...fields('headers', fc.array(value('x', 'y'), { maxLength: 2 })),
  ...fields('queryParams', fc.array(value('q'), { maxLength: 1 })),
});

function value(...of: readonly string[]) {
  return fc.record({
    type: fc.constant('Exact'),
    name: fc.constantFrom(...of),
    value: fc.constantFrom('1', '2'),
  });
}

/** Absent half of the time. */
function fields<T>(key: string, arbitrary: fc.Arbitrary<T>) {
  return { [key]: fc.option(arbitrary, { nil: undefined }) };
}

const rule: fc.Arbitrary<HTTPRouteRule> = fc.record({
  matches: fc.array(match, { minLength: 1, maxLength: 3 }),
  backendRefs: fc.array(
    fc.record({
      name: fc.constantFrom(...names, 'gone'),
      namespace: fc.constantFrom(...spaces),
      port: fc.constantFrom(80, 81),
      weight: fc.nat({ max: 3 }),
    }),
    { maxLength: 2 },
  ),
});

const parent: fc.Arbitrary<ParentReference> = fc
  .record({
    kind: fc.constantFrom('Gateway', 'Gateway', 'Gateway', 'ListenerSet'),
    name: fc.constantFrom('edge', 'other'),
    namespace: fc.constantFrom(...spaces),
    sectionName: fc.option(fc.constantFrom('l1', 'l2', 'l3', 'l4'), { nil: undefined }),
    port: fc.option(fc.constantFrom(80, 8080), { nil: undefined }),
  })
  .map(({ sectionName, port, ...rest }) => ({
    ...rest,
    ...(sectionName === undefined ? {} : { sectionName }),
    ...(port === undefined ? {} : { port }),
  }));

const key = fc.tuple(fc.constantFrom(...spaces), fc.constantFrom(...names)).map(parts => parts.join('/'));

export const anyGateway = fc
  .tuple(
    fc.constantFrom(...spaces).map(space => `${space}/edge`),
    fc.uniqueArray(listener, { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
    fc.constantFrom('Same', 'All', 'None' as const),
  )
  .map(([of, listeners, from]) => gateway(of, listeners, { allowedListeners: { namespaces: { from } } }));

/** Named as Gateways are, so that routes may mean either. */
const anySet = fc
  .tuple(
    fc.constantFrom(...spaces).map(space => `${space}/edge`),
    fc.uniqueArray(listener, { minLength: 1, maxLength: 2, selector: ({ name }) => name }),
    fc.constantFrom(...spaces),
    fc.integer({ min: 2020, max: 2022 }),
  )
  .map(([of, listeners, parent, year]) =>
    listenerSet(of, listeners, { creationTimestamp: `${year}-01-01T00:00:00Z` }, { namespace: parent }),
  );

const anyPolicy = fc
  .tuple(fc.constantFrom(...spaces), fc.constantFrom(...names), fc.constantFrom('a', 'b'))
  .map(([space, name, hostname]) =>
    tlsPolicy(
      `${space}/${name}-${hostname}`,
      { name },
      { hostname: `${hostname}.example.com`, caCertificateRefs: [], wellKnownCACertificates: 'System' },
    ),
  );

export const anyRoute = fc
  .record({
    of: key,
    rules: fc.array(rule, { maxLength: 3 }),
    parentRefs: fc.array(parent, { maxLength: 2 }),
    hostnames: fc.uniqueArray(fc.constantFrom(...hostnames), { maxLength: 2 }),
    year: fc.integer({ min: 2020, max: 2022 }),
  })
  .map(({ of, rules, year, ...spec }) =>
    route(of, rules, spec, { creationTimestamp: `${year}-01-01T00:00:00Z`, uid: `${of}-${year}` }),
  );

const address = fc.nat({ max: 20 }).map(last => `10.0.0.${last}`);

export const anyObject: fc.Arbitrary<ClusterObject> = fc.oneof(
  { weight: 2, arbitrary: anyGateway },
  { weight: 5, arbitrary: anyRoute },
  { weight: 1, arbitrary: anySet },
  { weight: 1, arbitrary: anyPolicy },
  { weight: 2, arbitrary: key.map(of => service(of)) },
  {
    weight: 2,
    arbitrary: fc.tuple(key, fc.array(address, { maxLength: 3 })).map(([of, list]) => slice(of, list)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...spaces), fc.constantFrom(...spaces), fc.constantFrom(...names))
      .map(([at, from, name]) =>
        grant(`${at}/g-${name}`, { kind: 'HTTPRoute', namespace: from }, { kind: 'Service', name }),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...spaces), fc.constantFrom('a', 'b'))
      .map(([of, team]) => namespace(of, { team })),
  },
);

export const nameOf = ({ kind, metadata }: ClusterObject): string =>
  `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

/** Objects of one kind and name stand for each other: the first one stays. */
export const anyCluster: fc.Arbitrary<readonly ClusterObject[]> = fc.uniqueArray(anyObject, {
  selector: nameOf,
  maxLength: 25,
});

/** One Gateway, `shop/edge`, that takes every route, and many routes that name it. */
export const busyCluster: fc.Arbitrary<readonly ClusterObject[]> = fc
  .tuple(
    anyGateway,
    fc.uniqueArray(anyRoute, { selector: nameOf, minLength: 3, maxLength: 6, size: 'large' }),
    anyCluster,
  )
  .map(([edge, routes, others]) => {
    const all = { namespaces: { from: 'All' as const } };
    const listeners = edge.spec.listeners.map(one => ({ ...one, protocol: 'HTTP', allowedRoutes: all }));
    const own: readonly ClusterObject[] = [
      { ...edge, metadata: { ...edge.metadata, namespace: 'shop' }, spec: { ...edge.spec, listeners } },
      ...routes.map((one, index) =>
        index % 3 === 2
          ? one
          : { ...one, spec: { ...one.spec, parentRefs: [{ namespace: 'shop', name: 'edge' }] } },
      ),
    ];
    const names = new Set(own.map(nameOf));
    return [...own, ...others.filter(object => !names.has(nameOf(object)))];
  });
