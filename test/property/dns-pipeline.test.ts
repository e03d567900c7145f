import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Metrics } from '../../src/base/metrics.ts';
import { formatAddress, parseAddress } from '../../src/base/ip.ts';
import { silentLog } from '../../src/base/log.ts';
import { defaultLimits } from '../../src/dns/config/config.ts';
import { parseYaml } from '../../src/dns/config/parse-yaml.ts';
import { readConfig } from '../../src/dns/config/read-config.ts';
import { DnsMetrics } from '../../src/dns/index.ts';
import { Answerer } from '../../src/dns/server/answerer.ts';
import { addressesOf } from '../../src/dns/server/compose.ts';
import { HostsTable } from '../../src/dns/server/hosts-table.ts';
import { Pipeline } from '../../src/dns/server/pipeline.ts';
import { startStreamServer } from '../../src/dns/server/stream-server.ts';
import type { MessageHandler } from '../../src/dns/server/stream-server.ts';
import { TopNames } from '../../src/dns/server/top-names.ts';
import { FrameReader, frame, keyOfName, readQuery } from '../../src/dns/wire/index.ts';
import { writeRecords } from '../../src/dns/wire/message.ts';
import { questionFor } from '../netns/dns-client.ts';
import type { QuestionOptions } from '../netns/dns-client.ts';
import { decodeMessage } from '../netns/dns-decoder.ts';
import type { DecodedMessage } from '../netns/dns-decoder.ts';
import { addressRecord, aliasRecord, answerTo, soaOf, startUpstream } from '../netns/dns-upstream.ts';
import type { Behaviour } from '../netns/dns-upstream.ts';
import { octetsOf, roomOf } from './dns-octets.ts';
import { emptyNames, put, service, slice, summaryOf } from './dns-cluster.ts';

const local = 'svc.cluster.local';

/** A resolver with a few outside names. */
const outside: Behaviour = asked => {
  const query = readQuery(asked, asked.length);
  if (query.kind !== 'query') return [];
  const name = decodeMessage(answerTo(asked)).question[0]?.name.toLowerCase() ?? '';
  const soa = { authorities: [soaOf('example.com', 60, 60)] };
  if (name === 'www.example.com' && query.type === 1)
    return [
      answerTo(asked, {
        answers: [aliasRecord(name, 'web.example.com'), addressRecord('web.example.com', '192.0.2.1')],
      }),
    ];
  if (name === 'db.example.com')
    return [answerTo(asked, query.type === 1 ? { answers: [addressRecord(name, '192.0.2.53')] } : soa)];
  if (name === 'signed.example.com')
    return [answerTo(asked, { bits: 0x20, answers: [addressRecord(name, '192.0.2.9')] })];
  if (name === 'broken.example.com') return [answerTo(asked, { rcode: 2 })];
  return [answerTo(asked, { rcode: 3, ...soa })];
};

type Ask = (
  name: string,
  type: string,
  options?: QuestionOptions & { from?: string; transport?: 'tcp' },
) => Promise<DecodedMessage | 'silence'>;

