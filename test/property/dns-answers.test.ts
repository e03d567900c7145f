import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOfName } from '../../src/dns/wire/index.ts';
import { answerTo, emptyNames, put, service, slice, summaryOf } from './dns-cluster.ts';

const local = 'svc.cluster.local';
const ready = { ready: true };

function shop() {
  const names = emptyNames();
  names.putNamespace('default');
  names.putNamespace('empty');
  put(
    names,
    service('web', {
      type: 'ClusterIP',
      clusterIP: '10.96.1.1',
      clusterIPs: ['10.96.1.1', 'fd00:10:96::101'],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }, { port: 9 }],
    }),
    service('old', { clusterIP: '10.96.1.2', clusterIPs: ['10.96.1.2'], ports: [{ port: 1 }] }),
    service('db', { clusterIP: 'None', ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }] }),
    service('none-ready', { clusterIP: 'None' }),
    service('outside', { type: 'ExternalName', externalName: 'db.example.com' }),
    service('inside', { type: 'ExternalName', externalName: `web.default.${local}` }),
    service('circle', { type: 'ExternalName', externalName: `circle.default.${local}` }),
    service('lost', { type: 'ExternalName', externalName: `nobody.default.${local}` }),
    service('number', { type: 'ExternalName', externalName: '10.1.2.3' }),
    slice('db-4', 'db', {
      addressType: 'IPv4',
      endpoints: [
        { addresses: ['10.244.1.5'], hostname: 'db-0', conditions: ready },
        { addresses: ['10.244.2.6'] },
        { addresses: ['10.244.2.7'], conditions: { ready: false } },
      ],
      ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
    }),
    slice('db-6', 'db', {
      addressType: 'IPv6',
      endpoints: [{ addresses: ['fd00:10:244::5'], hostname: 'db-0', conditions: ready }],
      ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
    }),
    slice('web-4', 'web', {
      addressType: 'IPv4',
      endpoints: [
        { addresses: ['10.244.3.1'] },
        { addresses: ['10.244.3.2'], hostname: 'named' },
        { addresses: ['10.244.3.3'], conditions: { ready: false } },
      ],
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    }),
    slice('none-4', 'none-ready', {
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.244.9.9'], conditions: { ready: false } }],
      ports: [],
    }),
  );
  names.isComplete = true;
  return names;
}

const ip6 = (nibbles: string) => `${nibbles.split('').join('.')}.ip6.arpa`;

