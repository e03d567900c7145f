import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diffTables, emptyTable } from '../../src/gateway/compile-delta.ts';
import { indexTable, LiveTable, lookUp } from '../../src/gateway/lookup/index.ts';
import type { Lookup, LookupRequest } from '../../src/gateway/lookup/index.ts';
import type { RouteTable, TableHost, TableListener, TableMatch, TableRule } from '../../src/gateway/table.ts';
import { hostKey } from '../../src/gateway/table.ts';

const provenance = { kind: 'HTTPRoute', namespace: 'n', name: 'r', uid: 'u', generation: 1, field: 'spec' };

/** The rule as the API tells it, asked one after the other, with no index at all. */
function scan(table: RouteTable, request: LookupRequest): Lookup {
  const listener = mostSpecific(
    Object.values(table.listeners).filter(({ port }) => port === request.port),
    entry => entry.hostname ?? '*',
    request.host,
  );
  const { serverName } = request;
  if (serverName !== undefined && listener !== undefined) {
    const tlsListener = mostSpecific(
      Object.values(table.listeners).filter(({ port }) => port === request.port),
      entry => entry.hostname ?? '*',
      serverName,
    );
    if (tlsListener !== listener) return { outcome: 'misdirected', listener, tlsListener };
  }
  if (listener === undefined) return { outcome: 'no-listener' };
  const host = mostSpecific(
    Object.values(table.hosts).filter(entry => entry.listener === listener.name),
    entry => entry.hostname,
    request.host,
  );
  if (host === undefined) return { outcome: 'no-host', listener };
  const rule = host.rules.find(({ match }) => matches(match, request));
  return rule === undefined
    ? { outcome: 'no-rule', listener, host }
    : { outcome: 'rule', listener, host, rule };
}

function mostSpecific<T>(entries: readonly T[], nameOf: (entry: T) => string, name: string): T | undefined {
  const fitting = entries.filter(entry => fits(nameOf(entry), name));
  const weight = (pattern: string) => (pattern.startsWith('*') ? pattern.length : 1000);
  return fitting.toSorted((a, b) => weight(nameOf(b)) - weight(nameOf(a)))[0];
}

function fits(pattern: string, name: string): boolean {
  if (pattern === '*') return true;
  return pattern.startsWith('*.')
    ? name.endsWith(pattern.slice(1)) && name.length > pattern.length - 1
    : pattern === name;
}

function matches({ path, method, headers, query }: TableMatch, request: LookupRequest): boolean {
  if (method !== undefined && method !== request.method) return false;
  for (const { name, value } of headers) if (request.header(name) !== value) return false;
  const parameters = new URLSearchParams(request.query);
  for (const { name, value } of query) if (parameters.get(name) !== value) return false;
  const prefix = path.value.replace(/\/$/, '');
  if (path.type === 'Exact') return request.path === path.value;
  if (path.type === 'RegularExpression') return new RegExp(`^(?:${path.value})$`).test(request.path);
  return request.path === prefix || request.path.startsWith(`${prefix}/`);
}

const label = fc.constantFrom('a', 'b', 'example', 'com');
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map(labels => labels.join('.'));
const pattern = fc.oneof(
  name,
  name.map(text => `*.${text}`),
  fc.constant('*'),
);
const element = fc.constantFrom('', 'a', 'b', 'ab', 'constructor');
const path = fc.array(element, { maxLength: 5 }).map(elements => `/${elements.join('/')}`);
const value = fc.constantFrom('1', '2');
const valueMatch = fc.record({ type: fc.constant('Exact' as const), name: fc.constantFrom('x', 'y'), value });
const match: fc.Arbitrary<TableMatch> = fc
  .record({
    path: fc.oneof(
      path.map(text => ({ type: 'Exact' as const, value: text })),
      path.map(text => ({ type: 'PathPrefix' as const, value: text })),
      fc
        .constantFrom('/a.*', '/[ab]+', '.*b')
        .map(text => ({ type: 'RegularExpression' as const, value: text })),
    ),
    method: fc.option(fc.constantFrom('GET', 'POST'), { nil: undefined }),
    headers: fc.uniqueArray(valueMatch, { maxLength: 2, selector: entry => entry.name }),
    query: fc.uniqueArray(valueMatch, { maxLength: 1, selector: entry => entry.name }),
  })
  .map(({ method, ...rest }) => (method === undefined ? rest : { ...rest, method }));
const rules: fc.Arbitrary<readonly TableRule[]> = fc.array(
  match.map(entry => ({ provenance, match: entry, filters: [], backends: [] })),
  { maxLength: 12 },
);

