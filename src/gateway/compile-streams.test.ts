import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attach } from './compile-attachment.ts';
import { readGateway } from './compile-gateway.ts';
import { readRoute } from './compile-route.ts';
import { compileStreams } from './compile-streams.ts';
import { gateway, http, namespace, service, sourcesOf, streamRoute } from './testing/objects.ts';
import type { ClusterObject } from './testing/objects.ts';
import { see } from './testing/status.ts';

const udp = [{ port: 80, protocol: 'UDP' }] as const;
const tcp = http('db', { port: 5432, protocol: 'TCP' });

/** What the kernel is to do for Gateway shop/edge: by listener, the route's name and its backends. */
function streams(...objects: readonly ClusterObject[]) {
  const sources = sourcesOf(objects);
  const object = sources.gateway('shop/edge');
  assert.ok(object);
  const model = readGateway(object, sources);
  const attached = sources.routesOf('shop/edge').flatMap(key => {
    const route = sources.route(key);
    if (route === undefined) return [];
    const read = readRoute(route, sources);
    return [{ route: read, attachments: attach(read, model, sources) }];
  });
  return compileStreams(model, attached).map(({ key, protocol, port, provenance, backends }) => [
    `${key} ${protocol} ${port}`,
    provenance.name,
    ...backends.map(({ service: to = 'nowhere', weight }) => `${weight} ${to}`),
  ]);
}

test('a TCPRoute leads a listener to its backends by their weights, and what leads nowhere keeps its share', () => {
  const objects = [
    gateway('shop/edge', [tcp]),
    service('shop/one'),
    service('shop/two'),
    streamRoute('TCPRoute', 'shop/db', { one: 3, two: 0, gone: 1 }),
  ];
  assert.deepEqual(streams(...objects), [['shop/edge/db TCP 5432', 'db', '3 shop/one', '1 nowhere']]);
  const seen = see(objects);
  assert.deepEqual(seen.parents('shop/db'), [
    ['Accepted=True/Accepted', 'ResolvedRefs=False/BackendNotFound'],
  ]);
  assert.deepEqual(seen.table('shop/edge').listeners, {}, 'no proxy listens');
});

test('of several routes the oldest has the listener, then the first by name, and all are attached', () => {
  const made = (name: string, creationTimestamp: string) =>
    streamRoute('TCPRoute', `shop/${name}`, { one: 1 }, {}, { creationTimestamp });
  const objects = [
    gateway('shop/edge', [tcp]),
    service('shop/one'),
    made('late', '2026-01-03T00:00:00Z'),
    made('b', '2026-01-02T00:00:00Z'),
    made('a', '2026-01-02T00:00:00Z'),
  ];
  assert.deepEqual(streams(...objects), [['shop/edge/db TCP 5432', 'a', '1 shop/one']]);
  assert.deepEqual(see(objects).attachedRoutes('shop/edge'), { db: 3 });
});

test('UDP is led to UDP ports, beside TCP on the same port', () => {
  const listeners = [tcp, http('dns', { port: 5432, protocol: 'UDP' })];
  const objects = [
    gateway('shop/edge', listeners),
    service('shop/one', udp),
    streamRoute('UDPRoute', 'shop/dns', { one: 1 }),
    streamRoute('TCPRoute', 'shop/db', { one: 1 }),
  ];
  assert.deepEqual(streams(...objects), [
    ['shop/edge/db TCP 5432', 'db', '1 nowhere'],
    ['shop/edge/dns UDP 5432', 'dns', '1 shop/one'],
  ]);
  const seen = see(objects);
  assert.deepEqual(seen.parents('shop/db'), [
    ['Accepted=True/Accepted', 'ResolvedRefs=False/UnsupportedProtocol'],
  ]);
  for (const name of ['db', 'dns'])
    assert.ok(seen.listener('shop/edge', name).includes('Conflicted=False/NoConflicts'), name);
});

test('a route stands on listeners of its protocol alone, and where its namespace may', () => {
  const route = streamRoute(
    'TCPRoute',
    'shop/db',
    { one: 1 },
    { parentRefs: [{ name: 'edge', sectionName: 'http' }] },
  );
  const wrong = see([gateway('shop/edge', [http('http'), tcp]), service('shop/one'), route]);
  assert.deepEqual(wrong.parents('shop/db')[0]?.[0], 'Accepted=False/NotAllowedByListeners');
  const parentRefs = [{ namespace: 'shop', name: 'edge' }];
  const other = streamRoute('TCPRoute', 'data/db', { one: 1 }, { parentRefs });
  const objects = [gateway('shop/edge', [tcp]), namespace('data'), service('data/one'), other];
  assert.deepEqual(streams(...objects), []);
  assert.deepEqual(see(objects).parents('data/db')[0]?.[0], 'Accepted=False/NotAllowedByListeners');
});

test('a Gateway whose listeners are all the kernel’s waits for no proxy', () => {
  const ready = { addresses: [{ type: 'IPAddress', value: '172.30.200.1' }], availableProxies: 0 } as const;
  const seen = see([gateway('shop/edge', [tcp])]);
  assert.deepEqual(seen.gateway('shop/edge', ready), [
    'Accepted=True/Accepted',
    'Programmed=True/Programmed',
  ]);
  const mixed = see([gateway('shop/edge', [tcp, http('http')])]);
  assert.ok(mixed.gateway('shop/edge', ready).includes('Programmed=False/Pending'));
});
