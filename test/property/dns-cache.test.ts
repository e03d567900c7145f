import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultCache } from '../../src/dns/config/config.ts';
import type { CacheConfig } from '../../src/dns/config/config.ts';
import { AnswerCache } from '../../src/dns/server/cache.ts';
import type { CacheQuestion } from '../../src/dns/server/cache.ts';
import { recordsOf } from '../../src/dns/server/compose.ts';
import { keyOfName } from '../../src/dns/wire/index.ts';
import type { RawMessage } from '../../src/dns/wire/message.ts';
import { addressRecord, aliasRecord, soaOf } from '../netns/dns-upstream.ts';

const about = (name: string, type = 1, dnssecOk = false): CacheQuestion => ({
  key: keyOfName(name),
  type,
  dnssecOk,
  checkingDisabled: false,
});
const message = (parts: Partial<RawMessage>): RawMessage => ({
  flags: 0x8180,
  rcode: 0,
  answers: [],
  authorities: [],
  additional: [],
  ...parts,
});
const found = (name: string, ttl: number) => message({ answers: [addressRecord(name, '192.0.2.1', ttl)] });
const absent = (ttl = 300, minimum = 20) =>
  message({ rcode: 3, authorities: [soaOf('example.com', ttl, minimum)] });

/** A cache and its clock, in seconds. */
function cacheWith(config: Partial<CacheConfig> = {}) {
  const clock = { seconds: 1000 };
  const cache = new AnswerCache({ ...defaultCache, serveStale: 0, ...config }, () => clock.seconds * 1000);
  return { cache, clock };
}

test('an answer is kept for its time, and says how old it is', () => {
  const { cache, clock } = cacheWith();
  cache.put(about('a.example.com'), found('a.example.com', 60), true);
  clock.seconds += 59;
  assert.equal(cache.get(about('A.Example.com'))?.age, 59);
  clock.seconds += 1;
  assert.equal(cache.get(about('a.example.com')), undefined);
});

test('its time is held between the least and the most', () => {
  for (const [ttl, kept] of [
    [1, 5],
    [10, 10],
    [90_000, 3600],
  ] as const) {
    const { cache, clock } = cacheWith();
    cache.put(about('a.example.com'), found('a.example.com', ttl), true);
    clock.seconds += kept - 0.001;
    const hit = cache.get(about('a.example.com'));
    assert.equal(hit?.answer.bytes.readUInt32BE(hit.answer.ttls?.[0] ?? -1), kept);
    clock.seconds += 0.002;
    assert.equal(cache.get(about('a.example.com')), undefined);
  }
});

test('that a name does not exist is said of all its types, and of all names below it', () => {
  const { cache, clock } = cacheWith();
  cache.put(about('gone.example.com'), absent(), true);
  for (const [name, type] of [
    ['gone.example.com', 28],
    ['x.gone.example.com', 1],
    ['a.b.c.gone.example.com', 15],
  ] as const) {
    const hit = cache.get(about(name, type));
    assert.equal(hit?.answer.rcode, 3, name);
    assert.equal(hit.kind, 'denial');
    assert.equal(recordsOf(keyOfName(name), hit.answer).authorities[0]?.type, 6);
  }
  for (const name of ['example.com', 'notgone.example.com', 'other.example.com'])
    assert.equal(cache.get(about(name)), undefined, name);
  clock.seconds += 20;
  assert.equal(cache.get(about('x.gone.example.com')), undefined, 'the lesser of TTL and minimum counts');
});

test('that a name has no record of a type is said of that type alone', () => {
  const { cache } = cacheWith();
  cache.put(about('a.example.com', 28), message({ authorities: [soaOf('example.com', 60, 60)] }), true);
  assert.equal(cache.get(about('a.example.com', 28))?.kind, 'denial');
  assert.equal(cache.get(about('a.example.com', 1)), undefined);
  assert.equal(cache.get(about('x.a.example.com', 28)), undefined);
});

test('an alias to a name that does not exist says nothing of names below the alias', () => {
  const { cache } = cacheWith();
  const chain = message({
    rcode: 3,
    answers: [aliasRecord('a.example.com', 'b.example.com')],
    authorities: [soaOf('example.com', 60, 60)],
  });
  cache.put(about('a.example.com'), chain, true);
  assert.equal(cache.get(about('a.example.com'))?.answer.rcode, 3);
  assert.equal(cache.get(about('x.a.example.com')), undefined);
});

test('what no SOA gives a time, what is cut, and what is an error is not kept; SERVFAIL is, for seconds', () => {
  const { cache, clock } = cacheWith();
  cache.put(about('a.test'), message({ rcode: 3 }), true);
  cache.put(
    about('b.test'),
    message({ flags: 0x8380, answers: [addressRecord('b.test', '192.0.2.1')] }),
    true,
  );
  cache.put(about('c.test'), message({ rcode: 5 }), true);
  cache.put(about('d.test'), found('d.test', 60), false);
  for (const name of ['a.test', 'b.test', 'c.test', 'd.test'])
    assert.equal(cache.get(about(name)), undefined, name);
  cache.put(about('e.test'), message({ rcode: 2 }), true);
  assert.equal(cache.get(about('e.test'))?.answer.rcode, 2);
  clock.seconds += 5;
  assert.equal(cache.get(about('e.test')), undefined);
});

