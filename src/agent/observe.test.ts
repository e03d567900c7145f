import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionFilter } from '../kernel/netlink/index.ts';
import type { Flow } from '../policy/index.ts';
import { createObserve } from './observe.ts';
import type { ObserveSources } from './observe.ts';

function sourcesWith(changes: Partial<ObserveSources> = {}): ObserveSources {
  return {
    worker: { connections: () => Promise.resolve([]) },
    policyCounters: () => Promise.resolve([]),
    flows: {
      why: () => undefined,
      recent: () => [],
      status: () => ({ reported: true, kept: 0, newest: 0, lost: 0 }),
    },
    ...changes,
  };
}

const asked = (sources: ObserveSources, text: string) => {
  const url = new URL(text, 'http://agent');
  return createObserve(sources)(url.pathname, url.searchParams);
};

test('tracked connections are asked for by their own end, and at most 64 are told', async () => {
  const filters: ConnectionFilter[] = [];
  const connection = {
    family: 4,
    protocol: 6,
    zone: 0,
    original: { source: '10.0.0.1', destination: '10.0.0.2' },
    reply: { source: '10.0.0.2', destination: '10.0.0.1' },
    mark: 0,
  } as const;
  const connections: ObserveSources['worker']['connections'] = wanted => {
    filters.push(...(wanted ?? []));
    return Promise.resolve(Array.from({ length: 100 }, () => connection));
  };
  const { body, status } = await asked(
    sourcesWith({ worker: { connections } }),
    '/observe/connections?address=10.0.0.1&port=40000&protocol=UDP',
  );
  assert.equal(status, 200);
  assert.equal((body as { readonly connections: unknown[] }).connections.length, 64);
  assert.deepEqual(filters, [{ protocol: 17, original: { source: '10.0.0.1', sourcePort: 40_000 } }]);
});

test('counters are asked for by a flow', async () => {
  const flows: Flow[] = [];
  const policyCounters: ObserveSources['policyCounters'] = flow => {
    flows.push(flow);
    return Promise.resolve([]);
  };
  const { status } = await asked(
    sourcesWith({ policyCounters }),
    '/observe/counters?source=10.0.0.1&destination=10.0.0.2&port=80',
  );
  assert.equal(status, 200);
  assert.deepEqual(
    flows.map(({ hairpin, port, protocol }) => [hairpin, port, protocol]),
    [[false, 80, 'TCP']],
  );
});

test('what cannot be read is refused, and what is not there is not found', async () => {
  for (const path of [
    '/observe/connections?address=web&port=80',
    '/observe/connections?address=10.0.0.1&port=0',
    '/observe/connections?address=10.0.0.1&port=80&protocol=GRE',
    '/observe/counters?source=10.0.0.1&destination=fd00::1&port=80',
    '/observe/services?port=80',
    '/observe/drops?since=yesterday',
  ])
    assert.equal((await asked(sourcesWith(), path)).status, 400, path);
  assert.equal((await asked(sourcesWith(), '/observe/secrets?port=80')).status, 404);
});

test('who asks for drops is told whether there are reports at all, and how far they are', async () => {
  const status = () => ({ reported: false, kept: 1, newest: 7, lost: 3 });
  const { body } = await asked(
    sourcesWith({ flows: { recent: () => [], status, why: () => undefined } }),
    '/observe/drops',
  );
  assert.deepEqual(body, { events: [], lost: 3, newest: 7, reported: false });
});

test('more questions than it can bear are refused while the others are answered', async () => {
  const { promise, resolve } = Promise.withResolvers<[]>();
  const observe = createObserve(sourcesWith({ worker: { connections: () => promise } }));
  const ask = () => observe('/observe/connections', new URLSearchParams({ address: '10.0.0.1', port: '80' }));
  const waiting = Array.from({ length: 4 }, ask);
  assert.equal((await ask()).status, 503);
  resolve([]);
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ status }) => status),
    [200, 200, 200, 200],
  );
  assert.equal((await ask()).status, 200);
});
