import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { cgroupProcesses } from '../../src/kernel/cgroup/index.ts';
import { cgroups } from '../../src/kernel/contract.ts';
import { EVENTS, PODS } from '../../src/kube/resources.ts';
import type { Container, Pod } from '../../src/kube/types/core.ts';
import { createAuthority, issueServing } from '../../src/standalone/apiserver/pki/index.ts';
import { isReady, startRuntimeCluster, type RuntimeCluster } from './runtime-cluster.ts';

const statusOf = (pod: Pod) => pod.status?.containerStatuses?.[0];
const sleeper = { image: 'busybox', command: ['sh', '-c', 'exec sleep 1000'] };

/** A container that runs JavaScript; ${PORT} is where it listens. */
const program = (script: string, env: Readonly<Record<string, string>> = {}) => ({
  image: 'busybox',
  command: ['/.fairlead/node', '-e', script],
  env: Object.entries(env).map(([name, value]) => ({ name, value })),
});

const often = { periodSeconds: 1, timeoutSeconds: 1 };

/** Answers grpc.health.v1.Health/Check: SERVING for the service "a", NOT_SERVING for every other. */
const healthServer = `
require('node:http2').createServer().on('stream', (stream, headers) => {
  const parts = [];
  stream.on('data', part => parts.push(part)).on('end', () => {
    const name = Buffer.concat(parts).subarray(7).toString();
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, name === 'a' ? 1 : 2]));
  });
}).listen(7000, '::');`;