/** A server with a configuration, as text, before the names of a small cluster. */
async function serverWith(context: TestContext, text: string, files: Readonly<Record<string, string>> = {}) {
  const upstream = await startUpstream(context, outside);
  const filled = text.replaceAll('UPSTREAM', `"127.0.0.1:${upstream.port}"`);
  const config = readConfig(parseYaml(filled), path => files[path]);
  const names = emptyNames(config.rules);
  names.putNamespace('default');
  put(
    names,
    service('web', {
      clusterIP: '10.96.1.1',
      clusterIPs: ['10.96.1.1'],
      ports: [{ name: 'http', port: 80 }],
    }),
    service('outside', { type: 'ExternalName', externalName: 'db.example.com' }),
    service('chain', { type: 'ExternalName', externalName: 'www.example.com' }),
    service('lost', { type: 'ExternalName', externalName: 'nobody.example.com' }),
    service('broken', { type: 'ExternalName', externalName: 'broken.example.com' }),
    service('db', { clusterIP: 'None' }),
    slice('db-4', 'db', {
      addressType: 'IPv4',
      endpoints: Array.from({ length: 600 }, (_, index) => ({
        addresses: [`10.244.${index >> 8}.${index & 255}`],
      })),
      ports: [],
    }),
  );
  names.isComplete = true;
  const metrics = new DnsMetrics(new Metrics(), 'test', 'dns://127.0.0.1:53');
  const now = () => performance.now();
  const hosts =
    config.hosts === undefined
      ? undefined
      : new HostsTable(config.hosts, files[config.hosts.file ?? ''] ?? '');
  const pipeline = new Pipeline({
    names,
    config,
    hosts,
    gate: undefined,
    namespaceOf: client => (formatAddress(client) === '10.244.0.5' ? 'default' : undefined),
    random: Math.random,
    now,
    metrics,
    log: silentLog,
  });
  context.after(() => pipeline.close());
  const top = new TopNames(now);
  const answerer = new Answerer({ pipeline, random: () => 0, now, metrics, top, log: silentLog });
  const lane = metrics.lane('dns://127.0.0.1:53', 'udp', 4);
  const ask: Ask = async (name, type, options = {}) => {
    const message = questionFor(name, type, options);
    const query = readQuery(message, message.length);
    const client = () => parseAddress(options.from ?? '10.244.0.5');
    if (options.transport === 'tcp') {
      const answers = await answerer.message(query, message, Buffer.alloc(65_535), lane, client);
      return answers[0] === undefined ? 'silence' : decodeMessage(answers[0]);
    }
    const out = roomOf(4096);
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    let isLater = false;
    const later = () => {
      isLater = true;
      return (answer: Uint8Array) => resolve(Buffer.from(answer));
    };
    const length = answerer.datagram(octetsOf(message), message.length, out, lane, { client, later });
    if (length > 0) return decodeMessage(out.bytes.subarray(0, length));
    return isLater ? decodeMessage(await promise) : 'silence';
  };
  const say = async (...words: Parameters<Ask>) => summaryOf(await ask(...words));
  return { ask, say, upstream, metrics, top, answerer, lane };
}

const forwarding = 'forward: [{to: [UPSTREAM]}]';

test('an alias of an outside name comes with what the name has, its chain and its code', async context => {
  const { say } = await serverWith(context, forwarding);
  assert.equal(await say(`outside.default.${local}`, 'A'), 'NOERROR | CNAME db.example.com | A 192.0.2.53');
  assert.equal(await say(`outside.default.${local}`, 'AAAA'), 'NOERROR | CNAME db.example.com');
  assert.equal(await say(`outside.default.${local}`, 'CNAME'), 'NOERROR | CNAME db.example.com');
  assert.equal(
    await say(`chain.default.${local}`, 'A'),
    'NOERROR | CNAME www.example.com | CNAME web.example.com | A 192.0.2.1',
  );
  assert.equal(await say(`lost.default.${local}`, 'A'), 'NXDOMAIN | CNAME nobody.example.com');
  assert.equal(await say(`broken.default.${local}`, 'A'), 'SERVFAIL | CNAME broken.example.com');
});

