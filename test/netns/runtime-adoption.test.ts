import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { cgroupProcesses } from '../../src/kernel/cgroup/index.ts';
import { cgroups, namespaces, paths } from '../../src/kernel/contract.ts';
import { listNamespaces } from '../../src/kernel/ns/index.ts';
import { identify, isRunning, signalProcess } from '../../src/kernel/process/index.ts';
import { PODS } from '../../src/kube/resources.ts';
import type { Pod } from '../../src/kube/types/core.ts';
import { isReady, startRuntimeCluster, type RuntimeCluster } from './runtime-cluster.ts';

const statusOf = (pod: Pod) => pod.status?.containerStatuses?.[0];
const sleeper = { name: 'a', image: 'busybox', command: ['sh', '-c', 'echo started; exec sleep 1000'] };

suite('a runtime that was killed', () => {
  let cluster: RuntimeCluster;
  before(async () => {
    cluster = await startRuntimeCluster('rt-adopt');
  });
  after(() => cluster[Symbol.asyncDispose]());

  const podProcesses = (pod: Pod) =>
    cgroupProcesses(cgroups.pod(cluster.config.name, 'node-1', pod.metadata.uid ?? ''));
  const key = (name: string) => ({ namespace: 'default', name });

  test('leaves its pods running, and the next one adopts them without a restart', async () => {
    await cluster.createPod('stays', { containers: [sleeper] });
    const before = await cluster.until('stays', 'ready', isReady);
    const processes = podProcesses(before).map(pid => identify(pid));
    const calls = cluster.pluginCalls().filter(call => call === 'ADD').length;
    assert.equal(processes.length, 2, 'a launcher and a program');
    await cluster.killRuntime();
    await cluster.startRuntime();
    await cluster.createPod('marker', { containers: [{ name: 'a', image: 'pause' }] });
    await cluster.until('marker', 'ready', isReady);
    assert.ok(
      processes.every(process => process !== undefined && isRunning(process)),
      'the same processes run on',
    );
    const after = await cluster.until('stays', 'ready', isReady);
    assert.equal(statusOf(after)?.containerID, statusOf(before)?.containerID);
    assert.equal(statusOf(after)?.restartCount, 0);
    assert.deepEqual(after.status?.podIPs, before.status?.podIPs);
    assert.equal(
      cluster.pluginCalls().filter(call => call === 'ADD').length,
      calls + 1,
      'only the marker was attached',
    );
  });

  test('finds out what ended meanwhile, with its exit code', async () => {
    await cluster.createPod('ends', {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'a',
          image: 'busybox',
          command: ['sh', '-c', 'while [ ! -e /v/go ]; do sleep 0.05; done; exit 9'],
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
        },
      ],
      volumes: [{ name: 'v', emptyDir: {} }],
    });
    const pod = await cluster.until('ends', 'ready', isReady);
    await cluster.killRuntime();
    const volume = `${paths.nodeState(cluster.config.name, 'node-1')}/pods/${pod.metadata.uid}/volumes/v/go`;
    await import('node:fs/promises').then(fs => fs.writeFile(volume, ''));
    const deadline = performance.now() + 20_000;
    while (podProcesses(pod).length > 0) assert.ok(performance.now() < deadline, 'the program should end');
    await cluster.startRuntime();
    const ended = await cluster.until('ends', 'failed', each => each.status?.phase === 'Failed');
    assert.equal(statusOf(ended)?.state?.terminated?.exitCode, 9);
  });

  test('cleans up a pod that was deleted meanwhile', async () => {
    await cluster.createPod('orphan', { containers: [sleeper] });
    const pod = await cluster.until('orphan', 'ready', isReady);
    await cluster.killRuntime();
    await cluster.client.delete(PODS, key('orphan'), { gracePeriodSeconds: 0 });
    await cluster.startRuntime();
    assert.equal(podProcesses(pod).length, 0, 'no process is left');
    assert.deepEqual(listNamespaces(namespaces.pod(cluster.config.name, pod.metadata.uid ?? '')), []);
    assert.equal(
      existsSync(`${paths.nodeState(cluster.config.name, 'node-1')}/pods/${pod.metadata.uid}`),
      false,
    );
  });

  test('ends a pod whose deletion it had begun', async () => {
    await cluster.createPod('ending', {
      terminationGracePeriodSeconds: 30,
      containers: [
        {
          name: 'a',
          image: 'busybox',
          command: ['sh', '-c', 'trap "" TERM; while true; do sleep 0.1; done'],
        },
      ],
    });
    await cluster.until('ending', 'ready', isReady);
    await cluster.client.delete(PODS, key('ending'), { gracePeriodSeconds: 2 });
    await cluster.killRuntime();
    await cluster.startRuntime();
    await cluster.untilGone('ending');
  });

  test('a container whose launcher is killed is ended and started again', async () => {
    await cluster.createPod('shimless', { containers: [sleeper] });
    const pod = await cluster.until('shimless', 'ready', isReady);
    // Once, and only those that are there now: a second blow would hit the restarted container, which then has to wait.
    const group = cgroups.pod(cluster.config.name, 'node-1', pod.metadata.uid ?? '');
    const present = cgroupProcesses(group).map(identify);
    for (const one of present) if (one !== undefined) signalProcess(one, 'SIGKILL');
    const again = await cluster.until(
      'shimless',
      'restarted',
      each => statusOf(each)?.restartCount === 1 && isReady(each),
    );
    assert.equal(statusOf(again)?.lastState?.terminated?.reason, 'ContainerStatusUnknown');
  });

  test('a forced deletion leaves nothing behind', async () => {
    const pods = await cluster.client.list(PODS, { namespace: 'default' });
    for (const pod of pods.items)
      await cluster.client.delete(PODS, key(pod.metadata.name), { gracePeriodSeconds: 0 });
    const left = () => [
      ...listNamespaces(namespaces.pod(cluster.config.name, '')),
      ...readdirSync(`${paths.nodeState(cluster.config.name, 'node-1')}/pods`),
      ...readdirSync(`${paths.run(cluster.config.name)}/containers`),
      ...cgroupProcesses(cgroups.pods(cluster.config.name, 'node-1')),
    ];
    const deadline = performance.now() + 20_000;
    while (left().length > 0) {
      assert.ok(performance.now() < deadline, `nothing should be left: ${left().join(' ')}`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  });
});
