import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TableHeaderChange } from '../table.ts';
import { RequestHead, readRequestHead } from './http1/request-head.ts';
import { choose, RulePlans } from './rule-plan.ts';
import { outgoingRequest, requestText } from './write-request.ts';

const provenance = {
  kind: 'HTTPRoute',
  namespace: 'test',
  name: 'route',
  field: 'spec',
  uid: 'u',
  generation: 1,
};

function written(change: Partial<TableHeaderChange>): readonly string[] {
  const listener = { name: 'http', port: 80, protocol: 'HTTP', certificates: [], provenance } as const;
  const plan = new RulePlans().of(
    {
      provenance,
      match: { path: { type: 'PathPrefix', value: '/' }, headers: [], query: [] },
      filters: [{ type: 'RequestHeaderModifier', change: { set: [], add: [], remove: [], ...change } }],
      backends: [{ weight: 1, backend: 'b', filters: [], provenance }],
    },
    listener,
  );
  const choice = choose(plan, () => 0);
  assert.ok(choice);
  const head = new RequestHead();
  const request = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n');
  assert.ok(readRequestHead(request, 0, request.length, head) > 0);
  const parts = {
    head,
    choice,
    target: '/',
    authority: 'a',
    scheme: 'http',
    forwarded: '192.0.2.1\r\nx-forwarded-proto: http\r\n',
    requestId: 'id-1',
    upgrade: undefined,
    isTrusted: false,
  } as const;
  const text = requestText(outgoingRequest(parts, undefined));
  return text.split('\r\n').slice(2, -2);
}

test('what a route sets of X-Forwarded-Proto is all that the backend hears of it', () => {
  assert.deepEqual(written({ set: [{ name: 'X-Forwarded-Proto', value: 'https' }] }), [
    'X-Forwarded-Proto: https',
    'x-forwarded-for: 192.0.2.9, 192.0.2.1',
    'x-forwarded-host: a',
    'x-request-id: id-1',
  ]);
});

test('a route can take away what the proxy says of itself', () => {
  assert.deepEqual(written({ remove: ['x-forwarded-for', 'x-forwarded-host', 'x-request-id'] }), [
    'x-forwarded-proto: http',
  ]);
});