const table: fc.Arbitrary<RouteTable> = fc
  .array(
    fc.record({
      port: fc.constantFrom(80, 8080),
      hostname: pattern,
      hosts: fc.array(fc.record({ hostname: pattern, rules }), { maxLength: 4 }),
    }),
    { maxLength: 5 },
  )
  .map(described => {
    const listeners: Record<string, TableListener> = {};
    const hosts: Record<string, TableHost> = {};
    const taken = new Set<string>();
    for (const [index, { port, hostname, hosts: served }] of described.entries()) {
      if (taken.has(`${port} ${hostname}`)) continue; // listeners with one port and name are in conflict
      taken.add(`${port} ${hostname}`);
      const listener = `l${index}`;
      listeners[listener] = {
        name: listener,
        port,
        protocol: 'HTTP',
        hostname,
        certificates: [],
        provenance,
      };
      for (const host of served) hosts[hostKey(listener, host.hostname)] = { listener, ...host };
    }
    return { listeners, hosts, certificates: {}, backends: {} };
  });

const request: fc.Arbitrary<LookupRequest> = fc
  .record({
    port: fc.constantFrom(80, 8080, 81),
    host: fc.oneof(name, fc.constant('')),
    serverName: fc.option(name, { nil: undefined }),
    method: fc.constantFrom('GET', 'POST', 'PUT'),
    path,
    query: fc.constantFrom('', 'x=1', 'x=2&x=1', 'y=1&x=2', 'x=%31', 'x'),
    fields: fc.dictionary(fc.constantFrom('x', 'y'), value),
  })
  .map(({ fields, ...rest }) => ({ ...rest, header: wanted => fields[wanted] }));

test('what the index finds is what asking rule after rule finds', () => {
  fc.assert(
    fc.property(table, fc.array(request, { minLength: 1, maxLength: 8 }), (made, requests) => {
      const index = indexTable(made);
      for (const asked of requests) assert.deepEqual(lookUp(index, asked), scan(made, asked));
    }),
    { numRuns: 1500 },
  );
});

test('a table that follows changes finds what one from nothing finds', () => {
  fc.assert(
    fc.property(
      fc.array(table, { minLength: 1, maxLength: 4 }),
      fc.array(request, { minLength: 1, maxLength: 6 }),
      (tables, requests) => {
        const live = new LiveTable();
        let before = emptyTable;
        for (const after of tables) {
          const change = diffTables(before, after);
          if (change !== undefined) live.change(change);
          before = after;
          for (const asked of requests)
            assert.deepEqual(lookUp(live, asked), lookUp(indexTable(after), asked));
        }
        live.replace(tables[0] ?? emptyTable);
        for (const asked of requests)
          assert.deepEqual(lookUp(live, asked), lookUp(indexTable(tables[0] ?? emptyTable), asked));
      },
    ),
    { numRuns: 500 },
  );
});

test('a look-up among thousands of hosts and paths costs about what it costs among few', () => {
  const tableWith = (count: number): RouteTable => {
    const hosts: Record<string, TableHost> = {};
    const rule = (at: string): TableRule => ({
      provenance,
      match: { path: { type: 'PathPrefix', value: at }, headers: [], query: [] },
      filters: [],
      backends: [],
    });
    for (let index = 0; index < count; index++) {
      const hostname = `h${index}.example.com`;
      hosts[hostKey('l', hostname)] = { listener: 'l', hostname, rules: [rule('/x')] };
    }
    const many = Array.from({ length: count }, (_, index) => rule(`/p${index}`));
    hosts[hostKey('l', 'many.example.com')] = { listener: 'l', hostname: 'many.example.com', rules: many };
    return {
      listeners: { l: { name: 'l', port: 80, protocol: 'HTTP', certificates: [], provenance } },
      hosts,
      certificates: {},
      backends: {},
    };
  };
  const cost = (count: number): number => {
    const index = indexTable(tableWith(count));
    const asked: LookupRequest = {
      port: 80,
      host: 'many.example.com',
      method: 'GET',
      path: `/p${count - 1}/y`,
      query: '',
      header: () => undefined,
    };
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 30; round++) {
      const started = performance.now();
      for (let times = 0; times < 2000; times++) assert.equal(lookUp(index, asked).outcome, 'rule');
      best = Math.min(best, performance.now() - started);
    }
    return best;
  };
  const [few, thousands] = [cost(10), cost(10_000)];
  assert.ok(thousands < few * 4, `${thousands.toFixed(2)} ms among 10,000, ${few.toFixed(2)} ms among 10`);
});
