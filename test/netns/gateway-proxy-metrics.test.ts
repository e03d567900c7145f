import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPlainBackend } from './gateway-backend.ts';
import { dial, eventually } from './gateway-client.ts';
import { ProxyProcess } from './gateway-process.ts';
import { at, prefix, tableOf } from './gateway-table.ts';
import { freePort } from './gateway-worker.ts';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;

test('metrics count requests by route, backend and status, over all workers, also after one was killed', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const [port, closed] = [await freePort(), await freePort()];
  const proxy = await ProxyProcess.start(context, 2);
  const table = tableOf({
    ports: { http: port },
    rules: [prefix('/down', 'down'), prefix('/up', 'b')],
    backends: { b: [at(backend.port)], down: [at(closed)] },
  });
  assert.equal((await proxy.tell({ type: 'table', revision: 1, table })).type, 'applied');
  const clients = Array.from({ length: 12 }, () => dial(context, port));
  for (const [index, client] of clients.entries()) {
    const [path, status] = index < 8 ? ['/up', '200'] : index < 10 ? ['/down', '502'] : ['/none', '404'];
    client.say(get(path));
    await client.until(heard => heard.startsWith(`HTTP/1.1 ${status}`), `an answer to ${path}`);
  }
  const is = (start: string, value: number) =>
    eventually(async () => {
      const values = await proxy.metric(start);
      return values.length === 1 && values[0] === value;
    }, `${start} ${value}`);
  const route = 'listener="http",route="HTTPRoute/test/route"';
  const requests = (status: string) => `fairlead_gateway_requests_total{${route},status="${status}"}`;
  await is(requests('200'), 8);
  await is(requests('502'), 2);
  await is('fairlead_gateway_requests_total{listener="http",route="",status="404"}', 2);
  await is(`fairlead_gateway_request_duration_seconds_count{${route}}`, 10);
  await is(`fairlead_gateway_sent_bytes_total{${route}}`, 40);
  await is('fairlead_gateway_backend_answers_total{backend="b",status="200"}', 8);
  await is('fairlead_gateway_backend_failures_total{backend="down"}', 2);
  await is('fairlead_gateway_backend_retries_total{backend="down"}', 4);
  await is('fairlead_gateway_ready', 1);
  await is('fairlead_gateway_client_connections', 12);
  const victim = (await proxy.status())?.workers[0]?.pid ?? 0;
  process.kill(victim, 'SIGKILL');
  await is('fairlead_gateway_worker_restarts_total', 1);
  await is(requests('200'), 8);
});
