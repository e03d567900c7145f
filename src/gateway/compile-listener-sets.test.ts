import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCertificate } from './testing/certificate.ts';
import {
  gateway,
  grant,
  http,
  https,
  listenerSet,
  namespace,
  route,
  service,
  tlsSecret,
  to,
} from './testing/objects.ts';
import { see } from './testing/status.ts';

const allGood = [
  'Accepted=True/Accepted',
  'Conflicted=False/NoConflicts',
  'Programmed=True/Programmed',
  'ResolvedRefs=True/ResolvedRefs',
];
const accepted = ['Accepted=True/Accepted', 'Programmed=True/Programmed'];
const from = (from: 'All' | 'Same' | 'None') => ({ allowedListeners: { namespaces: { from } } });
const onSet = (name: string, sectionName?: string) => ({
  parentRefs: [{ kind: 'ListenerSet', name, ...(sectionName === undefined ? {} : { sectionName }) }],
});

test('a set adds listeners to a Gateway that allows it, and routes find them by the set alone', () => {
  const seen = see([
    gateway('shop/edge', [http('http')], from('Same')),
    listenerSet('shop/more', [http('http', { port: 8080 }), http('other', { port: 8081 })]),
    service('shop/web'),
    route('shop/by-set', [to('web')], onSet('more', 'http')),
    route('shop/by-gateway', [to('web')], { parentRefs: [{ name: 'edge', sectionName: 'other' }] }),
  ]);
  assert.deepEqual(seen.set('shop/edge', 'shop/more'), { set: accepted, http: allGood, other: allGood });
  assert.equal(seen.attachedListenerSets('shop/edge'), 1);
  assert.deepEqual(seen.attachedRoutes('shop/edge'), { 'shop/more/http': 1 });
  assert.deepEqual(seen.parents('shop/by-gateway')[0]?.[0], 'Accepted=False/NoMatchingParent');
  const table = seen.table('shop/edge');
  assert.deepEqual(
    Object.values(table.listeners).map(({ name, port }) => `${name} ${port}`),
    ['http 80', 'shop/more/http 8080', 'shop/more/other 8081'],
  );
  assert.deepEqual(Object.keys(table.hosts), ['shop/more/http *']);
});

test('a Gateway takes no sets unless it says so, and then only those of the namespaces that it names', () => {
  const set = listenerSet('data/more', [http('own', { port: 8080 })], {}, { namespace: 'shop' });
  const here = listenerSet('shop/more', [http('own', { port: 8081 })]);
  const refused = { set: ['Accepted=False/NotAllowed', 'Programmed=False/NotAllowed'] };
  for (const [spec, elsewhere, own] of [
    [{}, false, false],
    [from('None'), false, false],
    [from('Same'), false, true],
    [from('All'), true, true],
    [{ allowedListeners: { namespaces: { from: 'Selector' } } }, false, false],
    [
      { allowedListeners: { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'data' } } } } },
      true,
      false,
    ],
  ] as const) {
    const seen = see([
      gateway('shop/edge', [http('http')], spec),
      set,
      here,
      namespace('data', { team: 'data' }),
      namespace('shop'),
    ]);
    const good = { set: accepted, own: allGood };
    assert.deepEqual(seen.set('shop/edge', 'data/more'), elsewhere ? good : refused, JSON.stringify(spec));
    assert.deepEqual(seen.set('shop/edge', 'shop/more'), own ? good : refused, JSON.stringify(spec));
    assert.equal(seen.attachedListenerSets('shop/edge'), Number(elsewhere) + Number(own));
  }
});

test('a route on a set that may not stand is not accepted', () => {
  const seen = see([
    gateway('shop/edge', [http('http')]),
    listenerSet('shop/more', [http('own', { port: 8080 })]),
    service('shop/web'),
    route('shop/web', [to('web')], onSet('more')),
  ]);
  assert.deepEqual(seen.parents('shop/web')[0]?.[0], 'Accepted=False/NotAllowedByListeners');
});

test("the Gateway's own listener has what two claim, then that of the older set", () => {
  const named = (name: string, hostname: string) => http(name, { hostname });
  const conflict = (reason: string) => [
    `Accepted=False/${reason}`,
    `Conflicted=True/${reason}`,
    `Programmed=False/${reason}`,
    'ResolvedRefs=True/ResolvedRefs',
  ];
  const seen = see([
    gateway('shop/edge', [named('http', 'a.example.com')], from('Same')),
    listenerSet('shop/young', [named('b', 'b.example.com'), named('c', 'c.example.com')], {
      creationTimestamp: '2026-01-03T00:00:00Z',
    }),
    listenerSet('shop/old', [named('a', 'a.example.com'), named('b', 'b.example.com')], {
      creationTimestamp: '2026-01-02T00:00:00Z',
    }),
    listenerSet('shop/lost', [http('tcp', { protocol: 'TCP' })], {
      creationTimestamp: '2026-01-01T00:00:00Z',
    }),
  ]);
  assert.deepEqual(seen.listener('shop/edge', 'http'), allGood, 'sets do nothing to it');
  const half = ['Accepted=True/ListenersNotValid', 'Programmed=True/Programmed'];
  assert.deepEqual(seen.set('shop/edge', 'shop/old'), {
    set: half,
    a: conflict('HostnameConflict'),
    b: allGood,
  });
  assert.deepEqual(seen.set('shop/edge', 'shop/young'), {
    set: half,
    b: conflict('HostnameConflict'),
    c: allGood,
  });
  assert.deepEqual(seen.set('shop/edge', 'shop/lost'), {
    set: ['Accepted=False/ListenersNotValid', 'Programmed=False/ListenersNotValid'],
    tcp: conflict('ProtocolConflict'),
  });
  assert.equal(seen.attachedListenerSets('shop/edge'), 2);
});

test('certificates of a set are granted to sets, and routes of its own namespace are the same', () => {
  const pair = makeCertificate();
  const tls = { mode: 'Terminate', certificateRefs: [{ name: 'cert', namespace: 'keys' }] } as const;
  const objects = [
    gateway('shop/edge', [http('http')], from('All')),
    listenerSet('data/more', [https('own', '', { tls })], {}, { namespace: 'shop' }),
    tlsSecret('keys/cert', pair.certificate, pair.key),
    namespace('data'),
    service('data/web'),
    service('shop/web'),
    route('data/web', [to('web')], onSet('more')),
    route('shop/web', [to('web')], {
      parentRefs: [{ kind: 'ListenerSet', name: 'more', namespace: 'data' }],
    }),
  ];
  const grantTo = (kind: string) => grant('keys/g', { kind, namespace: 'data' }, { kind: 'Secret' });
  const without = see([...objects, grantTo('Gateway')]).set('shop/edge', 'data/more');
  assert.ok(without['own']?.includes('ResolvedRefs=False/RefNotPermitted'), String(without['own']));
  assert.equal(without['set']?.[0], 'Accepted=False/ListenersNotValid', 'it has nothing to serve');
  const seen = see([...objects, grantTo('ListenerSet')]);
  assert.deepEqual(seen.set('shop/edge', 'data/more')['own'], allGood);
  assert.deepEqual(seen.parents('data/web')[0]?.[0], 'Accepted=True/Accepted');
  assert.deepEqual(seen.parents('shop/web')[0]?.[0], 'Accepted=False/NotAllowedByListeners');
});
