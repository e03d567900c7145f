import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../../src/base/ip.ts';
import type { EndpointSlice } from '../../src/kube/types/discovery.ts';
import type { Service } from '../../src/kube/types/service.ts';
import { readService, readSlice } from '../../src/dns/model.ts';
import { RecordWriter, keyOfName } from '../../src/dns/wire/index.ts';
import type { RecordData } from '../../src/dns/wire/index.ts';
import { decodeMessage } from '../netns/dns-decoder.ts';
import { answerTo, emptyNames, put, service, slice, summaryOf } from './dns-cluster.ts';

const label = fc.stringMatching(/^[a-c_-]{1,3}$/);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map(labels => labels.join('.'));
const number16 = fc.nat(65_535);
const address = (text: string) => {
  const found = parseAddress(text);
  assert.ok(found !== undefined);
  return found;
};
const data: fc.Arbitrary<RecordData> = fc.oneof(
  fc.ipV4().map(text => ({ type: 'A' as const, address: address(text) })),
  fc
    .array(number16, { minLength: 8, maxLength: 8 })
    .map(groups => address(groups.map(group => group.toString(16)).join(':')))
    .map(found => ({ type: 'AAAA' as const, address: found })),
  fc.tuple(fc.constantFrom('PTR' as const, 'CNAME' as const, 'NS' as const), name).map(([type, target]) => ({
    type,
    target,
  })),
  fc
    .array(fc.stringMatching(/^[a-z]{0,20}$/), { minLength: 1, maxLength: 3 })
    .map(strings => ({ type: 'TXT' as const, strings })),
  fc.record({
    type: fc.constant('SRV' as const),
    priority: number16,
    weight: number16,
    port: number16,
    target: name,
  }),
);

test('what is written with compressed names reads back the same in a decoder of another hand', () => {
  fc.assert(
    fc.property(name, fc.array(fc.tuple(name, fc.nat(86_400), data), { maxLength: 12 }), (asked, records) => {
      const key = keyOfName(asked);
      const head = Buffer.alloc(12);
      head.writeUInt16BE(0x8000, 2);
      head.writeUInt16BE(1, 4);
      head.writeUInt16BE(records.length, 6);
      const question = Buffer.concat([Buffer.from(key, 'latin1'), Buffer.from([0, 1, 0, 1])]);
      const writer = new RecordWriter(12 + question.length);
      writer.know(key, 12);
      for (const [owner, ttl, each] of records) writer.record({ name: owner, ttl, data: each });
      const bytes = writer.finish();
      assert.equal(writer.end, 12 + question.length + bytes.length);
      const { answers } = decodeMessage(Buffer.concat([head, question, bytes]));
      assert.deepEqual(
        answers.map(record => [record.name, record.ttl, record.type]),
        records.map(([owner, ttl, each]) => [owner, ttl, each.type]),
      );
      for (const [index, [, , each]] of records.entries())
        if ('target' in each) assert.ok(answers[index]?.data.endsWith(each.target));
    }),
    { numRuns: 1000 },
  );
});

const shortName = fc.constantFrom('a', 'b', 'c');
const anyService: fc.Arbitrary<Service> = fc
  .tuple(shortName, fc.constantFrom('cluster', 'headless', 'external'), fc.nat(9))
  .map(([own, kind, digit]) => {
    const ports = [{ name: 'http', port: 80 + digit, protocol: 'TCP' as const }];
    if (kind === 'external')
      return service(own, { type: 'ExternalName', externalName: `b.default.svc.cluster.local` });
    const clusterIP = kind === 'headless' ? 'None' : `10.96.3.${digit}`;
    return service(own, { clusterIP, clusterIPs: [clusterIP], ports });
  });
const anySlice: fc.Arbitrary<EndpointSlice> = fc
  .tuple(shortName, fc.nat(2), fc.array(fc.tuple(fc.nat(4), fc.boolean(), fc.boolean()), { maxLength: 4 }))
  .map(([of, index, endpoints]) =>
    slice(`${of}-${index}`, of, {
      addressType: 'IPv4',
      endpoints: endpoints.map(([digit, isReady, isNamed]) => ({
        addresses: [`10.244.0.${digit}`],
        conditions: { ready: isReady },
        ...(isNamed ? { hostname: `pod-${digit}` } : {}),
      })),
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    }),
  );

const questions: readonly (readonly [string, string])[] = [
  ...['a', 'b', 'c'].flatMap(own => [
    [`${own}.default.svc.cluster.local`, 'A'] as const,
    [`_http._tcp.${own}.default.svc.cluster.local`, 'SRV'] as const,
    [`_tcp.${own}.default.svc.cluster.local`, 'A'] as const,
    [`pod-1.${own}.default.svc.cluster.local`, 'A'] as const,
    [`10-244-0-2.${own}.default.svc.cluster.local`, 'A'] as const,
  ]),
  ...[0, 1, 2].flatMap(digit => [
    [`${digit}.3.96.10.in-addr.arpa`, 'PTR'] as const,
    [`${digit}.0.244.10.in-addr.arpa`, 'PTR'] as const,
  ]),
];

/** Sets of answers: their order is by who came first. */
const said = (names: ReturnType<typeof emptyNames>) =>
  questions.map(([asked, type]) =>
    summaryOf(answerTo(names, asked, type))
      .split(' | ')
      .toSorted(),
  );

test('after any changes the answers are those of a server that began with the last state', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(anyService, anySlice), { maxLength: 30 }),
      fc.nat(3),
      (changes, removed) => {
        const [changed, fresh] = [emptyNames(), emptyNames()];
        for (const names of [changed, fresh]) names.isComplete = true;
        const last = new Map<string, Service | EndpointSlice>();
        for (const object of changes) {
          put(changed, object);
          said(changed); // fills what is kept
          last.set(`${object.kind}/${object.metadata.name}`, object);
        }
        for (const [key, object] of [...last].slice(0, removed)) {
          last.delete(key);
          if (object.kind === 'Service') changed.setService('default', object.metadata.name, undefined);
          else changed.removeSlice(readSlice(object) ?? assert.fail());
        }
        put(fresh, ...[...last.values()].toReversed());
        assert.deepEqual(said(changed), said(fresh));
        assert.equal(changed.tree.size, fresh.tree.size, 'nothing is left of what is gone');
      },
    ),
    { numRuns: 300 },
  );
});

test('a snapshot that is put back gives the same answers, and keepOnly takes out what has gone since', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(anyService, anySlice), { maxLength: 20 }), objects => {
      const [before, after] = [emptyNames(), emptyNames()];
      for (const names of [before, after]) names.isComplete = true;
      put(before, ...objects);
      after.putAll(JSON.parse(JSON.stringify(before.input())) as ReturnType<typeof before.input>);
      assert.deepEqual(said(after), said(before));
      after.keepOnly({ namespaces: [], services: [], slices: [] });
      assert.equal(after.tree.size, emptyNames().tree.size);
    }),
    { numRuns: 100 },
  );
});

test('a Service of a kind that has no names yet has none', () => {
  assert.equal(readService(service('new', { type: 'ClusterIP' })), undefined);
});
