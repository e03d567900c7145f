import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { cgroupProcesses } from '../../src/kernel/cgroup/index.ts';
import { cgroups } from '../../src/kernel/contract.ts';
import { proportionalSetSize } from '../../src/kernel/process/index.ts';
import { PODS } from '../../src/kube/resources.ts';
import type { Pod } from '../../src/kube/types/core.ts';
import { isReady, startRuntimeCluster, withoutKubectl, type RuntimeCluster } from './runtime-cluster.ts';

const shell = (...script: readonly string[]) => ({
  image: 'busybox',
  command: ['sh', '-c', script.join('\n')],
});
const statusOf = (pod: Pod) => pod.status?.containerStatuses?.[0];

suite('streams of a container', () => {
  let cluster: RuntimeCluster;
  before(async () => {
    cluster = await startRuntimeCluster('rt-streams');
  });
  after(() => cluster[Symbol.asyncDispose]());

  const processesOf = (pod: Pod) =>
    cgroupProcesses(cgroups.pod(cluster.config.name, 'node-1', pod.metadata.uid ?? ''));

  async function until(what: string, check: () => boolean): Promise<void> {
    const deadline = performance.now() + 20_000;
    while (!check()) {
      assert.ok(performance.now() < deadline, what);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  test('kubectl exec carries input, output, errors and the exit code', { skip: withoutKubectl }, async () => {
    await cluster.createPod('exec', { containers: [{ name: 'a', ...shell('exec sleep 1000') }] });
    await cluster.until('exec', 'ready', isReady);
    const failing = await cluster.kubectl([
      'exec',
      'exec',
      '--',
      'sh',
      '-c',
      'echo out; echo err >&2; exit 4',
    ]);
    assert.equal(failing.code, 4);
    assert.match(failing.output, /out/);
    assert.match(failing.output, /err/);
    const large = 'x'.repeat(99).concat('\n').repeat(20_000);
    const echoed = await cluster.kubectl(['exec', '-i', 'exec', '--', 'cat'], large);
    assert.equal(echoed.output.length, large.length);
    const absent = await cluster.kubectl(['exec', 'exec', '--', 'no-such']);
    assert.match(absent.output, /"no-such" was not found/);
  });

  test('kubectl attach and run -i reach the first process', { skip: withoutKubectl }, async () => {
    const overrides = '--overrides={"spec":{"nodeName":"node-1"}}';
    const words = ['run', '-i', 'in', '--image=busybox', '--restart=Never', '--quiet', overrides, '--', 'sh'];
    const { output } = await cluster.kubectl(words, 'sleep 1; echo from-inside\n');
    assert.match(output, /from-inside/);
  });

  test('logs: the last lines, with times, of the run before', { skip: withoutKubectl }, async () => {
    await cluster.createPod('logs', {
      containers: [{ name: 'a', ...shell('for i in 1 2 3; do echo line $i; done; exit 1') }],
    });
    await cluster.until(
      'logs',
      'restarted',
      pod => statusOf(pod)?.restartCount === 1 && statusOf(pod)?.state?.waiting !== undefined,
    );
    const tail = await cluster.kubectl(['logs', 'logs', '--tail=2', '--timestamps']);
    assert.match(tail.output, /^\d{4}-\S+Z line 2\n\d{4}-\S+Z line 3\n$/);
    const previous = await cluster.kubectl(['logs', 'logs', '--previous', '--limit-bytes=6']);
    assert.equal(previous.output, 'line 1');
  });

  test(
    'a terminal of exec has its size, follows a new one, and ends with the exit code',
    { skip: withoutKubectl },
    async () => {
      await cluster.createPod('terminal', { containers: [{ name: 'a', ...shell('exec sleep 1000') }] });
      await cluster.until('terminal', 'ready', isReady);
      // script(1) gives kubectl a real terminal; what is typed here is typed there.
      const inside = 'tty; stty size; read word; stty size; echo "got $word"; exit 4';
      const outside = `stty rows 33 cols 111 -echo; tty > "$0"; exec kubectl exec -it terminal -- sh -c '${inside}'`;
      const terminalFile = `${cluster.kubeconfig}.tty`;
      const child = spawn(
        'script',
        ['-qefc', `sh -c ${quote(outside)} ${quote(terminalFile)}`, '/dev/null'],
        {
          env: { ...process.env, KUBECONFIG: cluster.kubeconfig, SHELL: '/bin/sh' },
        },
      );
      let output = '';
      child.stdout.on('data', (text: Buffer) => (output += text.toString()));
      const ended = new Promise<number | null>(resolve => child.once('close', resolve));
      await until(`the size should be printed: ${output}`, () => output.includes('33 111'));
      const resized = spawn('sh', ['-c', 'stty rows 50 cols 60 < "$(cat "$0")"', terminalFile], {
        stdio: 'inherit',
      });
      await new Promise(resolve => resized.once('exit', resolve));
      child.stdin.write('typed\r');
      assert.equal(await ended, 4, output);
      assert.match(output, /\/dev\/pts\/\d+\r\n33 111\r\n/);
      assert.match(output, /50 60\r\ngot typed/);
    },
  );

  test('what a command has started ends when its client goes away', { skip: withoutKubectl }, async () => {
    await cluster.createPod('vanish', { containers: [{ name: 'a', ...shell('exec sleep 1000') }] });
    const pod = await cluster.until('vanish', 'ready', isReady);
    const before = processesOf(pod).length;
    const child = spawn('kubectl', ['exec', 'vanish', '--', 'sh', '-c', 'sleep 500 & sleep 501; true'], {
      env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
    });
    await until('the command should run', () => processesOf(pod).length >= before + 4);
    child.kill('SIGKILL');
    await until('nothing of it should be left', () => processesOf(pod).length === before);
  });

  test('a follower gets every line through a rotation of the log', async () => {
    // Slowly enough for a reader, and more than a file holds.
    const line = 'x'.repeat(1000);
    const script = [
      'n=0',
      `while [ $n -lt 160 ]; do i=0; while [ $i -lt 100 ]; do echo "${line}"; i=$((i+1)); done; sleep 0.01; n=$((n+1)); done`,
      'echo the end',
    ];
    await cluster.createPod('rotate', {
      restartPolicy: 'Never',
      containers: [{ name: 'a', ...shell(...script) }],
    });
    await cluster.until('rotate', 'started', pod => statusOf(pod)?.state?.running !== undefined);
    let bytes = 0;
    let last = '';
    await new Promise<void>((resolve, reject) => {
      const call = request({
        socketPath: cluster.socket,
        path: '/containerLogs/default/rotate/a?follow=true',
      });
      call.once('error', reject);
      call.once('response', response => {
        response.on('data', (part: Buffer) => {
          bytes += part.length;
          last = part.subarray(-20).toString();
        });
        response.once('end', resolve);
      });
      call.end();
    });
    assert.match(last, /the end\n$/);
    assert.equal(bytes, 160 * 100 * 1001 + 'the end\n'.length);
  });

  test('a client that reads nothing costs no memory', async () => {
    await cluster.createPod('flood', {
      containers: [{ name: 'a', ...shell('yes | head -c 9000000; exec sleep 1000') }],
    });
    await cluster.until('flood', 'ready', isReady);
    const before = proportionalSetSize(cluster.runtimePid());
    const calls = Array.from({ length: 8 }, () =>
      request({ socketPath: cluster.socket, path: '/containerLogs/default/flood/a?follow=true' }),
    );
    const begun = calls.map(
      call => new Promise<void>(resolve => call.once('response', response => resolve(void response.pause()))),
    );
    for (const call of calls) call.on('error', () => undefined).end();
    await Promise.all(begun);
    const grown = proportionalSetSize(cluster.runtimePid()) - before;
    for (const call of calls) call.destroy();
    assert.ok(grown < 30 << 20, `8 idle readers of 9 MB each made the runtime grow by ${grown >> 20} MB`);
  });

  test(
    'kubectl debug adds a container that sees the processes of its target, and ends with the pod',
    { skip: withoutKubectl },
    async () => {
      await cluster.createPod('debug', { containers: [{ name: 'a', image: 'pause' }] });
      await cluster.until('debug', 'ready', isReady);
      const debug = (name: string, ...more: readonly string[]) =>
        cluster.kubectl(['debug', 'debug', '--image=busybox', '--profile=general', '-c', name, ...more]);
      await debug('seeing', '--target=a', '--', 'sh', '-c', 'cat /proc/1/cmdline; hostname -I; exit 3');
      const pod = await cluster.until(
        'debug',
        'looked into',
        each => each.status?.ephemeralContainerStatuses?.[0]?.state?.terminated !== undefined,
      );
      const [status] = pod.status?.ephemeralContainerStatuses ?? [];
      assert.equal(status?.state?.terminated?.exitCode, 3);
      assert.equal(status.restartCount, 0);
      assert.ok(isReady(pod), 'the pod goes on');
      const logs = await cluster.kubectl(['logs', 'debug', '-c', 'seeing']);
      assert.match(logs.output, /launcher\0pause/);
      assert.ok(logs.output.includes(pod.status?.podIP ?? 'no address'));

      await debug('staying', '--', 'sleep', '1000');
      await cluster.until(
        'debug',
        'looked into again',
        each => each.status?.ephemeralContainerStatuses?.[1]?.state?.running !== undefined,
      );
      const inside = await cluster.kubectl(['exec', 'debug', '-c', 'staying', '--', 'echo', 'there']);
      assert.match(inside.output, /there/);
      await cluster.killRuntime();
      await cluster.startRuntime();
      const adopted = await cluster.until('debug', 'adopted', isReady);
      assert.ok(adopted.status?.ephemeralContainerStatuses?.[1]?.state?.running !== undefined);
      await cluster.client.delete(PODS, { namespace: 'default', name: 'debug' });
      await cluster.untilGone('debug');
    },
  );
});

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