/** Question, and what is said: the code and the answers. */
const table: readonly (readonly [string, string, string])[] = [
  // Services with an address
  [`web.default.${local}`, 'A', 'NOERROR | A 10.96.1.1'],
  [`web.default.${local}`, 'AAAA', 'NOERROR | AAAA fd00:10:96:0:0:0:0:101'],
  [`WeB.dEfault.${local}`, 'A', 'NOERROR | A 10.96.1.1'],
  [`old.default.${local}`, 'AAAA', 'NOERROR'],
  [`web.default.${local}`, 'MX', 'NOERROR'],
  [`web.default.${local}`, 'ANY', 'NOERROR'],
  [`_http._tcp.web.default.${local}`, 'SRV', `NOERROR | SRV 0 50 80 web.default.${local}`],
  [`_http._udp.web.default.${local}`, 'SRV', 'NXDOMAIN'],
  [`_._tcp.web.default.${local}`, 'SRV', 'NXDOMAIN'],
  [`_tcp.web.default.${local}`, 'SRV', 'NOERROR'],
  ['1.1.96.10.in-addr.arpa', 'PTR', `NOERROR | PTR web.default.${local}`],
  [ip6('101000000000000000006900010000df'), 'PTR', `NOERROR | PTR web.default.${local}`],
  ['1.1.96.10.in-addr.arpa', 'A', 'NOERROR'],
  ['9.9.96.10.in-addr.arpa', 'PTR', 'NXDOMAIN'],
  ['1.2.0.192.in-addr.arpa', 'PTR', 'forward'],
  // what is more than the specification asks for, as CoreDNS has it
  [
    `web.default.${local}`,
    'SRV',
    `NOERROR | SRV 0 25 80 web.default.${local} | SRV 0 25 9 web.default.${local}`,
  ],
  [`_http._tcp.web.default.${local}`, 'A', 'NOERROR | A 10.96.1.1'],
  [`_HTTP._tcp.web.default.${local}`, 'AAAA', 'NOERROR | AAAA fd00:10:96:0:0:0:0:101'],
  [`_http._tcp.web.default.${local}`, 'TXT', 'NOERROR'],
  [`10-244-3-1.web.default.${local}`, 'A', 'NOERROR | A 10.244.3.1'],
  [`10-244-3-1.web.default.${local}`, 'AAAA', 'NOERROR'],
  [`10-244-3-1.web.default.${local}`, 'SRV', `NOERROR | SRV 0 100 8080 10-244-3-1.web.default.${local}`],
  [`named.web.default.${local}`, 'A', 'NOERROR | A 10.244.3.2'],
  [`10-244-3-2.web.default.${local}`, 'A', 'NXDOMAIN'],
  [`10-244-3-3.web.default.${local}`, 'A', 'NXDOMAIN'],
  ['1.3.244.10.in-addr.arpa', 'PTR', `NOERROR | PTR 10-244-3-1.web.default.${local}`],
  ['3.3.244.10.in-addr.arpa', 'PTR', 'NXDOMAIN'],
  [`_http._tcp.10-244-3-1.web.default.${local}`, 'SRV', 'NXDOMAIN'],
  // what it does not ask for, and CoreDNS has by the way
  [`http.tcp.web.default.${local}`, 'A', 'NXDOMAIN'],
  [`_._tcp.web.default.${local}`, 'A', 'NXDOMAIN'],
  ['x.10-244-1-5.default.pod.cluster.local', 'A', 'NXDOMAIN'],
  [`nobody.default.${local}`, 'SOA', 'NXDOMAIN'],
  // headless ones
  [
    `db.default.${local}`,
    'SRV',
    `NOERROR | SRV 0 33 5432 db-0.db.default.${local} | SRV 0 33 5432 10-244-2-6.db.default.${local}`,
  ],
  [`db-0.db.default.${local}`, 'SRV', `NOERROR | SRV 0 50 5432 db-0.db.default.${local}`],
  [`_sql._tcp.db.default.${local}`, 'A', 'NOERROR | A 10.244.1.5 | A 10.244.2.6'],
  [`db.default.${local}`, 'A', 'NOERROR | A 10.244.1.5 | A 10.244.2.6'],
  [`db.default.${local}`, 'AAAA', 'NOERROR | AAAA fd00:10:244:0:0:0:0:5'],
  [`db-0.db.default.${local}`, 'A', 'NOERROR | A 10.244.1.5'],
  [`db-0.db.default.${local}`, 'AAAA', 'NOERROR | AAAA fd00:10:244:0:0:0:0:5'],
  [`10-244-2-6.db.default.${local}`, 'A', 'NOERROR | A 10.244.2.6'],
  [`10-244-2-6.db.default.${local}`, 'AAAA', 'NOERROR'],
  [`10-244-2-7.db.default.${local}`, 'A', 'NXDOMAIN'],
  [
    `_sql._tcp.db.default.${local}`,
    'SRV',
    `NOERROR | SRV 0 33 5432 db-0.db.default.${local} | SRV 0 33 5432 10-244-2-6.db.default.${local}`,
  ],
  ['5.1.244.10.in-addr.arpa', 'PTR', `NOERROR | PTR db-0.db.default.${local}`],
  [`none-ready.default.${local}`, 'A', 'NXDOMAIN'],
  [`none-ready.default.${local}`, 'AAAA', 'NXDOMAIN'],
  [`none-ready.default.${local}`, 'SRV', 'NXDOMAIN'],
  // aliases
  [`outside.default.${local}`, 'A', 'NOERROR | CNAME db.example.com'],
  [`outside.default.${local}`, 'CNAME', 'NOERROR | CNAME db.example.com'],
  [`_http._tcp.outside.default.${local}`, 'SRV', 'NXDOMAIN'],
  [`inside.default.${local}`, 'A', `NOERROR | CNAME web.default.${local} | A 10.96.1.1`],
  [`circle.default.${local}`, 'A', `NOERROR | CNAME circle.default.${local}`],
  [`lost.default.${local}`, 'A', `NXDOMAIN | CNAME nobody.default.${local}`],
  [`number.default.${local}`, 'A', 'NXDOMAIN'],
  // names in between
  ['svc.cluster.local', 'A', 'NOERROR'],
  ['pod.cluster.local', 'A', 'NOERROR'],
  [`default.${local}`, 'A', 'NOERROR'],
  [`empty.${local}`, 'TXT', 'NOERROR'],
  [`foo.${local}`, 'A', 'NXDOMAIN'],
  [`web.foo.${local}`, 'A', 'NXDOMAIN'],
  [`*.default.${local}`, 'A', 'NXDOMAIN'],
  [`a.b.c.web.default.${local}`, 'A', 'NXDOMAIN'],
  ['web.default.cluster.local', 'A', 'NXDOMAIN'],
  // pods
  ['10-244-1-5.default.pod.cluster.local', 'A', 'NOERROR | A 10.244.1.5'],
  ['10-244-1-5.default.pod.cluster.local', 'AAAA', 'NOERROR'],
  ['fd00-10-244--5.default.pod.cluster.local', 'AAAA', 'NOERROR | AAAA fd00:10:244:0:0:0:0:5'],
  ['10-244-1-5.nobody.pod.cluster.local', 'A', 'NXDOMAIN'],
  ['10-244-1.default.pod.cluster.local', 'A', 'NXDOMAIN'],
  ['web.default.pod.cluster.local', 'A', 'NXDOMAIN'],
  // the zone itself
  ['cluster.local', 'A', 'NOERROR'],
  ['cluster.local', 'NS', 'NOERROR | NS ns.dns.cluster.local'],
  ['cluster.local', 'SOA', 'NOERROR | SOA ns.dns.cluster.local hostmaster.cluster.local 7 7200 1800 86400 5'],
  ['ns.dns.cluster.local', 'A', 'NOERROR | A 10.96.0.10'],
  ['dns-version.cluster.local', 'TXT', 'NOERROR | TXT 1.1.0'],
  ['cluster.local', 'AXFR', 'REFUSED'],
  ['cluster.local', 'IXFR', 'REFUSED'],
  ['96.10.in-addr.arpa', 'NS', 'NOERROR | NS ns.dns.96.10.in-addr.arpa'],
  ['ns.dns.96.10.in-addr.arpa', 'A', 'NOERROR | A 10.96.0.10'],
  ['dns-version.cluster.local', 'A', 'NOERROR'],
  // others' names
  ['example.com', 'AXFR', 'forward'],
  ['example.com', 'A', 'forward'],
  ['notcluster.local', 'A', 'forward'],
  ['local', 'A', 'forward'],
  ['', 'NS', 'forward'],
];

