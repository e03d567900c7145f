import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { silentLog } from '../base/log.ts';
import { HealthChecks } from './service-health.ts';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '::');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function start(context: TestContext, state = { isHealthy: true }) {
  const checks = new HealthChecks({ isHealthy: () => state.isHealthy, log: silentLog });
  context.after(() => checks.close());
  return { checks, state };
}

const web = { namespace: 'shop', name: 'web' };

async function ask(port: number, host = '127.0.0.1') {
  const response = await fetch(`http://${host}:${port}/`);
  return {
    status: response.status,
    weight: response.headers.get('x-load-balancing-endpoint-weight'),
    body: await response.json(),
  };
}

test('a node with ready endpoints is healthy, one without is not, in both families', async context => {
  const { checks } = start(context);
  const port = await freePort();
  await checks.set('shop/web', { ...web, port, localEndpoints: 2 });
  for (const host of ['127.0.0.1', '[::1]'])
    assert.deepEqual(await ask(port, host), {
      status: 200,
      weight: '2',
      body: { service: web, localEndpoints: 2, serviceProxyHealthy: true },
    });
  await checks.set('shop/web', { ...web, port, localEndpoints: 0 });
  assert.equal((await ask(port)).status, 503);
});

test('a node whose Services are not in force is not healthy', async context => {
  const { checks, state } = start(context);
  const port = await freePort();
  await checks.set('shop/web', { ...web, port, localEndpoints: 1 });
  state.isHealthy = false;
  assert.equal((await ask(port)).status, 503);
});

test('a Service that is not asked about any more, or at another port, leaves its port', async context => {
  const { checks } = start(context);
  const [first, second] = [await freePort(), await freePort()];
  await checks.set('shop/web', { ...web, port: first, localEndpoints: 1 });
  await checks.set('shop/web', { ...web, port: second, localEndpoints: 1 });
  await assert.rejects(ask(first));
  assert.equal((await ask(second)).status, 200);
  await checks.set('shop/web', undefined);
  await assert.rejects(ask(second));
});

test('a port that somebody else has is left to them, and tried again', async context => {
  const { checks } = start(context);
  const other = createServer().listen(0, '::');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await checks.set('shop/web', { ...web, port, localEndpoints: 1 });
  other.close();
  await once(other, 'close');
  await checks.set('shop/web', { ...web, port, localEndpoints: 1 });
  assert.equal((await ask(port)).status, 200);
});

test('a port that another program had is taken as soon as it is free', async context => {
  const { checks } = start(context);
  const port = await freePort();
  const other = createServer().listen(port, '::');
  await once(other, 'listening');
  await checks.set('shop/web', { ...web, port, localEndpoints: 1 });
  checks.retry();
  other.close();
  await once(other, 'close');
  const deadline = Date.now() + 20_000;
  let status: number | undefined;
  while (status !== 200 && Date.now() < deadline) {
    checks.retry();
    await new Promise(resolve => setTimeout(resolve, 20));
    status = await ask(port).then(
      answer => answer.status,
      () => undefined,
    );
  }
  assert.equal(status, 200);
});
