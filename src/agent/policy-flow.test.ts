import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { FlowEvent } from '../base/flow-event.ts';
import { silentLog } from '../base/log.ts';
import { otlpReceiverOf, sendOtlp } from './policy-flow-export.ts';
import { FlowLog } from './policy-flow-log.ts';

const event = (number: number, sentence = 'why'): FlowEvent => ({
  id: `node-1/${number}`,
  at: '2026-01-01T00:00:00.000Z',
  last: '2026-01-01T00:00:00.000Z',
  node: 'node-1',
  source: { address: '10.244.0.1' },
  destination: { address: '10.244.0.2', port: 80 },
  protocol: 'TCP',
  verdict: 'dropped',
  direction: 'egress',
  packets: 1,
  why: { rule: 'egress-1', sentence, policies: [], misses: [] },
});

function directoryOf(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'flows-'));
  context.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

test('events are there after a restart, also behind a line that was cut off', context => {
  const directory = directoryOf(context);
  const log = new FlowLog(directory, silentLog);
  log.add(event(1));
  log.add(event(2));
  log.flush();
  appendFileSync(join(directory, 'flows.jsonl'), '{"id":"node-1/3","verd');
  const next = new FlowLog(directory, silentLog);
  assert.deepEqual(next.read(), [event(1), event(2)]);
  next.add(event(4));
  next.flush();
  assert.deepEqual(next.read(), [event(1), event(2), event(4)]);
});

test('of a file that somebody broke the events are left that are whole', context => {
  const directory = directoryOf(context);
  const lines = [
    event(1),
    { ...event(2), id: 'node-1/x' },
    { ...event(3), at: 'yesterday' },
    { ...event(4), last: 7 },
    { ...event(5), source: null },
    { ...event(6), destination: {} },
    { ...event(7), why: { rule: 'egress-1', sentence: 'why' } },
    [],
    event(8),
  ];
  appendFileSync(join(directory, 'flows.jsonl'), lines.map(line => `${JSON.stringify(line)}\n`).join(''));
  assert.deepEqual(new FlowLog(directory, silentLog).read(), [event(1), event(8)]);
});

test('however many events there are, the files stay small, and the youngest are in them', context => {
  const directory = directoryOf(context);
  const log = new FlowLog(directory, silentLog);
  for (let round = 0; round < 40; round++) {
    for (let index = 0; index < 200; index++) log.add(event(round * 200 + index, 'x'.repeat(600)));
    log.flush();
  }
  const sizes = ['flows.jsonl', 'flows.old.jsonl'].map(name => statSync(join(directory, name)).size);
  for (const size of sizes) assert.ok(size < 1_400_000, `${size} bytes`);
  assert.equal(log.read().at(-1)?.id, 'node-1/7999');
});

test('a disk that takes nothing costs no more than the events', () => {
  const log = new FlowLog('/proc/none', silentLog);
  log.add(event(1));
  log.flush();
  assert.deepEqual(log.read(), []);
});

test('where events go is said by OpenTelemetry’s own variables, and nothing is sent without', () => {
  const at = (environment: Readonly<Record<string, string>>) => otlpReceiverOf(environment)?.url.href;
  assert.equal(at({}), undefined);
  assert.equal(at({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/' }), 'http://c:4318/v1/logs');
  assert.equal(at({ OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'https://c/own' }), 'https://c/own');
  assert.throws(() => at({ OTEL_EXPORTER_OTLP_ENDPOINT: 'grpc://c' }), /no http or https address/);
  assert.throws(() => at({ OTEL_EXPORTER_OTLP_ENDPOINT: 'nonsense' }), /no http or https address/);
  const receiver = otlpReceiverOf({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x, tenant=a',
  });
  assert.deepEqual(receiver?.headers, { authorization: 'Bearer x', tenant: 'a' });
  for (const bad of ['authorization=100%', 'no header=a', '=a', 'a=%0d%0ab: c'])
    assert.throws(
      () =>
        otlpReceiverOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_HEADERS: `x=y,${bad}` }),
      /entry 2 of OTEL_EXPORTER_OTLP_HEADERS is no header/,
    );
});

test('a receiver gets JSON, and its answer says whether it is sent again', async context => {
  const answers = [200, 503, 400];
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      bodies.push(`${request.method} ${request.url} ${String(request.headers['x-tenant'])} ${body}`);
      const status = answers[bodies.length - 1] ?? 500;
      response.writeHead(status, status === 503 ? { 'retry-after': '3' } : {}).end('{}');
    });
  });
  context.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const url = new URL(`http://127.0.0.1:${address.port}/v1/logs`);
  const send = sendOtlp({ url, headers: { 'x-tenant': 'a' } }, { cluster: 'default', node: 'node-1' });
  const outcomes = [await send([event(1)]), await send([event(2)]), await send([event(3)])];
  assert.deepEqual(
    outcomes.map(({ outcome, afterMilliseconds }) => [outcome, afterMilliseconds]),
    [
      ['taken', undefined],
      ['later', 3000],
      ['refused', undefined],
    ],
  );
  assert.match(bodies[0] ?? '', /^POST \/v1\/logs a \{"resourceLogs":/);
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  await assert.rejects(send([event(4)]), /ECONNREFUSED|hang up/);
});