suite('probes and hooks', () => {
  let cluster: RuntimeCluster;
  before(async () => {
    cluster = await startRuntimeCluster('rt-probes');
  });
  after(() => cluster[Symbol.asyncDispose]());

  async function eventOf(name: string, pattern: RegExp, times = 1): Promise<void> {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const { items } = await cluster.client.list(EVENTS, { namespace: 'default' });
      const own = items.filter(event => event.involvedObject.name === name);
      const lines = own.map(event => `${event.count ?? 1} × ${event.reason}: ${event.message}`);
      const seen = own.filter(event => pattern.test(`${event.reason}: ${event.message}`));
      if (seen.reduce((sum, event) => sum + (event.count ?? 1), 0) >= times) return;
      assert.ok(
        performance.now() < deadline,
        `an event should say ${pattern}, but there are:\n${lines.join('\n')}`,
      );
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  const create = (name: string, container: Omit<Container, 'name'>) =>
    cluster.createPod(name, { containers: [{ name: 'a', ...container }] });

  test('gRPC: SERVING is ready', async () => {
    await create('grpc', {
      ...program(healthServer),
      readinessProbe: { grpc: { port: 7000, service: 'a' }, ...often },
    });
    await cluster.until('grpc', 'ready', isReady);
  });

  test('gRPC: NOT_SERVING is told', async () => {
    await create('grpc-not', {
      ...program(healthServer),
      readinessProbe: { grpc: { port: 7000, service: 'b' }, ...often },
    });
    await eventOf(
      'grpc-not',
      /Unhealthy: Readiness probe failed: service unhealthy \(responded with "NOT_SERVING"\)/,
    );
  });

  test('TCP: a port that accepts is ready, one that does not is told', async () => {
    await create('tcp', {
      ...program("require('node:net').createServer().listen(7000, '::')"),
      readinessProbe: { tcpSocket: { port: 7000 }, ...often },
    });
    await cluster.until('tcp', 'ready', isReady);
    await create('tcp-not', { ...sleeper, readinessProbe: { tcpSocket: { port: 7001 }, ...often } });
    await eventOf('tcp-not', /Unhealthy: Readiness probe failed: .*7001/);
  });

  test('HTTPS: any certificate will do', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-probe-'));
    try {
      const { certificate, key } = issueServing(createAuthority(directory), {
        names: ['other.test'],
      });
      const server = `require('node:https').createServer({ cert: process.env.CERT, key: process.env.KEY },
        (_, response) => response.end('fine')).listen(7000, '::')`;
      await create('https', {
        ...program(server, { CERT: certificate, KEY: key }),
        readinessProbe: { httpGet: { port: 7000, scheme: 'HTTPS' }, ...often },
      });
      await cluster.until('https', 'ready', isReady);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('HTTPS and HTTP: a server that says nothing is a failure after the timeout', async () => {
    const silent = program("require('node:net').createServer(() => {}).listen(7000, '::')");
    await create('mute-tls', {
      ...silent,
      readinessProbe: { httpGet: { port: 7000, scheme: 'HTTPS' }, ...often },
    });
    await create('mute', { ...silent, readinessProbe: { httpGet: { port: 7000 }, ...often } });
    await eventOf('mute-tls', /Unhealthy: Readiness probe failed: no TLS handshake within 1s/);
    await eventOf('mute', /Unhealthy: Readiness probe failed: .*no answer within 1s/);
  });

  test('exec: a command that takes too long is ended with all that it started', async () => {
    await create('slow', {
      ...sleeper,
      readinessProbe: { exec: { command: ['sh', '-c', 'sleep 600; true'] }, ...often },
    });
    await eventOf('slow', /Unhealthy: Readiness probe failed: command timed out/, 3);
    const pod = await cluster.until('slow', 'running', each => statusOf(each)?.state?.running !== undefined);
    const group = cgroups.pod(cluster.config.name, 'node-1', pod.metadata.uid ?? '');
    const count = cgroupProcesses(group).length;
    assert.ok(count <= 5, `${count} processes are more than a container and one probe have`);
  });

  test('a probe that fails ends the container in its own time, not in that of the pod or of another probe', async () => {
    const failing = { exec: { command: ['false'] }, ...often, failureThreshold: 1 };
    await cluster.createPod('stubborn', {
      terminationGracePeriodSeconds: 600,
      containers: [
        {
          name: 'a',
          image: 'busybox',
          command: ['sh', '-c', 'trap "" TERM; while true; do sleep 1; done'],
          startupProbe: { ...failing, terminationGracePeriodSeconds: 1 },
          livenessProbe: { ...failing, terminationGracePeriodSeconds: 600 },
        },
      ],
    });
    await cluster.until('stubborn', 'restarted', pod => (statusOf(pod)?.restartCount ?? 0) > 0);
    await cluster.client.delete(PODS, { namespace: 'default', name: 'stubborn' }, { gracePeriodSeconds: 0 });
  });

  test('postStart: the container is ready when the hook is done', async () => {
    await create('hook', {
      ...sleeper,
      lifecycle: { postStart: { exec: { command: ['sh', '-c', 'echo done > /tmp/hook'] } } },
      readinessProbe: { exec: { command: ['cat', '/tmp/hook'] }, ...often },
    });
    await cluster.until('hook', 'ready', isReady);
  });

  test('postStart: a hook that fails restarts the container and says how it ended', async () => {
    await create('bad-hook', {
      ...sleeper,
      lifecycle: { postStart: { exec: { command: ['sh', '-c', 'echo why; exit 3'] } } },
    });
    await eventOf('bad-hook', /FailedPostStartHook: PostStartHook failed: command .* exited with 3: why/);
    await cluster.until('bad-hook', 'restarted', pod => (statusOf(pod)?.restartCount ?? 0) > 0);
  });

  test('a pod that asks for a port of its node is refused where nothing maps ports', async () => {
    await create('host-port', { image: 'pause', ports: [{ containerPort: 80, hostPort: 8080 }] });
    await eventOf('host-port', /FailedCreatePodSandBox: .*hostPort 8080 is not offered/);
  });

  test('limits that are not enforced are told once', async () => {
    await create('limits', { image: 'pause', resources: { limits: { memory: '64Mi' } } });
    await cluster.until('limits', 'ready', isReady);
    await eventOf('limits', /NotEnforced: This cluster is a stand-in: limits of memory are not enforced/);
  });
});
