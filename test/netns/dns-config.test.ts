import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import type { Socket } from 'node:net';
import { paths } from '../../src/kernel/contract.ts';
import { connectIn } from '../../src/kernel/ns/index.ts';
import { ask } from './dns-client.ts';
import { addresses, startNode } from './dns-node.ts';
import type { DnsNode } from './dns-node.ts';

/** A node's server with a configuration file, as its operator meets it. */
const directory = mkdtempSync(join(tmpdir(), 'fairlead-dns-'));
const file = join(directory, 'dns.yaml');
const endings: (() => unknown)[] = [];
let node: DnsNode;

const write = (lines: string) => writeFileSync(file, lines);
const hosts = (address: string) => `hosts: {entries: [{name: api.example.com, addresses: [${address}]}]}\n`;

before(async () => {
  write(`${hosts('192.0.2.1')}lameduckSeconds: 3\n`);
  node = await startNode(
    // It takes no context.
    { after: ending => endings.unshift(ending as () => unknown) },
    `--config=${file}`,
    '--ready-port=8181',
  );
});
after(async () => {
  for (const ending of endings) await ending();
  rmSync(directory, { recursive: true });
});

async function eventually<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`it never comes to ${what}\n${node.log()}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

const addressOf = async (name: string) =>
  (await ask({ namespace: node.pod, server: addresses[0] }, name, 'A')).answers[0]?.data;

async function get(path: string, port = 9153): Promise<{ readonly code: number; readonly body: string }> {
  const socket = await connectIn(node.namespace, { host: '127.0.0.1', port, timeoutMilliseconds: 2000 });
  socket.write(`GET ${path} HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n`);
  const answer = await text(socket);
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  return { code: Number(head.split(' ')[1]), body: rest.join('\r\n\r\n') };
}

test('a changed file is taken while questions are answered, a bad one is not, and the log has its place', async () => {
  assert.equal(await addressOf('api.example.com'), '192.0.2.1');
  write(hosts('192.0.2.2'));
  await eventually('the new address', async () =>
    (await addressOf('api.example.com')) === '192.0.2.2' ? true : undefined,
  );
  write(`${hosts('192.0.2.3')}hosst: {}\n`);
  await eventually('a line in the log', () =>
    Promise.resolve(node.log().includes('line 2, column 1') ? true : undefined),
  );
  assert.equal(await addressOf('api.example.com'), '192.0.2.2');
  assert.match((await get('/metrics')).body, /^coredns_reload_failed_total 1$/m);
  write(`${hosts('192.0.2.4')}kubernetes: {ttl: 42}\nlameduckSeconds: 3\n`);
  await eventually('the good one', async () =>
    (await addressOf('api.example.com')) === '192.0.2.4' ? true : undefined,
  );
});

test('new rules wait for the API server; the names stay those of the last state until then', async () => {
  const answer = await ask(
    { namespace: node.pod, server: addresses[0] },
    'web.default.svc.cluster.local',
    'A',
  );
  assert.equal(answer.answers[0]?.ttl, 5);
});

test('metrics, health and readiness are served to scrapers and probes', async () => {
  const { body } = await get('/metrics');
  for (const pattern of [
    /^coredns_build_info\{version=/m,
    /^coredns_dns_requests_total\{server="dns:\/\/10\.96\.0\.10:53",zone="\.",view="",proto="udp",family="1",type="A"\} \d+$/m,
    /^coredns_dns_responses_total\{server="dns:\/\/10\.96\.0\.10:53",zone="\.",view="",rcode="NOERROR",plugin="hosts"\} \d+$/m,
    /^coredns_plugin_enabled\{.*name="hosts"\} 1$/m,
    /^fairlead_dns_snapshot_age_seconds \d/m,
    /^fairlead_dns_synced 0$/m,
  ])
    assert.match(body, pattern);
  assert.equal((await get('/health')).code, 200);
  assert.equal((await get('/ready', 8181)).code, 200, 'it answers from its last state');
  assert.equal((await get('/nothing')).code, 404);
});

test('an answer that a policy waits for is held until the agent has it, and no longer than a second', async () => {
  const told: Record<string, unknown>[] = [];
  let isSlow = false;
  const agent = createServer((socket: Socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('{"patterns":["*.example.com"]}\n');
    socket.on('data', chunk => {
      for (const line of chunk.toString().split('\n').filter(Boolean)) {
        const message = JSON.parse(line) as Record<string, unknown>;
        told.push(message);
        if (!isSlow) setTimeout(() => socket.write(`${JSON.stringify({ done: message['id'] })}\n`), 200);
      }
    });
  });
  agent.listen(paths.namesSocket(node.cluster, 'node-1'));
  await once(agent, 'listening');
  try {
    await eventually('the list', async () => {
      await addressOf('api.example.com');
      return told.length > 0 ? true : undefined;
    });
    assert.deepEqual(
      { ...told[0], id: 0, addresses: undefined },
      {
        id: 0,
        chain: ['api.example.com'],
        addresses: undefined,
      },
    );
    const sent = told[0]?.['addresses'] as readonly { readonly address: string }[] | undefined;
    assert.equal(sent?.[0]?.address, '192.0.2.4');
    const started = performance.now();
    await addressOf('api.example.com');
    assert.ok(performance.now() - started >= 190, 'it was held');
    isSlow = true;
    const again = performance.now();
    assert.equal(await addressOf('api.example.com'), '192.0.2.4');
    assert.ok(performance.now() - again >= 900, 'it was held for a second');
    const before = told.length;
    await addressOf('web.default.svc.cluster.local');
    assert.equal(told.length, before, 'nobody waits for this one');
  } finally {
    agent.close();
  }
  assert.match((await get('/metrics')).body, /^fairlead_dns_policy_wait_timeouts_total [1-9]/m);
});

test('as a pod it answers on an address that is there, with its health and readiness on ports of their own', async () => {
  const words = ['--listen=127.0.0.2', '--metrics-port=0', '--health-port=8080', '--ready-port=8182'];
  const child = node.spawn(...words, `--config=${file}`, `--snapshot=${join(directory, 'pod.json')}`);
  try {
    const target = { namespace: node.namespace, server: '127.0.0.2' };
    const answered = await eventually('an answer', () =>
      ask(target, 'api.example.com', 'A', {}, 100).catch(() => undefined),
    );
    assert.equal(answered.answers[0]?.data, '192.0.2.4');
    const isServed = async (path: string, port: number) =>
      (await get(path, port).catch(() => undefined))?.code;
    await eventually('health', async () => ((await isServed('/health', 8080)) === 200 ? true : undefined));
    // Without a last state nothing is known before the API server says it, and that is no "absent".
    assert.equal(await isServed('/ready', 8182), 503);
    const unknown = await ask(target, 'web.default.svc.cluster.local', 'A');
    assert.equal(unknown.rcode, 'SERVFAIL');
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

test('told to end, it says that it is not ready and answers on for a while', async () => {
  node.process.kill('SIGTERM');
  const ended = once(node.process, 'exit');
  await eventually('not ready', async () => ((await get('/ready', 8181)).code === 503 ? true : undefined));
  assert.equal(await addressOf('api.example.com'), '192.0.2.4');
  await ended;
  assert.equal(node.process.exitCode, 0);
});
