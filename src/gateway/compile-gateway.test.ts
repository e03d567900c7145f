import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCertificate } from './testing/certificate.ts';
import type { FrontendTls } from '../kube/types/gateway.ts';
import { configMap, gateway, grant, http, https, route, tlsSecret, to } from './testing/objects.ts';
import type { ClusterObject } from './testing/objects.ts';
import { see } from './testing/status.ts';

const pair = makeCertificate();
const secret = tlsSecret('shop/cert', pair.certificate, pair.key);
const allGood = [
  'Accepted=True/Accepted',
  'Conflicted=False/NoConflicts',
  'Programmed=True/Programmed',
  'ResolvedRefs=True/ResolvedRefs',
];

test('a Gateway with HTTP and HTTPS is accepted and programmed', () => {
  const seen = see([gateway('shop/edge', [http('http'), https('https', 'cert')]), secret]);
  assert.deepEqual(seen.gateway('shop/edge'), ['Accepted=True/Accepted', 'Programmed=True/Programmed']);
  assert.deepEqual(seen.listener('shop/edge', 'http'), allGood);
  assert.deepEqual(seen.listener('shop/edge', 'https'), allGood);
});

test('a Gateway is not programmed before it has an address and a proxy', () => {
  const seen = see([gateway('shop/edge', [http('http')])]);
  const address = { type: 'IPAddress', value: '172.30.200.1' } as const;
  const programmed = (infrastructure: Parameters<typeof seen.gateway>[1]) =>
    seen.gateway('shop/edge', infrastructure)[1];
  assert.equal(programmed({ addresses: [], availableProxies: 2 }), 'Programmed=False/AddressNotAssigned');
  assert.equal(programmed({ addresses: [address], availableProxies: 0 }), 'Programmed=False/Pending');
  assert.equal(
    programmed({ addresses: [address], availableProxies: 1, problem: 'the name is taken' }),
    'Programmed=False/NoResources',
  );
  assert.ok(
    seen
      .listener('shop/edge', 'http', { addresses: [], availableProxies: 0 })
      .includes('Programmed=False/Pending'),
  );
});

test('a protocol that is not supported is said on its listener, which supports no kind of route', () => {
  const tcp = http('tcp', { protocol: 'example.com/Own', port: 5000 });
  const alone = see([gateway('shop/edge', [tcp])]);
  assert.deepEqual(alone.gateway('shop/edge'), [
    'Accepted=False/ListenersNotValid',
    'Programmed=False/Invalid',
  ]);
  assert.ok(alone.listener('shop/edge', 'tcp').includes('Accepted=False/UnsupportedProtocol'));
  assert.deepEqual(alone.models.get('shop/edge')?.listeners[0]?.supportedKinds, []);
  const beside = see([gateway('shop/edge', [tcp, http('http')])]);
  assert.deepEqual(beside.gateway('shop/edge'), [
    'Accepted=True/ListenersNotValid',
    'Programmed=True/Programmed',
  ]);
  assert.deepEqual(beside.listener('shop/edge', 'http'), allGood);
  assert.deepEqual(Object.keys(beside.table('shop/edge').listeners), ['http']);
});

test('a kind of route that the protocol does not carry is said, and the others are still taken', () => {
  const kinds = (...names: readonly string[]) =>
    http('http', {
      allowedRoutes: {
        namespaces: { from: 'Same' },
        kinds: names.map(kind => ({ group: 'gateway.networking.k8s.io', kind })),
      },
    });
  const seen = see([gateway('shop/edge', [kinds('HTTPRoute', 'TCPRoute')])]);
  assert.ok(seen.listener('shop/edge', 'http').includes('ResolvedRefs=False/InvalidRouteKinds'));
  const supported = seen.models.get('shop/edge')?.listeners[0]?.supportedKinds;
  assert.deepEqual(
    supported?.map(({ kind }) => kind),
    ['HTTPRoute'],
  );
  const none = see([gateway('shop/edge', [kinds('TCPRoute')]), route('shop/web', [to('web')])]);
  assert.deepEqual(none.models.get('shop/edge')?.listeners[0]?.supportedKinds, []);
  assert.ok(none.parents('shop/web')[0]?.includes('Accepted=False/NotAllowedByListeners'));
});