test('every question of the table gets its answer, the first time and from what is kept', () => {
  const names = shop();
  for (const round of ['first', 'kept'])
    for (const [name, type, expected] of table)
      assert.equal(summaryOf(answerTo(names, name, type)), expected, `${name} ${type} (${round})`);
});

test('what is not there comes with the SOA of its zone, which says for how many seconds', () => {
  const names = shop();
  for (const [name, zone] of [
    [`nobody.default.${local}`, 'cluster.local'],
    [`old.default.${local}`, 'cluster.local'],
    ['9.9.96.10.in-addr.arpa', '96.10.in-addr.arpa'],
  ] as const) {
    const answer = answerTo(names, name, 'AAAA');
    assert.ok(typeof answer === 'object');
    assert.deepEqual(
      answer.authorities.map(each => [each.name, each.type, each.ttl, each.data.split(' ').at(-1)]),
      [[zone, 'SOA', 5, '5']],
    );
    assert.deepEqual(answer.flags, ['aa', 'rd']);
  }
});

test('the question comes back with its letters, and its answers carry them', () => {
  const answer = answerTo(shop(), `wEb.DEFAULT.${local}`, 'A');
  assert.ok(typeof answer === 'object');
  assert.equal(answer.question[0]?.name, `wEb.DEFAULT.${local}`);
  assert.equal(answer.answers[0]?.name, `wEb.DEFAULT.${local}`);
});

