import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Metrics } from '../../src/base/metrics.ts';
import { silentLog } from '../../src/base/log.ts';
import { defaultConfig } from '../../src/dns/config/config.ts';
import type { ClusterNames } from '../../src/dns/index.ts';
import { DnsMetrics } from '../../src/dns/index.ts';
import { writeAnswer } from '../../src/dns/server/answer-query.ts';
import { Answerer } from '../../src/dns/server/answerer.ts';
import { Pipeline } from '../../src/dns/server/pipeline.ts';
import { codeOnly } from '../../src/dns/server/reply.ts';
import { TopNames } from '../../src/dns/server/top-names.ts';
import { rcodes, readQuery } from '../../src/dns/wire/index.ts';
import { questionFor } from '../netns/dns-client.ts';
import { decodeMessage } from '../netns/dns-decoder.ts';
import { answerQuery, emptyNames, put, service, slice } from './dns-cluster.ts';
import { octetsOf, roomOf } from './dns-octets.ts';

/** Kept answers are compared, octet for octet, with those that are made from the names each time. */
function serverFor(names: ClusterNames, random: () => number = () => 0) {
  const metrics = new DnsMetrics(new Metrics(), 'test', 'dns://127.0.0.1:53');
  const now = () => performance.now();
  const pipeline = new Pipeline({
    names,
    config: defaultConfig,
    hosts: undefined,
    gate: undefined,
    random,
    now,
    metrics,
    log: silentLog,
  });
  const top = new TopNames(now);
  const answerer = new Answerer({ pipeline, random, now, metrics, top, log: silentLog });
  const lane = metrics.lane('dns://127.0.0.1:53', 'udp', 4);
  const out = roomOf(4096);
  const way = { client: () => undefined, later: () => () => undefined };
  const answer = (message: Buffer): Buffer => {
    const length = answerer.datagram(octetsOf(message), message.length, out, lane, way);
    return Buffer.from(out.bytes.subarray(0, length));
  };
  return { answer, metrics, top };
}

function anew(names: ClusterNames, message: Buffer): Buffer {
  const out = Buffer.alloc(4096);
  const outcome = answerQuery(names, message, message.length, out, 'udp', () => 0);
  if (outcome.kind === 'forward') return refused(message, out);
  return outcome.kind === 'answered' ? out.subarray(0, outcome.length) : Buffer.alloc(0);
}

/** Nobody is asked for names outside. */
function refused(message: Buffer, out: Buffer): Buffer {
  const query = readQuery(message, message.length);
  assert.ok(query.kind === 'query');
  const { answer } = codeOnly(rcodes.REFUSED, 'forward');
  return out.subarray(
    0,
    writeAnswer(message, query, answer, out, 512, () => 0),
  );
}

