/** Port-forward in all its forms, and exec and attach for clients that speak SPDY alone. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { WebSocket } from 'ws';
import { isReady, startRuntimeCluster, withoutKubectl, type RuntimeCluster } from './runtime-cluster.ts';

/** kubectl 1.32 prefers WebSocket, and speaks SPDY when it is told to. */
const PROTOCOLS = [
  ['SPDY inside of WebSocket', {}],
  ['SPDY', { KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false', KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }],
] as const;

suite('port-forward', { skip: withoutKubectl }, () => {
  let cluster: RuntimeCluster;
  before(async () => {
    cluster = await startRuntimeCluster('rt-forward');
    await cluster.createPod('web', {
      containers: [
        {
          name: 'web',
          image: 'registry.k8s.io/e2e-test-images/agnhost:2.53',
          args: ['netexec'],
          readinessProbe: { httpGet: { path: '/healthz', port: 8080 } },
        },
      ],
    });
    await cluster.until('web', 'ready', isReady);
  });
  after(() => cluster[Symbol.asyncDispose]());

  interface Forwarding extends Disposable {
    readonly port: number;
    readonly output: () => string;
  }

  async function forward(target: string, environment: Readonly<Record<string, string>>): Promise<Forwarding> {
    const child = kubectl(['port-forward', 'web', `:${target}`], environment);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (text: Buffer) => (output += text.toString()));
    const deadline = performance.now() + 20_000;
    for (;;) {
      const port = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(output)?.[1];
      if (port !== undefined)
        return {
          port: Number(port),
          output: () => output,
          [Symbol.dispose]: () => void child.kill('SIGKILL'),
        };
      assert.ok(performance.now() < deadline && child.exitCode === null, `kubectl should forward: ${output}`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  const kubectl = (words: readonly string[], environment: Readonly<Record<string, string>>): ChildProcess =>
    spawn('kubectl', words, { env: { ...process.env, ...environment, KUBECONFIG: cluster.kubeconfig } });

  async function outcome(child: ChildProcess, input = ''): Promise<{ code: number | null; output: string }> {
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (text: Buffer) => (output += text.toString()));
    child.stdin?.on('error', () => undefined); // it need not read it
    child.stdin?.end(input);
    const code = await new Promise<number | null>(resolve => child.once('close', resolve));
    return { code, output };
  }

  for (const [name, environment] of PROTOCOLS) {
    test(`by ${name}: many requests at once, and large answers`, async () => {
      using forwarding = await forward('8080', environment);
      const url = `http://127.0.0.1:${forwarding.port}`;
      assert.equal(await (await fetch(`${url}/hostname`)).text(), 'web');
      const words = Array.from({ length: 20 }, (_, index) => `word-${index}`);
      const answers = await Promise.all(
        words.map(async word =>
          (await fetch(`${url}/echo?msg=${word}`, { headers: { connection: 'close' } })).text(),
        ),
      );
      assert.deepEqual(answers, words);
      const large = 'y'.repeat(3_000_000);
      const body = new URLSearchParams({ msg: large });
      const echoed = await (await fetch(`${url}/echo`, { method: 'POST', body })).text();
      assert.equal(echoed.length, large.length);
    });

    test(`by ${name}: a port that nobody listens on is told, and the others go on`, async () => {
      using forwarding = await forward('9', environment);
      const socket = connect(forwarding.port, '127.0.0.1', () => socket.write('x'));
      socket.on('error', () => undefined); // a reset is an end as well
      await new Promise<void>(resolve => socket.once('close', () => resolve()));
      const deadline = performance.now() + 20_000;
      while (!forwarding.output().includes('error forwarding port 9 to pod web')) {
        assert.ok(performance.now() < deadline, `kubectl should tell: ${forwarding.output()}`);
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    });

    test(`by ${name}: exec carries input, output, errors and the exit code`, async () => {
      const failing = await outcome(
        kubectl(['exec', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 4'], environment),
      );
      assert.equal(failing.code, 4);
      assert.match(failing.output, /out/);
      assert.match(failing.output, /err/);
      const large = 'x'.repeat(99).concat('\n').repeat(20_000);
      const echoed = await outcome(kubectl(['exec', '-i', 'web', '--', 'cat'], environment), large);
      assert.deepEqual([echoed.code, echoed.output.length], [0, large.length]);
    });
  }

  test('by plain WebSocket channels, as JavaScript clients do', async () => {
    // The runtime's own socket: what the API server passes on to.
    const client = new WebSocket(`ws+unix:${cluster.socket}:/portForward/default/web?ports=8080&ports=9`, [
      'v4.channel.k8s.io',
    ]);
    const parts = new Map<number, Buffer[]>();
    client.on('message', data => {
      const bytes = data as Buffer;
      const channel = bytes[0] ?? 255;
      parts.set(channel, [...(parts.get(channel) ?? []), bytes.subarray(1)]);
    });
    await new Promise((open, failed) => client.once('open', open).once('error', failed));
    const request = 'GET /hostname HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    client.send(Buffer.concat([Buffer.of(0), Buffer.from(request)]));
    await new Promise(resolve => client.once('close', resolve));
    assert.equal(parts.get(0)?.[0]?.readUInt16LE(), 8080, 'each channel begins with its port');
    assert.equal(parts.get(3)?.[0]?.readUInt16LE(), 9);
    assert.match(Buffer.concat(parts.get(0)?.slice(1) ?? []).toString(), /^HTTP\/1\.1 200 OK[^]*web$/);
    assert.match(
      Buffer.concat(parts.get(3)?.slice(1) ?? []).toString(),
      /error forwarding port 9 to pod web/,
    );
  });

  test('broken frames end the session, and nothing else', async () => {
    for (const bytes of [
      Buffer.from([0x80, 9, 0, 1, 0, 0, 0, 0]),
      Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]),
      Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2]),
      Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 2, 0, 0]),
    ]) {
      const socket = connect(cluster.socket);
      socket.write(
        'POST /portForward/default/web HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n' +
          'X-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n',
      );
      await new Promise(resolve => socket.once('data', resolve));
      socket.write(bytes);
      await new Promise(resolve => socket.once('close', resolve));
    }
    assert.equal((await cluster.pod('web'))?.status?.phase, 'Running');
    using forwarding = await forward('8080', {});
    assert.equal(await (await fetch(`http://127.0.0.1:${forwarding.port}/hostname`)).text(), 'web');
  });
});