test('SRV brings the addresses of its targets along', () => {
  const answer = answerTo(shop(), `_sql._tcp.db.default.${local}`, 'SRV', { transport: 'tcp' });
  assert.ok(typeof answer === 'object');
  assert.deepEqual(
    answer.additional.map(({ name, data }) => [name, data]),
    [
      [`db-0.db.default.${local}`, '10.244.1.5'],
      [`db-0.db.default.${local}`, 'fd00:10:244:0:0:0:0:5'],
      [`10-244-2-6.db.default.${local}`, '10.244.2.6'],
    ],
  );
});

test('before everything is known, a known name is answered and another is SERVFAIL, not absent', () => {
  const names = emptyNames();
  put(names, service('web', { clusterIP: '10.96.1.1', clusterIPs: ['10.96.1.1'] }));
  assert.equal(summaryOf(answerTo(names, `web.default.${local}`, 'A')), 'NOERROR | A 10.96.1.1');
  assert.equal(summaryOf(answerTo(names, `api.default.${local}`, 'A')), 'SERVFAIL');
  names.isComplete = true;
  assert.equal(summaryOf(answerTo(names, `api.default.${local}`, 'A')), 'NXDOMAIN');
});

test('EDNS is answered by EDNS: size, DO, and BADVERS for a version that is not known', () => {
  const name = `web.default.${local}`;
  const plain = answerTo(shop(), name, 'A');
  const edns = answerTo(shop(), name, 'A', { size: 4096, dnssecOk: true });
  const later = answerTo(shop(), name, 'A', { size: 4096, version: 1 });
  assert.ok(typeof plain === 'object' && typeof edns === 'object' && typeof later === 'object');
  assert.equal(plain.edns, undefined);
  assert.deepEqual(edns.edns, { size: 1232, version: 0, dnssecOk: true });
  assert.equal(later.rcode, 'BADVERS');
});

test('a class that is not IN is refused', () => {
  assert.equal(summaryOf(answerTo(shop(), `web.default.${local}`, 'A', { class: 3 })), 'REFUSED');
});

test('every answer says which object and field it is from, and an absent name what is nearest', () => {
  const names = shop();
  const found = names.decide(keyOfName(`db-0.db.default.${local}`), 1);
  assert.ok(found.outcome === 'answer');
  assert.deepEqual(found.answers[0]?.from, {
    object: 'EndpointSlice/default/db-4',
    field: 'endpoints[0].addresses[0]',
  });
  const absent = names.decide(keyOfName(`api.default.${local}`), 1);
  assert.ok(absent.outcome === 'no-name');
  assert.equal(absent.closest, keyOfName(`default.${local}`));
});

test('of several addresses each comes first sometimes', () => {
  const names = shop();
  names.putSlice({
    namespace: 'default',
    name: 'more',
    service: 'db',
    endpoints: [{ index: 0, address: '10.244.3.3', label: '10-244-3-3' }],
    ports: [],
  });
  const answer = names.answer(keyOfName(`db.default.${local}`), 1);
  assert.equal(answer?.stride, 16);
  assert.equal(answer.answers, 3);
});
