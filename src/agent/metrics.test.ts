import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../base/log.ts';
import { Metrics } from '../base/metrics.ts';
import { serveMetrics } from './metrics.ts';

test('figures are served to scrapers, and nothing else', async context => {
  const metrics = new Metrics();
  metrics.counter('drops_total', 'Packets dropped.').with().add(2);
  const server = await serveMetrics(metrics, 0, silentLog);
  context.after(() => server.close());
  const answer = await fetch(`http://127.0.0.1:${server.port}/metrics`);
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  assert.match(await answer.text(), /^drops_total 2$/m);
  assert.equal((await fetch(`http://127.0.0.1:${server.port}/status`)).status, 404);
});

test('a port that another program has costs no more than the port', async context => {
  const first = await serveMetrics(new Metrics(), 0, silentLog);
  context.after(() => first.close());
  assert.ok(first.port !== undefined);
  const second = await serveMetrics(new Metrics(), first.port, silentLog);
  assert.equal(second.port, undefined);
  await second.close();
});