test('a certificate that is not there, of another kind, of another group or no PEM is an invalid reference', () => {
  const of = (reference: { group?: string; kind?: string; name: string }) =>
    https('https', '', { tls: { mode: 'Terminate', certificateRefs: [reference] } });
  for (const reference of [
    { name: 'missing' },
    { group: 'example.com', kind: 'Secret', name: 'cert' },
    { group: '', kind: 'ConfigMap', name: 'cert' },
    { name: 'garbled' },
  ]) {
    const seen = see([
      gateway('shop/edge', [of(reference), http('http')]),
      secret,
      tlsSecret('shop/garbled', 'x', 'y'),
    ]);
    const conditions = seen.listener('shop/edge', 'https');
    assert.ok(conditions.includes('ResolvedRefs=False/InvalidCertificateRef'), JSON.stringify(reference));
    assert.ok(conditions.includes('Programmed=False/Invalid'), JSON.stringify(reference));
    assert.deepEqual(seen.listener('shop/edge', 'http'), allGood, 'the other listener is not touched');
    assert.deepEqual(seen.gateway('shop/edge'), ['Accepted=True/Accepted', 'Programmed=True/Programmed']);
    assert.deepEqual(Object.keys(seen.table('shop/edge').listeners), ['http']);
  }
});

test('of two certificates the good one is served', () => {
  const listener = https('https', '', {
    tls: { mode: 'Terminate', certificateRefs: [{ name: 'missing' }, { name: 'cert' }] },
  });
  const seen = see([gateway('shop/edge', [listener]), secret]);
  assert.ok(seen.listener('shop/edge', 'https').includes('ResolvedRefs=False/InvalidCertificateRef'));
  assert.ok(seen.listener('shop/edge', 'https').includes('Programmed=True/Programmed'));
  assert.equal(seen.table('shop/edge').listeners['https']?.certificates.length, 1);
});

test('a Secret of another namespace is used only where a ReferenceGrant there says so', () => {
  const listener = https('https', '', {
    tls: { mode: 'Terminate', certificateRefs: [{ name: 'cert', namespace: 'certs' }] },
  });
  const there = tlsSecret('certs/cert', pair.certificate, pair.key);
  const conditionsWith = (...grants: readonly ReturnType<typeof grant>[]) =>
    see([gateway('shop/edge', [listener]), there, ...grants]).listener('shop/edge', 'https');
  const from = { kind: 'Gateway', namespace: 'shop' };
  assert.deepEqual(conditionsWith(grant('certs/g', from, { kind: 'Secret' })), allGood);
  assert.deepEqual(conditionsWith(grant('certs/g', from, { kind: 'Secret', name: 'cert' })), allGood);
  const refused = 'ResolvedRefs=False/RefNotPermitted';
  assert.ok(conditionsWith().includes(refused));
  assert.ok(conditionsWith(grant('certs/g', from, { kind: 'Secret', name: 'other' })).includes(refused));
  assert.ok(conditionsWith(grant('certs/g', from, { kind: 'Service' })).includes(refused));
  assert.ok(
    conditionsWith(grant('certs/g', { kind: 'HTTPRoute', namespace: 'shop' }, { kind: 'Secret' })).includes(
      refused,
    ),
  );
  assert.ok(
    conditionsWith(grant('certs/g', { kind: 'Gateway', namespace: 'other' }, { kind: 'Secret' })).includes(
      refused,
    ),
  );
  assert.ok(
    conditionsWith(grant('shop/g', from, { kind: 'Secret' })).includes(refused),
    'a grant counts where it stands',
  );
});

test('two protocols on one port conflict, and neither wins', () => {
  const seen = see([
    gateway('shop/edge', [http('a', { port: 8080 }), https('b', 'cert', { port: 8080 }), http('c')]),
    secret,
  ]);
  for (const name of ['a', 'b']) {
    assert.deepEqual(seen.listener('shop/edge', name), [
      'Accepted=False/ProtocolConflict',
      'Conflicted=True/ProtocolConflict',
      'Programmed=False/ProtocolConflict',
      'ResolvedRefs=True/ResolvedRefs',
    ]);
  }
  assert.deepEqual(Object.keys(seen.table('shop/edge').listeners), ['c']);
  assert.deepEqual(seen.gateway('shop/edge'), [
    'Accepted=True/ListenersNotValid',
    'Programmed=True/Programmed',
  ]);
});