test('answers with and without DNSSEC are kept apart', () => {
  const { cache } = cacheWith();
  cache.put(about('a.test', 1, true), found('a.test', 60), true);
  assert.equal(cache.get(about('a.test')), undefined);
  assert.ok(cache.get(about('a.test', 1, true)) !== undefined);
});

test('a found answer that has run out is kept as a last resort, one of nothing is not', () => {
  const { cache, clock } = cacheWith({ serveStale: 100 });
  cache.put(about('a.test'), found('a.test', 10), true);
  cache.put(about('b.test'), absent(), true);
  clock.seconds += 50;
  assert.equal(cache.get(about('a.test'))?.isStale, true);
  assert.equal(cache.get(about('b.test')), undefined);
  clock.seconds += 61;
  assert.equal(cache.get(about('a.test')), undefined);
});

test('a name that is asked for often is due before its time ends, once', () => {
  const { cache, clock } = cacheWith({ prefetchHits: 3, prefetchPercent: 20 });
  cache.put(about('a.test'), found('a.test', 100), true);
  const due = () => cache.get(about('a.test'))?.isDue;
  assert.deepEqual([due(), due(), due(), due()], [false, false, false, false]);
  clock.seconds += 81;
  assert.deepEqual([due(), due()], [true, false]);
});

test('entries and octets have bounds; what was asked for last stays', () => {
  const { cache } = cacheWith({ entries: 100 });
  for (let index = 0; index < 300; index++) {
    const name = `n${index}.test`;
    cache.put(about(name), found(name, 60), true);
    assert.ok(cache.get(about('n0.test')) !== undefined);
  }
  assert.equal(cache.count('success'), 100);
  assert.equal(cache.evictions, 200);
  const small = cacheWith({ bytes: 65_536 }).cache;
  for (let index = 0; index < 1000; index++) small.put(about(`n${index}.test`), absent(), true);
  assert.ok(small.bytes <= 65_536);
  assert.ok(small.count('denial') > 10);
});

test('a question for type 0 says nothing of the other types of a name', () => {
  const { cache } = cacheWith();
  const noData = message({ authorities: [soaOf('example.com', 300, 20)] });
  cache.put(about('a.example.com', 0), noData, true);
  assert.equal(cache.get(about('a.example.com', 1)), undefined);
  assert.equal(cache.get(about('x.a.example.com', 1)), undefined);
});

test('what one zone’s upstream denies says nothing of names that others answer for', () => {
  const { cache } = cacheWith();
  cache.put(about('internal'), absent(), true);
  assert.equal(cache.get(about('db.internal'))?.answer.rcode, 3);
  assert.equal(
    cache.get(about('db.internal'), () => false),
    undefined,
  );
});

test('a denial of a name below says it for as long as the zone does', () => {
  const { cache } = cacheWith();
  cache.put(about('gone.example.com'), absent(86_400, 30), true);
  const hit = cache.get(about('x.gone.example.com'));
  assert.equal(hit?.answer.bytes.readUInt32BE(hit.answer.ttls?.[0] ?? -1), 30);
});

test('a failure of the upstreams does not take the place of what was found', () => {
  const { cache, clock } = cacheWith({ serveStale: 3600 });
  cache.put(about('a.example.com'), found('a.example.com', 60), true);
  for (const seconds of [50, 20, 600]) {
    clock.seconds += seconds;
    cache.put(about('a.example.com'), message({ rcode: 2 }), true);
    assert.equal(cache.get(about('a.example.com'))?.kind, 'success');
  }
});

test('that a name has gone counts more than an answer that has run out', () => {
  const { cache, clock } = cacheWith({ serveStale: 3600 });
  cache.put(about('a.example.com'), found('a.example.com', 60), true);
  clock.seconds += 61;
  cache.put(about('a.example.com'), absent(), true);
  assert.equal(cache.get(about('a.example.com'))?.kind, 'denial');
});

test('names that differ in octets beyond ASCII are different names', () => {
  const [upper, lower] = ['\\195\\137x.Example.com', '\\227\\137x.example.com'];
  assert.notEqual(keyOfName(upper), keyOfName(lower));
  assert.equal(keyOfName(upper), keyOfName(upper.toLowerCase()));
});

test('records of a denial count, so that many small ones do not go past the bound', () => {
  const { cache } = cacheWith({ bytes: 100_000 });
  const many = Array.from({ length: 200 }, () => soaOf('example.com', 300, 20));
  for (let index = 0; index < 20; index++)
    cache.put(about(`n${index}.example.com`), message({ rcode: 3, authorities: many }), true);
  assert.ok(cache.count('denial') <= 2);
});
