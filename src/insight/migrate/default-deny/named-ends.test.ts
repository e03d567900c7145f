import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namedEnds } from './named-ends.ts';

const ends = (text: string) => namedEnds(text).map(({ host, port }) => [host, port]);

test('URLs name their host, and their port where the scheme has one', () => {
  assert.deepEqual(ends('http://api/v1?x=http%3A%2F%2Fno'), [['api', 80]]);
  assert.deepEqual(ends('postgres://shop:p%40ss@db.data.svc.cluster.local./shop'), [
    ['db.data.svc.cluster.local', 5432],
  ]);
  assert.deepEqual(ends('kafka://broker-0.broker:9092'), [['broker-0.broker', 9092]]);
  assert.deepEqual(ends('https://[2001:db8::1]:8443/'), [['2001:db8::1', 8443]]);
});

test('lists of hosts with ports name each', () => {
  assert.deepEqual(ends('one:9092,Two.data:9093'), [
    ['one', 9092],
    ['two.data', 9093],
  ]);
  assert.deepEqual(ends('--upstream=api:8080'), [['api', 8080]]);
});

test('a value that is nothing but a name is one', () => {
  assert.deepEqual(ends(' api '), [['api', undefined]]);
  assert.deepEqual(ends('the api is fine'), []);
});

test('what looks like one and is none is left alone', () => {
  for (const text of ['12:30:45 done', 'a:99999', 'x:0', 'C:\\data', '', '::', '{"a": 5}'])
    assert.deepEqual(ends(text), [], text);
});

test('a hostile text costs no more than its length', () => {
  const text = `${'a.'.repeat(100_000)}${'x'.repeat(100_000)}${'://@'.repeat(50_000)}`;
  assert.ok(Array.isArray(namedEnds(text)));
});
