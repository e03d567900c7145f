import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startHealthServer } from './health-server.ts';

test('a connection that dribbles has no more time than any other', { timeout: 20_000 }, async context => {
  const probe = createServer().listen(0);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const server = await startHealthServer({
    port,
    isReady: () => true,
    status: () => ({}),
    metrics: () => Promise.resolve(''),
    patienceMilliseconds: 300,
  });
  context.after(() => server.close());
  const client = connect({ port, host: '::1' });
  client.on('error', () => undefined);
  const closed = new Promise(resolve => client.on('close', resolve));
  client.resume();
  client.write('GET /ready HTTP/1.1\r\nHost: a\r\nX: ');
  const drip = setInterval(() => client.write('x'), 50);
  context.after(() => clearInterval(drip));
  await closed;
});
