import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowEvent } from '../base/flow-event.ts';
import { joinRequests, readRequests } from './join-requests.ts';

const line = (
  id: string,
  time: string,
  milliseconds: number,
  endpoint = '10.244.1.5:8080',
  client = '192.0.2.1:40000',
) =>
  JSON.stringify({
    time: `2026-01-01T00:00:${time}Z`,
    log: 'access',
    id,
    client,
    method: 'GET',
    host: 'shop.example.com',
    path: '/cart?a="b"',
    route: 'HTTPRoute/shop/web',
    endpoint,
    status: 504,
    why: 'timeout',
    milliseconds,
  });
const event = (verdict: FlowEvent['verdict'], address = '10.244.1.5'): FlowEvent => ({
  id: 'node-1/1',
  at: '2026-01-01T00:00:10.000Z',
  last: '2026-01-01T00:00:13.000Z',
  node: 'node-1',
  source: { address: '10.244.1.2', pod: 'shop/proxy', gateway: 'shop/main' },
  destination: { address, port: 8080 },
  protocol: 'TCP',
  verdict,
  direction: 'egress',
  packets: 3,
  why: { rule: 'egress-1', sentence: 'why', policies: [], misses: [] },
});
const log = [
  line('over before', '09.000', 100),
  line('opened it', '14.900', 5000),
  line('quick', '09.800', 2),
  line('while it was tried', '13.500', 1500),
  line('elsewhere', '14.900', 5000, '10.244.1.6:8080'),
  line('later', '20.000', 1),
  line('of six', '10.100', 200, '[fd00::5]:8080'),
  line('refused by the proxy', '10.300', 1, '', '192.0.2.9:40000'),
  '{"log":"access","id":7}',
  '{"log":"access","id":"cut off',
  'started',
].join('\n');
const joined = (one: FlowEvent) => joinRequests(one, readRequests(log)).requests?.map(({ id }) => id);

test('a connection of a Gateway’s proxy has the requests that were under way to its destination', () => {
  assert.deepEqual(joined(event('allowed')), ['opened it', 'quick']);
  assert.deepEqual(joined(event('dropped')), ['opened it', 'quick', 'while it was tried']);
  assert.deepEqual(joined(event('allowed', 'fd00::5')), ['of six']);
  assert.equal(joined(event('allowed', '10.244.1.7')), undefined);
});

test('a request is told by its id, what was asked for, its route, and what became of it', () => {
  assert.deepEqual(joinRequests(event('allowed', 'fd00::5'), readRequests(log)).requests, [
    {
      id: 'of six',
      method: 'GET',
      host: 'shop.example.com',
      path: '/cart?a="b"',
      route: 'HTTPRoute/shop/web',
      status: 504,
      why: 'timeout',
    },
  ]);
});

test('a connection to a Gateway’s proxy has the requests that came over it', () => {
  const { destination, source, ...rest } = event('allowed');
  const of = (address: string) =>
    joined({
      ...rest,
      source: { address, port: 40_000 },
      destination: { ...destination, gateway: source.gateway ?? '' },
    });
  assert.deepEqual(of('192.0.2.9'), ['refused by the proxy']);
  assert.equal(of('192.0.2.8'), undefined);
});
