import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NameRules } from '../../src/dns/model-rules.ts';
import { answerTo, emptyNames, put, service, slice, summaryOf } from './dns-cluster.ts';

const local = 'svc.cluster.local';

/** The same small cluster, by other rules. */
function shop(rules: Partial<NameRules>) {
  const names = emptyNames(rules);
  for (const namespace of ['default', 'hidden']) names.putNamespace(namespace);
  names.setPod('default', 'web-abc', ['10.244.1.1', 'fd00:10:244::11'], []);
  put(
    names,
    service('web', {
      clusterIP: '10.96.1.1',
      clusterIPs: ['10.96.1.1'],
      ports: [{ name: 'http', port: 80 }],
    }),
    service('idle', { clusterIP: '10.96.1.2', clusterIPs: ['10.96.1.2'], ports: [{ name: 'x', port: 1 }] }),
    service('web', { clusterIP: '10.96.1.3', clusterIPs: ['10.96.1.3'] }, 'hidden'),
    service('db', { clusterIP: 'None' }),
    slice('web-4', 'web', {
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.244.1.1'], targetRef: { kind: 'Pod', name: 'web-abc' } }],
      ports: [{ name: 'http', port: 8080 }],
    }),
    slice('db-4', 'db', {
      addressType: 'IPv4',
      endpoints: [
        { addresses: ['10.244.2.1'], zone: 'a', targetRef: { kind: 'Pod', name: 'db-0' } },
        { addresses: ['10.244.2.2'], zone: 'b.example' },
        { addresses: ['10.244.2.3'], zone: 'a', hostname: 'third' },
        { addresses: ['10.244.2.4'], targetRef: { kind: 'Pod', name: 'p'.repeat(64) } },
      ],
      ports: [{ name: 'sql', port: 5432 }],
    }),
  );
  names.isComplete = true;
  names.arePodsComplete = true;
  return names;
}

const tables: readonly (readonly [
  string,
  Partial<NameRules>,
  readonly (readonly [string, string, string])[],
])[] = [
  [
    'names of pods are off',
    { pods: 'disabled' },
    [
      ['10-244-1-1.default.pod.cluster.local', 'A', 'NXDOMAIN'],
      ['default.pod.cluster.local', 'A', 'NXDOMAIN'],
      ['pod.cluster.local', 'A', 'NOERROR'],
    ],
  ],
  [
    'names of pods are verified',
    { pods: 'verified' },
    [
      ['10-244-1-1.default.pod.cluster.local', 'A', 'NOERROR | A 10.244.1.1'],
      ['10-244-1-1.default.pod.cluster.local', 'AAAA', 'NOERROR'],
      ['fd00-10-244--11.default.pod.cluster.local', 'AAAA', 'NOERROR | AAAA fd00:10:244:0:0:0:0:11'],
      ['10-244-1-1.hidden.pod.cluster.local', 'A', 'NXDOMAIN'],
      ['10-244-9-9.default.pod.cluster.local', 'A', 'NXDOMAIN'],
    ],
  ],
  [
    'endpoints are named after their pods',
    { endpointPodNames: true },
    [
      [`db-0.db.default.${local}`, 'A', 'NOERROR | A 10.244.2.1'],
      [`10-244-2-1.db.default.${local}`, 'A', 'NXDOMAIN'],
      [`third.db.default.${local}`, 'A', 'NOERROR | A 10.244.2.3'],
      [`10-244-2-4.db.default.${local}`, 'A', 'NOERROR | A 10.244.2.4'],
      [`web-abc.web.default.${local}`, 'A', 'NOERROR | A 10.244.1.1'],
      ['1.1.244.10.in-addr.arpa', 'PTR', `NOERROR | PTR web-abc.web.default.${local}`],
    ],
  ],
  [
    'there are no endpoints',
    { endpoints: false },
    [
      [`db.default.${local}`, 'A', 'NXDOMAIN'],
      [`10-244-2-2.db.default.${local}`, 'A', 'NXDOMAIN'],
      [`10-244-1-1.web.default.${local}`, 'A', 'NXDOMAIN'],
      [`web.default.${local}`, 'A', 'NOERROR | A 10.96.1.1'],
    ],
  ],
  [
    'endpoints of Services with an address have no names',
    { clusterEndpoints: false },
    [
      [`10-244-1-1.web.default.${local}`, 'A', 'NXDOMAIN'],
      ['1.1.244.10.in-addr.arpa', 'PTR', 'NXDOMAIN'],
      [`10-244-2-2.db.default.${local}`, 'A', 'NOERROR | A 10.244.2.2'],
    ],
  ],
  [
    'Services without endpoints are absent',
    { ignoreEmptyServices: true },
    [
      [`idle.default.${local}`, 'A', 'NXDOMAIN'],
      [`idle.default.${local}`, 'SRV', 'NXDOMAIN'],
      [`_x._tcp.idle.default.${local}`, 'SRV', 'NXDOMAIN'],
      ['2.1.96.10.in-addr.arpa', 'PTR', `NOERROR | PTR idle.default.${local}`],
      [`web.default.${local}`, 'A', 'NOERROR | A 10.96.1.1'],
    ],
  ],
  [
    'some namespaces are shown',
    { namespaces: ['default'] },
    [
      [`web.hidden.${local}`, 'A', 'NXDOMAIN'],
      [`hidden.${local}`, 'A', 'NXDOMAIN'],
      ['3.1.96.10.in-addr.arpa', 'PTR', 'NXDOMAIN'],
      [`web.default.${local}`, 'A', 'NOERROR | A 10.96.1.1'],
    ],
  ],
  [
    'some zones are open',
    { fallthrough: ['in-addr.arpa', 'db.default.svc.cluster.local'] },
    [
      ['9.9.244.10.in-addr.arpa', 'PTR', 'forward'],
      [`x.db.default.${local}`, 'A', 'forward'],
      [`x.default.${local}`, 'A', 'NXDOMAIN'],
      [`web.default.${local}`, 'MX', 'NOERROR'],
    ],
  ],
  [
    'headless Services have names by zone',
    { zonal: true },
    [
      [`a.pin._zone.db.default.${local}`, 'A', 'NOERROR | A 10.244.2.1 | A 10.244.2.3'],
      [`A.Pin._ZONE.db.default.${local}`, 'A', 'NOERROR | A 10.244.2.1 | A 10.244.2.3'],
      [`b.example.pin._zone.db.default.${local}`, 'A', 'NOERROR | A 10.244.2.2'],
      [`none.pin._zone.db.default.${local}`, 'A', 'NOERROR'],
      [`none.pin._zone.db.default.${local}`, 'TXT', 'NOERROR'],
      [
        `none.prefer._zone.db.default.${local}`,
        'A',
        'NOERROR | A 10.244.2.1 | A 10.244.2.2 | A 10.244.2.3 | A 10.244.2.4',
      ],
      [`b.example.prefer._zone.db.default.${local}`, 'A', 'NOERROR | A 10.244.2.2'],
      [`a.other._zone.db.default.${local}`, 'A', 'NXDOMAIN'],
      [`a.pin._zone.web.default.${local}`, 'A', 'NXDOMAIN'],
      [`a.pin._zone.nobody.default.${local}`, 'A', 'NXDOMAIN'],
    ],
  ],
  ['zones have no names', {}, [[`a.pin._zone.db.default.${local}`, 'A', 'NXDOMAIN']]],
];