test('a pod’s search list is completed at its first entry, by the namespace that the pod is in', async context => {
  const { metrics, say } = await serverWith(context, `${forwarding}\nautopath: true`);
  const first = (name: string) => `${name}.default.${local}`;
  const rows: readonly (readonly [name: string, type: string, said: string])[] = [
    [first('db.example.com'), 'A', 'NOERROR | CNAME db.example.com | A 192.0.2.53'],
    [first('db.example.com'), 'AAAA', 'NOERROR'],
    [first('WWW.example.com'), 'A', 'NOERROR | CNAME www.example.com | CNAME web.example.com | A 192.0.2.1'],
    [first('web.default'), 'A', `NOERROR | CNAME web.default.${local} | A 10.96.1.1`],
    [first('web.default.svc'), 'A', `NOERROR | CNAME web.default.${local} | A 10.96.1.1`],
    [first('nobody.example.com'), 'A', 'NXDOMAIN'],
    [first('broken.example.com'), 'A', 'NXDOMAIN'],
    [first('web'), 'A', 'NOERROR | A 10.96.1.1'],
    [`default.${local}`, 'A', 'NOERROR'],
    // Not the first entry of this pod's list.
    [`db.example.com.${local}`, 'A', 'NXDOMAIN'],
    [`db.example.com.other.${local}`, 'A', 'NXDOMAIN'],
  ];
  for (const [name, type, said] of rows)
    assert.equal((await say(name, type)).replaceAll('WWW', 'www'), said, `${name} ${type}`);
  assert.equal(metrics.autopathSuccesses.value, 5);
  const anybody = await say(first('db.example.com'), 'A', { from: '10.244.9.9' });
  assert.equal(anybody, 'NXDOMAIN', 'who is no pod of this node has no list');
  const guards = [
    'acl: [{action: block, zones: [example.com]}]',
    'rewrite: [{match: exact, from: db.example.com, to: nobody.example.com}]',
  ];
  for (const guard of guards) {
    const { say: guarded } = await serverWith(context, `${forwarding}\nautopath: true\n${guard}`);
    assert.equal(await guarded(first('db.example.com'), 'A'), 'NXDOMAIN', `no list leads round ${guard}`);
    assert.equal(
      await guarded(first('web.default'), 'A'),
      `NOERROR | CNAME web.default.${local} | A 10.96.1.1`,
    );
  }
  const { say: without } = await serverWith(context, forwarding);
  assert.equal(await without(first('db.example.com'), 'A'), 'NXDOMAIN', 'and by default nobody has');
});

test('an alias is the answer where there is nobody to ask for the rest', async context => {
  const { say } = await serverWith(context, 'log: none');
  assert.equal(await say(`outside.default.${local}`, 'A'), 'NOERROR | CNAME db.example.com');
});

test('an outside name is asked once, and then answered from the cache with what is left of its time', async context => {
  const { ask, upstream, metrics } = await serverWith(context, forwarding);
  const answers = await Promise.all([1, 2, 3].map(() => ask('db.example.com', 'A')));
  answers.push(await ask('DB.example.com', 'A'));
  assert.ok(answers.every(answer => summaryOf(answer) === 'NOERROR | A 192.0.2.53'));
  assert.equal(
    upstream.asked.filter(asked => asked.includes('db')).length,
    1,
    'who asks the same waits for the same',
  );
  const last = answers.at(-1);
  assert.ok(typeof last === 'object' && (last.answers[0]?.ttl ?? 99) <= 60);
  assert.equal(last.question[0]?.name, 'DB.example.com');
  assert.match(metrics.registry.text(), /coredns_cache_hits_total\{.*type="success".*\} 1\n/);
});

