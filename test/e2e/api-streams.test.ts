import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { WebSocketServer } from 'ws';
import { PODS } from '../../src/kube/resources.ts';
import { startApiProcess } from './api-process.ts';
import type { ApiProcess } from './api-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'fairlead-streams-'));
const seen: string[] = [];
/** Hands requests for the logs of the container `slow` to the test, as `log` with the response. */
const slow = new EventEmitter();
let runtime: Server;
let server: ApiProcess;

/** A runtime with the paths of kubelet: logs are a few lines, exec repeats what it is sent. */
function startRuntime(socket: string): Promise<Server> {
  const http = createServer((request, response) => {
    seen.push(request.url ?? '');
    if (request.url?.includes('slow') === true) slow.emit('log', response);
    else if (request.url?.includes('waiting') === true) {
      response.writeHead(400).end('container "waiting" in pod "two" is waiting to start: ContainerCreating');
    } else response.end('first\nsecond\n');
  });
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket, head) => {
    seen.push(request.url ?? '');
    sockets.handleUpgrade(request, socket, head, connection => {
      connection.on('message', (data: Buffer) => connection.send(data, { binary: true }));
    });
  });
  return new Promise(resolve => http.listen(socket, () => resolve(http)));
}

before(async () => {
  runtime = await startRuntime(join(directory, 'runtime.sock'));
  server = await startApiProcess(directory);
  for (const [name, containers, nodeName] of [
    ['one', ['main'], 'node-1'],
    ['two', ['main', 'waiting'], 'node-1'],
    ['three', ['slow'], 'node-1'],
    ['unscheduled', ['main'], undefined],
  ] as const) {
    await server.client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec: {
        containers: containers.map(container => ({ name: container, image: 'x' })),
        ...(nodeName === undefined ? {} : { nodeName }),
      },
    });
  }
});

after(async () => {
  await server[Symbol.asyncDispose]();
  runtime.closeAllConnections();
  runtime.close();
  rmSync(directory, { recursive: true });
});

const key = (name: string) => ({ namespace: 'default', name });

test('logs come from the runtime, with the options that were asked for', async () => {
  const stream = await server.client.logs(key('one'), { tailLines: 5, timestamps: true, sinceSeconds: 60 });
  assert.equal(await text(stream), 'first\nsecond\n');
  assert.equal(seen.at(-1), '/containerLogs/default/one/main?tailLines=5&sinceSeconds=60&timestamps=true');
});

test('logs of what is not there say what is missing', async () => {
  const refused = (name: string, container?: string) =>
    server.client.logs(key(name), container === undefined ? {} : { container });
  await assert.rejects(refused('nope'), { status: 404, message: 'pods "nope" not found' });
  await assert.rejects(refused('unscheduled'), {
    status: 400,
    message: 'pod unscheduled does not have a host assigned',
  });
  await assert.rejects(refused('two'), {
    message: 'a container name must be specified for pod two, choose one of: [main waiting]',
  });
  await assert.rejects(refused('two', 'other'), { message: 'container other is not valid for pod two' });
  await assert.rejects(refused('two', 'waiting'), {
    status: 400,
    message: 'container "waiting" in pod "two" is waiting to start: ContainerCreating',
  });
});

const upgradeHeaders = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==',
  'x-secret': 'not for the runtime',
};

test('exec is piped both ways once the runtime has switched protocols', async () => {
  const path = '/api/v1/namespaces/default/pods/one/exec?command=cat&command=-u&stdin=true&stdout=true';
  const { socket, head } = await server.client.connectUpgrade(path, { headers: upgradeHeaders });
  assert.equal(seen.at(-1), '/exec/default/one/main?command=cat&command=-u&stdin=true&stdout=true');
  const answer =
    head.length > 0 ? Promise.resolve(head) : new Promise<Buffer>(resolve => socket.once('data', resolve));
  // A masked binary frame with two bytes (RFC 6455, 5.2); the mask is zero.
  socket.write(Buffer.from([0x82, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
  assert.deepEqual([...(await answer)], [0x82, 0x02, 0x68, 0x69]);
  socket.destroy();
});

test('a client that goes before the runtime has its log leaves nothing behind', async () => {
  const leaving = new AbortController();
  const asked = once(slow, 'log') as Promise<[ServerResponse]>;
  const options = { container: 'slow', follow: true, signal: leaving.signal };
  const logs = server.client.logs(key('three'), options).catch(() => undefined);
  const [response] = await asked;
  leaving.abort();
  await logs;
  response.write('too late\n');
  await once(response, 'close', { signal: AbortSignal.timeout(10_000) });
});

test('exec without a command, streams or an upgrade is refused', async () => {
  const base = '/api/v1/namespaces/default/pods/one/exec';
  for (const query of ['stdin=true', 'command=ls', 'command=ls&tty=true&stdout=true&stderr=true']) {
    const refused = await server.client.connectUpgrade(`${base}?${query}`, { headers: upgradeHeaders }).then(
      () => 'accepted',
      (error: Error & { status?: number }) => error.status,
    );
    assert.equal(refused, 400, query);
  }
  const plain = await server.client.request('GET', `${base}?command=ls&stdout=true`);
  assert.equal(plain.status, 400);
  assert.match(plain.body.toString(), /Upgrade request required/);
});

test('without a runtime, logs and exec say so and the server goes on', async () => {
  runtime.closeAllConnections();
  await new Promise(resolve => runtime.close(resolve));
  await assert.rejects(server.client.logs(key('one')), {
    status: 500,
    message: /the pod runtime does not answer/,
  });
  const path = '/api/v1/namespaces/default/pods/one/exec?command=ls&stdout=true';
  await assert.rejects(
    server.client.connectUpgrade(path, { headers: upgradeHeaders }),
    /the pod runtime does not answer/,
  );
  await server.client.get(PODS, key('one'));
});
