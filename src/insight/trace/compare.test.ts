import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compareTrace } from './compare.ts';
import type { Observed, ObservedConnection, ObservedName } from './observed.ts';
import type { Origin, Target } from './request.ts';
import { gatewayAddress, shop } from './testing/shop.ts';
import { traceRequest } from './trace-request.ts';

const http = (path = '/') => ({ scheme: 'http', method: 'GET', path, headers: [] }) as const;
const web: Origin = { kind: 'pod', namespace: 'shop', name: 'web-1' };
const api: Target = { host: 'api', port: 80, protocol: 'TCP', http: http() };
const db: Target = { host: 'db.data', port: 80, protocol: 'TCP', http: http() };

const name: ObservedName = {
  nameservers: ['10.96.0.10'],
  searches: [],
  isInHosts: false,
  questions: [
    {
      name: 'api',
      type: 'A',
      server: '10.96.0.10',
      answer: 'NOERROR',
      values: ['10.96.0.2'],
      milliseconds: 1,
    },
  ],
  hit: 'api.shop.svc.cluster.local',
  addresses: ['10.96.0.2', 'fd00:10:96::2'],
  drops: [],
};

/** To `shop/api-2` on the other node, as it should be. */
const connected: ObservedConnection = {
  to: { address: '10.96.0.2', port: 80 },
  protocol: 'TCP',
  outcome: 'connected',
  milliseconds: 1,
  local: { address: '10.244.1.11', port: 40_000 },
  response: { status: 200, headers: {}, milliseconds: 2 },
  tracked: [
    {
      node: 'node-1',
      original: { source: '10.244.1.11', sourcePort: 40_000, destination: '10.96.0.2', destinationPort: 80 },
      reply: { source: '10.244.2.12', sourcePort: 8080, destination: '10.244.1.11', destinationPort: 40_000 },
      mark: 0,
    },
  ],
  counters: (['egress', 'ingress'] as const).map((direction, index) => ({
    node: `node-${index + 1}`,
    source: '10.244.1.11',
    destination: '10.244.2.12',
    direction,
    does: 'allow',
    place: 'set { element }',
    by: ['NetworkPolicy/shop/web spec.egress[0]'],
    isRule: true,
    before: 4,
    after: 5,
  })),
  drops: [],
  ways: [{ from: 'node-1', node: 'node-2', prefix: '10.244.2.0/24', way: 'direct eth0 via 172.30.0.2' }],
};

function compare(
  target: Target,
  observed: Partial<Observed>,
  origin: Origin = web,
): Readonly<Record<string, string>> {
  const found = compareTrace(traceRequest(shop(), origin, target), { silent: [], ...observed });
  return Object.fromEntries(found.map(({ hop, result }) => [hop, result]));
}

const all = { name: 'agrees', service: 'agrees', policy: 'agrees', route: 'agrees', arrival: 'agrees' };

describe('what is seen as it is modelled agrees at every hop', () => {
  test('an allowed request', () => {
    assert.deepEqual(compare(api, { name, connection: connected }), all);
  });

  test('a forbidden one', () => {
    const { tracked: _, ...rest } = connected;
    const dropped: ObservedConnection = {
      ...rest,
      to: { address: '10.96.0.3', port: 80 },
      outcome: 'timed-out',
      tracked: [],
      counters: [
        {
          node: 'node-1',
          source: '10.244.1.11',
          destination: '10.244.2.13',
          direction: 'egress',
          does: 'drop',
          place: 'drop-egress',
          by: [],
          isRule: false,
          before: 0,
          after: 3,
        },
      ],
    };
    const found = compare(db, {
      name: { ...name, addresses: ['10.96.0.3', 'fd00:10:96::3'] },
      connection: dropped,
    });
    assert.deepEqual([found['policy'], found['arrival']], ['agrees', 'agrees']);
    const untold = compare(db, { connection: { ...dropped, counters: [] } });
    assert.equal(untold['policy'], 'unseen', 'nobody told that it was a policy');
    const report = {
      node: 'node-1',
      direction: 'egress',
      source: '10.244.1.11:40000',
      destination: '10.244.2.13:8080',
      packets: 1,
      rule: 'egress-1',
      sentence: 'because',
    } as const;
    const reported = compare(db, { connection: { ...dropped, counters: [], drops: [report] } });
    assert.equal(reported['policy'], 'agrees', 'its kernel reported the drop');
  });
});