test('an upstream that says SERVFAIL leaves clients with what had run out', async context => {
  let isIll = false;
  const upstream = await startUpstream(context, asked => [
    isIll
      ? answerTo(asked, { rcode: 2 })
      : answerTo(asked, { answers: [addressRecord('a.test', '192.0.2.1', 0)] }),
  ]);
  const { say } = await serverWith(
    context,
    `{forward: [{to: ["127.0.0.1:${upstream.port}"]}], cache: {minTtl: 1, serveStale: 60}}`,
  );
  assert.equal(await say('a.test', 'A'), 'NOERROR | A 192.0.2.1');
  isIll = true;
  const deadline = performance.now() + 20_000;
  while (upstream.asked.length < 2 && performance.now() < deadline) {
    assert.equal(await say('a.test', 'A'), 'NOERROR | A 192.0.2.1');
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  assert.ok(upstream.asked.length >= 2, 'it was asked again');
  assert.equal(await say('a.test', 'A'), 'NOERROR | A 192.0.2.1');
});

test('AD is for those who ask for it', async context => {
  const { ask } = await serverWith(context, forwarding);
  const flagsOf = async (options: QuestionOptions) => {
    const message = await ask('signed.example.com', 'A', options);
    return typeof message === 'object' ? message.flags : [];
  };
  assert.ok(!(await flagsOf({ size: 1232 })).includes('ad'));
  assert.ok((await flagsOf({ size: 1232, dnssecOk: true })).includes('ad'));
});

test('the zone with the longest name has a question; a zone that is excepted goes elsewhere', async context => {
  const other = await startUpstream(context, asked => [
    answerTo(asked, { answers: [addressRecord('x', '192.0.2.200')] }),
  ]);
  const { say } = await serverWith(
    context,
    `forward:
  - {to: [UPSTREAM]}
  - {zones: [corp.example.com], except: [public.corp.example.com], to: ["127.0.0.1:${other.port}"]}`,
  );
  assert.equal(await say('host.corp.example.com', 'A'), 'NOERROR | A 192.0.2.200');
  assert.equal(await say('host.public.corp.example.com', 'A'), 'NXDOMAIN');
  assert.equal(await say('db.example.com', 'A'), 'NOERROR | A 192.0.2.53');
});

test('the hosts table comes first, by name and by address, from entries and from a file', async context => {
  const { say } = await serverWith(
    context,
    `hosts:
  file: /hosts
  entries: [{name: one.test, addresses: [192.0.2.11, "2001:db8::11"]}]
${forwarding}`,
    { '/hosts': '# comment\n192.0.2.12 two.test db.example.com # here\nnonsense three.test\n\n::1\n' },
  );
  assert.equal(await say('one.test', 'A'), 'NOERROR | A 192.0.2.11');
  assert.equal(await say('one.test', 'AAAA'), 'NOERROR | AAAA 2001:db8:0:0:0:0:0:11');
  assert.equal(await say('one.test', 'MX'), 'NOERROR');
  assert.equal(await say('two.test', 'A'), 'NOERROR | A 192.0.2.12');
  assert.equal(await say('two.test', 'AAAA'), 'NOERROR');
  assert.equal(await say('db.example.com', 'A'), 'NOERROR | A 192.0.2.12');
  assert.equal(await say('three.test', 'A'), 'NXDOMAIN');
  assert.equal(await say('12.2.0.192.in-addr.arpa', 'PTR'), 'NOERROR | PTR two.test | PTR db.example.com');
  assert.equal(await say('12.2.0.192.in-addr.arpa', 'TXT'), 'NXDOMAIN');
  assert.equal(await say(`web.default.${local}`, 'A'), 'NOERROR | A 10.96.1.1');
});

test('a name is asked for in the place of another, and the client sees its own', async context => {
  const { ask, say } = await serverWith(
    context,
    `rewrite:
  - {from: alias.test, to: web.default.svc.cluster.local}
  - {match: suffix, from: .old.test, to: .default.svc.cluster.local}
  - {match: prefix, from: old-, to: "", continue: true}
  - {match: regex, from: '^(.*)\\.([a-z]+)\\.two$', to: '{1}.{2}.svc.cluster.local'}
  - {match: substring, from: wrong, to: right}
  - {match: type, from: MX, to: A}
  - {match: substring, from: impossible, to: a..b}
${forwarding}`,
  );
  const answer = await ask('Alias.TEST', 'A');
  assert.ok(typeof answer === 'object');
  assert.deepEqual([answer.question[0]?.name, answer.answers[0]?.name], ['Alias.TEST', 'Alias.TEST']);
  assert.equal(summaryOf(answer), 'NOERROR | A 10.96.1.1');
  assert.equal(await say('web.old.test', 'A'), 'NOERROR | A 10.96.1.1');
  assert.equal(await say('web.default.two', 'A'), 'NOERROR | A 10.96.1.1');
  assert.equal(await say('old-web.default.two', 'A'), 'NOERROR | A 10.96.1.1');
  assert.equal(await say('nobody.old.test', 'A'), 'NXDOMAIN');
  assert.equal(await say(`web.default.${local}`, 'MX'), 'NOERROR | A 10.96.1.1');
  assert.equal(await say('impossible.test', 'A'), 'NXDOMAIN');
  assert.equal(await say('alias.test', 'A', { transport: 'tcp' }), 'NOERROR | A 10.96.1.1');
});

test('the access list lets through, refuses, empties and drops, by name, type and sender', async context => {
  const { say, metrics } = await serverWith(
    context,
    `acl:
  - {action: allow, zones: [web.default.svc.cluster.local], from: [10.244.0.0/24, "fd00::/8"]}
  - {action: block, zones: [default.svc.cluster.local], types: [A]}
  - {action: filter, types: [AAAA]}
  - {action: drop, from: [192.0.2.1]}`,
  );
  assert.equal(await say(`web.default.${local}`, 'A'), 'NOERROR | A 10.96.1.1');
  assert.equal(await say(`web.default.${local}`, 'A', { from: '10.244.1.5' }), 'REFUSED');
  assert.equal(await say(`web.default.${local}`, 'A', { from: 'fd00::1' }), 'NOERROR | A 10.96.1.1');
  assert.equal(await say(`db.default.${local}`, 'A'), 'REFUSED');
  assert.equal(await say('anything', 'AAAA'), 'NOERROR');
  assert.equal(await say('anything', 'TXT', { from: '192.0.2.1' }), 'silence');
  assert.equal(await say('anything', 'TXT', { from: '192.0.2.1', transport: 'tcp' }), 'silence');
  const text = metrics.registry.text();
  for (const [what, count] of [
    ['blocked', 2],
    ['filtered', 1],
    ['dropped', 2],
  ] as const)
    assert.match(text, new RegExp(`coredns_acl_${what}_requests_total\\{.*\\} ${count}\n`));
});

test('a zone is transferred whole, to those who may have it, by TCP alone', async context => {
  const { answerer, lane, say } = await serverWith(context, 'kubernetes: {transferTo: [10.0.0.0/8]}');
  const transfer = async (name: string, from: string) => {
    const message = questionFor(name, 'AXFR');
    const answers = await answerer.message(
      readQuery(message, message.length),
      message,
      Buffer.alloc(65_535),
      lane,
      () => parseAddress(from),
    );
    return answers.map(decodeMessage);
  };
  const messages = await transfer('cluster.local', '10.244.0.5');
  const records = messages.flatMap(({ answers }) => answers);
  assert.ok(messages.length > 1, 'in several messages');
  assert.deepEqual([records[0]?.type, records.at(-1)?.type], ['SOA', 'SOA']);
  assert.equal(records.filter(({ type }) => type === 'SOA').length, 2);
  assert.equal(
    records.filter(({ name, type }) => name === `db.default.${local}` && type === 'A').length,
    600,
  );
  assert.ok(
    records.some(
      ({ name, data }) => name === `_http._tcp.web.default.${local}` && data.startsWith('0 100 80'),
    ),
  );
  for (const [name, from] of [
    ['cluster.local', '192.0.2.1'],
    ['svc.cluster.local', '10.244.0.5'],
  ] as const)
    assert.deepEqual(
      (await transfer(name, from)).map(({ rcode }) => rcode),
      ['REFUSED'],
    );
  assert.equal(await say('cluster.local', 'AXFR'), 'REFUSED');
});

test('nobody is asked for the transfer of a zone of others', async context => {
  const { say, upstream } = await serverWith(context, forwarding);
  for (const type of ['AXFR', 'IXFR']) assert.equal(await say('db.example.com', type), 'REFUSED');
  assert.equal(upstream.asked.length, 0);
});

test('a larger answer by UDP is given where the configuration and the client allow it', async context => {
  const sizes = async (text: string) => {
    const { ask } = await serverWith(context, text);
    const answer = await ask(`db.default.${local}`, 'A', { size: 4096 });
    return typeof answer === 'object' ? answer.answers.length : 0;
  };
  const [usual, large] = [await sizes('log: none'), await sizes('limits: {udpSize: 4096}')];
  assert.ok(usual > 50 && usual < 80 && large > 200, `${usual}, ${large}`);
});

test('a question of our own that comes back ends forwarding to where it went', async context => {
  const rig: { answer?: (message: Buffer) => void } = {};
  const loop = await startUpstream(context, asked => {
    rig.answer?.(asked);
    return [];
  });
  const { answerer, lane, say } = await serverWith(
    context,
    `forward: [{to: ["127.0.0.1:${loop.port}"], timeoutSeconds: 0.2}]`,
  );
  rig.answer = asked => {
    const way = { client: () => undefined, later: () => () => undefined };
    answerer.datagram(octetsOf(asked), asked.length, roomOf(512), lane, way);
  };
  const deadline = performance.now() + 20_000;
  const isEnded = async () => {
    const before = loop.asked.length;
    const code = await say('example.com', 'A');
    return code === 'SERVFAIL' && loop.asked.length === before;
  };
  while (!(await isEnded())) assert.ok(performance.now() < deadline, 'it goes on asking');
});

test('questions and answers are counted under the names that CoreDNS has', async context => {
  const { ask, metrics } = await serverWith(context, forwarding);
  for (let index = 0; index < 32; index++) await ask(`web.default.${local}`, 'A');
  await ask('nobody.example.com', 'AAAA', { size: 1232, dnssecOk: true });
  await ask('nobody.example.com', '65280');
  const text = metrics.registry.text();
  for (const line of [
    'coredns_dns_requests_total{server="dns://127.0.0.1:53",zone=".",view="",proto="udp",family="1",type="A"} 32',
    'coredns_dns_requests_total{server="dns://127.0.0.1:53",zone=".",view="",proto="udp",family="1",type="AAAA"} 1',
    'coredns_dns_requests_total{server="dns://127.0.0.1:53",zone=".",view="",proto="udp",family="1",type="other"} 1',
    'coredns_dns_responses_total{server="dns://127.0.0.1:53",zone=".",view="",rcode="NOERROR",plugin="kubernetes"} 32',
    'coredns_dns_responses_total{server="dns://127.0.0.1:53",zone=".",view="",rcode="NXDOMAIN",plugin="forward"} 2',
    'coredns_dns_do_requests_total{server="dns://127.0.0.1:53",zone=".",view=""} 1',
  ])
    assert.ok(text.includes(`${line}\n`), line);
  const count = /coredns_dns_request_duration_seconds_count\{.*\} (\d+)\n/.exec(text)?.[1];
  assert.ok(Math.abs(Number(count) - 34) < 16, 'times are sampled, and stand for all');
});

test('what is asked most is known, and what is not there', async context => {
  const { ask, top } = await serverWith(context, 'log: none');
  for (let index = 0; index < 400; index++) {
    await ask(`web.default.${local}`, 'A');
    if (index % 2 === 0) await ask(`storm.default.${local}`, 'A', { from: '10.244.0.9' });
    await ask(`random-${index}.default.${local}`, 'A');
  }
  const { names, absent } = top.report();
  assert.equal(names[0]?.name, `web.default.${local}`);
  assert.equal(absent[0]?.name, `storm.default.${local}`);
  assert.ok(names.length <= 50);
});

test('of a flood of questions that nobody answers a bounded number waits, and names of the cluster are answered', async context => {
  const silent = await startUpstream(context, () => []);
  const text = `forward: [{to: ["127.0.0.1:${silent.port}"], timeoutSeconds: 60}]`;
  const { say, answerer, lane } = await serverWith(context, text);
  const message = questionFor('www.example.com', 'A');
  const out = roomOf(4096);
  let waiting = 0;
  const later = () => {
    waiting++;
    return () => undefined;
  };
  const codes = new Set<string>();
  for (let index = 0; index < 6000; index++) {
    const way = { client: () => undefined, later };
    const length = answerer.datagram(octetsOf(message), message.length, out, lane, way);
    if (length > 0) codes.add(decodeMessage(out.bytes.subarray(0, length)).rcode);
  }
  assert.deepEqual([waiting, [...codes]], [4096, ['REFUSED']]);
  assert.equal(await say(`web.default.${local}`, 'A'), 'NOERROR | A 10.96.1.1');
  assert.ok(silent.asked.length < 10, 'upstreams are asked once for all of them');
});

/** A client of a server of streams. */
async function connected(context: TestContext, tcpIdleSeconds: number, handler: MessageHandler) {
  const reserved = createServer();
  const host = '127.53.7.11'; // nobody else's, so that the port stays free
  await new Promise<void>(resolve => reserved.listen(0, host, resolve));
  const { port } = reserved.address() as AddressInfo;
  await new Promise(resolve => reserved.close(resolve));
  const limits = () => ({ ...defaultLimits, tcpIdleSeconds });
  const server = await startStreamServer({ host, port, limits, handler });
  const socket = connect(port, host);
  context.after(() => {
    socket.destroy();
    server.close();
  });
  return socket;
}

test('a TCP client that sends octets now and then, and never a whole question, is cut off', async context => {
  const socket = await connected(context, 0.3, () => assert.fail('nothing is asked'));
  const closed = new Promise<true>(resolve => socket.once('close', () => resolve(true)));
  socket.on('error', () => undefined); // it writes when it is cut off already
  socket.write(Buffer.from([0x40, 0]));
  const dripping = setInterval(() => socket.write(Buffer.from([0])), 20);
  const deadline = new Promise<false>(resolve => setTimeout(() => resolve(false), 20_000).unref());
  assert.ok(await Promise.race([closed, deadline]), 'it holds its place');
  clearInterval(dripping);
});

test('a TCP client whose message is shorter than a header is cut off', async context => {
  const socket = await connected(context, 600, () => assert.fail('nothing is asked'));
  socket.on('error', () => undefined);
  socket.write(Buffer.from([0, 0, 0, 0]));
  await new Promise(resolve => socket.once('close', resolve));
});

test('of questions that one TCP client sends at once a bounded number is begun, and all are answered in time', async context => {
  const begun: ((answers: readonly Buffer[]) => void)[] = [];
  const socket = await connected(context, 60, () => new Promise(resolve => begun.push(resolve)));
  const question = questionFor('www.example.com', 'A');
  socket.write(Buffer.concat(Array.from({ length: 500 }, () => frame(question))));
  const reader = new FrameReader();
  const answered = { count: 0 };
  socket.on('data', chunk => (answered.count += reader.push(chunk).length));
  const deadline = performance.now() + 20_000;
  let most = 0;
  while (answered.count < 500) {
    assert.ok(performance.now() < deadline, `${answered.count} are answered`);
    await new Promise(resolve => setTimeout(resolve, 1));
    most = Math.max(most, begun.length);
    for (const end of begun.splice(0, 8)) end([question]);
  }
  assert.ok(most <= 32, `${most} are begun`);
});

test('only addresses at the end of the question’s own aliases are told to policies', () => {
  const key = keyOfName('www.example.com');
  const reply = (answers: Parameters<typeof writeRecords>[1]) => {
    const { bytes, ends, ttls } = writeRecords(key, answers);
    const counts = { answers: answers.length, authorities: 0, additional: 0, stride: 0 };
    return {
      answer: { rcode: 0, authoritative: false, bytes, ends, ttls, ...counts },
      age: 0,
      by: 'forward' as const,
    };
  };
  const honest = addressesOf(
    key,
    reply([aliasRecord('www.example.com', 'web.example.com'), addressRecord('web.example.com', '192.0.2.1')]),
  );
  assert.equal(honest.addresses.length, 1);
  assert.deepEqual(honest.chain, [key, keyOfName('web.example.com')]);
  const stranger = addressesOf(
    key,
    reply([addressRecord('other.example.net', '192.0.2.66'), aliasRecord('a.example.net', 'b.example.net')]),
  );
  assert.deepEqual([stranger.chain, stranger.addresses], [[key], []]);
  const circle = addressesOf(
    key,
    reply([aliasRecord('www.example.com', 'b.example.com'), aliasRecord('b.example.com', 'www.example.com')]),
  );
  assert.deepEqual(circle.chain, [key, keyOfName('b.example.com')]);
  const cutShort = { ...addressRecord('www.example.com', '192.0.2.1'), data: Buffer.alloc(2) };
  assert.deepEqual(addressesOf(key, reply([cutShort])).addresses, []);
});