test('HTTPS and TLS share a port where their names differ, and conflict where they do not', () => {
  const passing = (name: string, hostname: string) =>
    http(name, { port: 443, protocol: 'TLS', hostname, tls: { mode: 'Passthrough' } });
  const listeners = [
    https('web', 'cert', { hostname: 'a.example.com' }),
    passing('wire', 'b.example.com'),
    https('one', 'cert', { hostname: 'c.example.com' }),
    passing('two', 'C.example.com'),
  ];
  const seen = see([gateway('shop/edge', listeners), secret]);
  for (const name of ['web', 'wire']) assert.deepEqual(seen.listener('shop/edge', name), allGood, name);
  for (const name of ['one', 'two'])
    assert.ok(seen.listener('shop/edge', name).includes('Conflicted=True/HostnameConflict'), name);
  assert.deepEqual(Object.keys(seen.table('shop/edge').listeners), ['web', 'wire']);
});

test('one hostname on one port twice conflicts; different ones do not', () => {
  const listeners = [
    http('a', { hostname: 'a.example.com' }),
    http('b', { hostname: 'A.example.com' }),
    http('c', { hostname: '*.example.com' }),
    http('d'),
  ];
  const seen = see([gateway('shop/edge', listeners)]);
  for (const name of ['a', 'b'])
    assert.ok(seen.listener('shop/edge', name).includes('Conflicted=True/HostnameConflict'), name);
  for (const name of ['c', 'd']) assert.deepEqual(seen.listener('shop/edge', name), allGood);
});

test('a listener of a protocol that is not supported takes no port from another', () => {
  const seen = see([gateway('shop/edge', [http('own', { protocol: 'example.com/Own' }), http('http')])]);
  assert.deepEqual(seen.listener('shop/edge', 'http'), allGood);
});

test("the proxy's own ports cannot be listened on", () => {
  const seen = see([
    gateway('shop/edge', [http('a', { port: 15443 }), http('b', { port: 15020 }), http('c')]),
  ]);
  for (const name of ['a', 'b'])
    assert.ok(seen.listener('shop/edge', name).includes('Accepted=False/PortUnavailable'), name);
});

test('parameters of a kind that is not known are refused', () => {
  const infrastructure = { parametersRef: { group: 'example.com', kind: 'Settings', name: 'x' } };
  const seen = see([gateway('shop/edge', [http('http')], { infrastructure })]);
  assert.deepEqual(seen.gateway('shop/edge'), [
    'Accepted=False/InvalidParameters',
    'Programmed=False/Invalid',
  ]);
});

test('an address of a type that is not supported is refused; one that is not given is told', () => {
  const asked = (type: string, value: string) =>
    see([gateway('shop/edge', [http('http')], { addresses: [{ type, value }] })]);
  assert.deepEqual(asked('example.com/custom', 'x').gateway('shop/edge'), [
    'Accepted=False/UnsupportedAddress',
    'Programmed=False/Invalid',
  ]);
  assert.equal(
    asked('Hostname', 'x.example.com').gateway('shop/edge')[0],
    'Accepted=False/UnsupportedAddress',
  );
  assert.deepEqual(asked('IPAddress', '192.0.2.7').gateway('shop/edge'), [
    'Accepted=True/Accepted',
    'Programmed=False/AddressNotUsable',
  ]);
  assert.equal(asked('IPAddress', '172.30.200.1').gateway('shop/edge')[1], 'Programmed=True/Programmed');
  assert.equal(asked('IPAddress', '').gateway('shop/edge')[1], 'Programmed=True/Programmed', 'any will do');
});

test('an address is the same however it is written', () => {
  const seen = see([
    gateway('shop/edge', [http('http')], { addresses: [{ type: 'IPAddress', value: 'FD00:0::1' }] }),
  ]);
  const addresses = [{ type: 'IPAddress', value: 'fd00::1' }] as const;
  assert.equal(
    seen.gateway('shop/edge', { addresses, availableProxies: 1 })[1],
    'Programmed=True/Programmed',
  );
});