describe('a difference is found at its hop', () => {
  const at = (change: Partial<ObservedConnection>) =>
    compare(api, { name, connection: { ...connected, ...change } });

  test('another address of the name', () => {
    const found = compare(api, { name: { ...name, addresses: ['10.96.0.9'] }, connection: connected });
    assert.deepEqual(found, { ...all, name: 'differs' });
  });

  test('a name that nobody answers', () => {
    const silent = {
      ...name,
      addresses: [],
      questions: name.questions.map(one => ({ ...one, answer: 'no answer', values: [] })),
    };
    assert.deepEqual(compare(api, { name: silent }), { name: 'differs' });
  });

  test('an endpoint that is none of the Service', () => {
    const [entry] = connected.tracked;
    assert.ok(entry);
    const elsewhere = { ...entry, reply: { ...entry.reply, source: '10.244.9.9' } };
    assert.equal(at({ tracked: [elsewhere] })['service'], 'differs');
  });

  test('a request that passes without a rule that counted it', () => {
    const counters = connected.counters.map(counter => ({ ...counter, after: counter.before }));
    assert.deepEqual(at({ counters }), { ...all, policy: 'differs' });
  });

  test('a drop that the model does not expect, with its report', () => {
    const drops = [
      {
        node: 'node-2',
        direction: 'ingress',
        source: '10.244.1.11:40000',
        destination: '10.244.2.12:8080',
        packets: 1,
        rule: 'ingress-1',
        sentence: 'because',
      },
    ] as const;
    const service = {
      node: 'node-1',
      accepted: 1,
      rejected: 0,
      dropped: 0,
      endpoints: [{ address: '10.244.2.12', port: 8080, drawn: 1 }],
    };
    const { response: _, ...rest } = connected;
    const connection: ObservedConnection = {
      ...rest,
      outcome: 'timed-out',
      tracked: [],
      counters: [],
      drops,
      service,
    };
    const found = compareTrace(traceRequest(shop(), web, api), { silent: [], name, connection });
    const policy = found.find(({ hop }) => hop === 'policy');
    assert.equal(policy?.result, 'differs');
    assert.match(policy.seen, /node-2 dropped it \(ingress\): because/);
    assert.equal(found.find(({ hop }) => hop === 'service')?.result, 'agrees', 'the endpoint was drawn');
  });

  test('a drop that does not come', () => {
    const connection = { ...connected, to: { address: '10.96.0.3', port: 80 }, tracked: [], counters: [] };
    const found = compare(db, { connection });
    assert.deepEqual([found['policy'], found['arrival']], ['differs', 'differs']);
  });

  test('another way between the nodes', () => {
    const ways = connected.ways.map(way => ({ ...way, way: 'vxlan fl-vxlan' }));
    assert.deepEqual(at({ ways }), { ...all, route: 'differs' });
  });

  test('nothing that listens, and an answer that breaks off', () => {
    assert.equal(at({ outcome: 'refused' })['arrival'], 'differs');
    assert.equal(at({ failure: 'socket hang up' })['arrival'], 'differs');
  });
});

describe('behind a Gateway', () => {
  const world: Origin = { kind: 'world' };
  const site = (path: string): Target => ({
    host: 'shop.example.com',
    port: 80,
    protocol: 'TCP',
    http: http(path),
  });
  const proxy = {
    by: 'shop/proxy-1',
    status: 200,
    why: '',
    route: 'HTTPRoute/shop/web',
    field: 'spec.rules[0].matches[0]',
    backend: 'shop/web:80',
    endpoint: '10.244.1.11:8080',
    pod: 'shop/web-1',
    milliseconds: 3,
  };
  const base: ObservedConnection = {
    ...connected,
    to: { address: gatewayAddress, port: 80 },
    tracked: [],
    counters: [],
    ways: [],
    proxy,
  };
  const gatewayAt = (path: string, change: Partial<ObservedConnection>) =>
    compareTrace(traceRequest(shop(), world, site(path)), { silent: [], connection: { ...base, ...change } });
  const resultOf = (path: string, change: Partial<ObservedConnection>) =>
    gatewayAt(path, change).find(({ hop }) => hop === 'gateway')?.result;

  test("the proxy's line agrees by its rule and backend", () => {
    assert.equal(resultOf('/shop', {}), 'agrees');
    assert.equal(resultOf('/shop', { proxy: { ...proxy, field: 'spec.rules[1].matches[0]' } }), 'differs');
    assert.equal(resultOf('/shop', { proxy: { ...proxy, backend: 'shop/other:80' } }), 'differs');
  });

  test('its own answer agrees by the status', () => {
    const { backend: _, endpoint: __, field: ___, pod: ____, route: _____, ...own } = proxy;
    assert.equal(resultOf('/none', { proxy: { ...own, status: 404, why: 'no-route' } }), 'agrees');
    assert.equal(resultOf('/none', {}), 'differs');
  });

  test('a backend that it does not reach differs from one that is reached', () => {
    const failed = { ...proxy, status: 504, why: 'timeout' };
    const response = { status: 504, headers: {}, milliseconds: 1 };
    const found = gatewayAt('/shop', { proxy: failed, response });
    assert.equal(found.at(-1)?.hop, 'arrival');
    assert.equal(found.at(-1)?.result, 'differs');
  });
});