for (const [what, rules, table] of tables) {
  test(`where ${what}, every question gets the answer of the rule`, () => {
    const names = shop(rules);
    for (const round of ['first', 'kept'])
      for (const [name, type, expected] of table)
        assert.equal(summaryOf(answerTo(names, name, type)), expected, `${name} ${type} (${round})`);
  });
}

test('found and not found have times of their own', () => {
  const names = shop({ ttl: 30, negativeTtl: 3 });
  const found = answerTo(names, `web.default.${local}`, 'A');
  const absent = answerTo(names, `api.default.${local}`, 'A');
  assert.ok(typeof found === 'object' && typeof absent === 'object');
  assert.equal(found.answers[0]?.ttl, 30);
  assert.deepEqual(
    absent.authorities.map(({ ttl, data }) => [ttl, data.split(' ').at(-1)]),
    [[3, '3']],
  );
});

test('a Service appears with its first endpoint and goes with its last, where empty ones are absent', () => {
  const names = shop({ ignoreEmptyServices: true });
  const said = () => summaryOf(answerTo(names, `idle.default.${local}`, 'A'));
  const endpoints = slice('idle-4', 'idle', {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.244.5.1'] }],
    ports: [],
  });
  assert.equal(said(), 'NXDOMAIN');
  put(names, endpoints);
  assert.equal(said(), 'NOERROR | A 10.96.1.2');
  put(names, { ...endpoints, endpoints: [] });
  assert.equal(said(), 'NXDOMAIN');
});

test('an endpoint that goes takes its names along, by label and by address', () => {
  const names = shop({});
  const asked = [
    [`10-244-1-1.web.default.${local}`, 'A'],
    ['1.1.244.10.in-addr.arpa', 'PTR'],
  ] as const;
  const codes = () => asked.map(([name, type]) => summaryOf(answerTo(names, name, type)).split(' ')[0]);
  assert.deepEqual(codes(), ['NOERROR', 'NOERROR']);
  put(names, slice('web-4', 'web', { addressType: 'IPv4', endpoints: [], ports: [] }));
  assert.deepEqual(codes(), ['NXDOMAIN', 'NXDOMAIN']);
});