test('clients of a port are asked for certificates of the authorities that stand for it, others by the default', () => {
  const refersTo = (name: string, kind = 'ConfigMap', more = {}) => ({
    caCertificateRefs: [{ group: '', kind, name, ...more }],
  });
  const listeners = [http('http'), https('a', 'cert'), https('b', 'cert', { port: 8443 })];
  const withTls = (frontend: FrontendTls, ...more: readonly ClusterObject[]) =>
    see([
      gateway('shop/edge', listeners, { tls: { frontend } }),
      secret,
      configMap('shop/ca', pair.certificate),
      ...more,
    ]);
  const asked = withTls({ default: { validation: refersTo('ca') } });
  for (const name of ['http', 'a', 'b']) assert.deepEqual(asked.listener('shop/edge', name), allGood, name);
  const { listeners: table } = asked.table('shop/edge');
  const expected = { mode: 'AllowValidOnly', authorities: pair.certificate.trim() };
  assert.deepEqual(
    [table['http'], table['a'], table['b']].map(listener => listener?.clientValidation),
    [undefined, expected, expected],
  );
  const perPort = [{ port: 8443, tls: { validation: refersTo('gone') } }];
  const onePort = withTls({ default: { validation: refersTo('ca') }, perPort });
  assert.deepEqual(onePort.listener('shop/edge', 'a'), allGood);
  const broken = onePort.listener('shop/edge', 'b');
  assert.ok(broken.includes('Accepted=False/NoValidCACertificate'), String(broken));
  assert.ok(broken.includes('ResolvedRefs=False/InvalidCACertificateRef'), String(broken));
  assert.equal(onePort.table('shop/edge').listeners['b'], undefined, 'nobody is let in unasked');
  for (const [validation, reason, ...more] of [
    [refersTo('ca', 'Service'), 'InvalidCACertificateKind'],
    [refersTo('ca', 'ConfigMap', { namespace: 'other' }), 'RefNotPermitted', configMap('other/ca', 'x')],
    [refersTo('text'), 'InvalidCACertificateRef', configMap('shop/text', 'no certificate')],
  ] as const) {
    const seen = withTls({ default: { validation } }, ...more).listener('shop/edge', 'a');
    assert.ok(seen.includes('Accepted=False/NoValidCACertificate'), String(seen));
    assert.ok(seen.includes(`ResolvedRefs=False/${reason}`), `${String(seen)} for ${reason}`);
  }
});

test('a Gateway that lets clients in whose certificates prove nothing says so', () => {
  const validation = {
    mode: 'AllowInsecureFallback',
    caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }],
  } as const;
  const seen = see([
    gateway('shop/edge', [https('a', 'cert')], { tls: { frontend: { default: { validation } } } }),
    secret,
    configMap('shop/ca', pair.certificate),
  ]);
  assert.ok(seen.gateway('shop/edge').includes('InsecureFrontendValidationMode=True/ConfigurationChanged'));
  assert.equal(seen.table('shop/edge').listeners['a']?.clientValidation?.mode, 'AllowInsecureFallback');
});

test('a certificate toward backends is one of the table, and a reference that leads nowhere is told', () => {
  const tls = { backend: { clientCertificateRef: { name: 'cert' } } };
  const seen = see([gateway('shop/edge', [http('http')], { tls }), secret]);
  assert.ok(seen.gateway('shop/edge').includes('ResolvedRefs=True/ResolvedRefs'));
  assert.equal(Object.keys(seen.table('shop/edge').certificates).length, 1);
  const absent = see([gateway('shop/edge', [http('http')], { tls })]);
  assert.ok(absent.gateway('shop/edge').includes('ResolvedRefs=False/InvalidClientCertificateRef'));
});

test('options of TLS that nobody here knows are refused, not left out', () => {
  const listener = https('https', 'cert', {
    tls: { mode: 'Terminate', certificateRefs: [{ name: 'cert' }], options: { 'example.com/min': '1.3' } },
  });
  const seen = see([gateway('shop/edge', [listener]), secret]);
  assert.ok(seen.listener('shop/edge', 'https').includes('Accepted=False/UnsupportedValue'));
});