function cluster(): ClusterNames {
  const names = emptyNames();
  names.putNamespace('default');
  put(
    names,
    service('web', {
      clusterIP: '10.96.1.1',
      clusterIPs: ['10.96.1.1', 'fd00:10:96::101'],
      ports: [{ name: 'http', port: 80 }],
    }),
    service('db', { clusterIP: 'None' }),
    slice('db-4', 'db', {
      addressType: 'IPv4',
      endpoints: Array.from({ length: 5 }, (_, index) => ({ addresses: [`10.244.0.${index + 1}`] })),
      ports: [],
    }),
    service('many', { clusterIP: 'None' }),
    slice('many-4', 'many', {
      addressType: 'IPv4',
      endpoints: Array.from({ length: 60 }, (_, index) => ({ addresses: [`10.244.1.${index + 1}`] })),
      ports: [],
    }),
    service('alias', { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' }),
  );
  names.isComplete = true;
  return names;
}

const local = 'default.svc.cluster.local';
const question = fc.record({
  name: fc.constantFrom(
    `web.${local}`,
    `WeB.${local}`,
    `db.${local}`,
    `many.${local}`,
    `alias.${local}`,
    `nobody.${local}`,
    `nobody.${local}.${local}`,
    `_http._tcp.web.${local}`,
    local,
    '1.1.96.10.in-addr.arpa',
    '10-1-2-3.default.pod.cluster.local',
    `${'x'.repeat(63)}.${'y'.repeat(63)}.${local}`,
  ),
  type: fc.constantFrom('A', 'AAAA', 'SRV', 'PTR', 'TXT', 'ANY', 'SOA', '65', '41', '251'),
  id: fc.nat(0xffff),
  word: fc.constantFrom(0x0100, 0x0000, 0x0110, 0x0120, 0x0010, 0x8100, 0x2100, 0x7900),
  size: fc.option(fc.constantFrom(0, 512, 1232, 4096), { nil: undefined }),
  version: fc.constantFrom(0, 0, 0, 1),
  dnssecOk: fc.boolean(),
  class: fc.constantFrom(1, 1, 1, 3, 255),
  change: fc.option(fc.record({ at: fc.nat(120), to: fc.nat(255) }), { nil: undefined }),
  tail: fc.constantFrom(0, 0, 0, 1, 4),
});

test('who asks again gets what a first question gets, octet for octet, whatever else is asked and changed between', () => {
  fc.assert(
    fc.property(fc.array(question, { minLength: 30, maxLength: 60 }), fc.nat(), (questions, seed) => {
      const names = cluster();
      const { answer } = serverFor(names);
      for (let index = 0; index < 4 * questions.length; index++) {
        // The second half of the questions has been asked before, and some more often.
        const asked = questions[(index * (1 + (seed % 7))) % questions.length];
        assert.ok(asked !== undefined);
        const { size, word, change, tail, name, type, ...rest } = asked;
        const options = size === undefined ? rest : { ...rest, size };
        const message = Buffer.concat([questionFor(name, type, options), Buffer.alloc(tail)]);
        message.writeUInt16BE(word, 2);
        if (change !== undefined) message[change.at % message.length] = change.to;
        assert.equal(answer(message).toString('hex'), anew(names, message).toString('hex'));
        if (index % 13 === 7)
          put(names, service('web', { clusterIP: '', clusterIPs: [`10.96.2.${index % 256}`] }));
        if (index % 29 === 11) names.setService('default', 'web', undefined);
      }
    }),
    { numRuns: 60 },
  );
});

test('with more names than are kept every one is answered as a first question is', () => {
  const names = cluster();
  const { answer } = serverFor(names);
  for (let round = 0; round < 3; round++)
    for (let index = 0; index < 6000; index++) {
      const message = questionFor(`name-${index}.${local}`, index % 2 === 0 ? 'A' : 'AAAA', { id: index });
      assert.equal(answer(message).toString('hex'), anew(names, message).toString('hex'));
    }
});

test('the addresses of a kept answer begin anywhere, and are all there', () => {
  const draws = [0, 0.2, 0.4, 0.6, 0.8, 0.999_999];
  let next = 0;
  const { answer } = serverFor(cluster(), () => draws[next++ % draws.length] ?? 0);
  const firsts = new Set<string>();
  const message = questionFor(`db.${local}`, 'A', { size: 1232 });
  for (let index = 0; index < 60; index++) {
    const addresses = decodeMessage(answer(message)).answers.map(({ data }) => data);
    assert.equal(new Set(addresses).size, 5);
    firsts.add(addresses[0] ?? '');
  }
  assert.equal(firsts.size, 5);
});

test('kept answers are counted as all others are', () => {
  const { answer, metrics, top } = serverFor(cluster());
  const absent = questionFor(`nobody.${local}`, 'AAAA', { size: 1232, dnssecOk: true });
  for (let index = 0; index < 100; index++) answer(questionFor(`web.${local}`, 'A'));
  for (let index = 0; index < 50; index++) answer(absent);
  const text = metrics.registry.text();
  const labels = 'server="dns://127.0.0.1:53",zone=".",view=""';
  for (const line of [
    `coredns_dns_requests_total{${labels},proto="udp",family="1",type="A"} 100`,
    `coredns_dns_requests_total{${labels},proto="udp",family="1",type="AAAA"} 50`,
    `coredns_dns_responses_total{${labels},rcode="NXDOMAIN",plugin="kubernetes"} 50`,
    `coredns_dns_request_size_bytes_count{${labels},proto="udp"} 150`,
    `coredns_dns_response_size_bytes_count{${labels},proto="udp"} 150`,
    `coredns_dns_do_requests_total{${labels}} 50`,
  ])
    assert.ok(text.includes(`${line}\n`), `${line}\n${text}`);
  const { names, absent: missing, clients } = top.report();
  assert.equal(names[0]?.name, `web.${local}`);
  assert.equal(missing[0]?.name, `nobody.${local}`);
  assert.equal(clients[0]?.questions, 150);
});
