import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ProcessStatus } from '../../src/cli/read-status.ts';
import { CONFIG_MAPS, PODS } from '../../src/kube/resources.ts';
import { eventually, fairlead, startCluster, type TestCluster } from './cluster.ts';
import { manifestOf } from './manifests.ts';
import { noTraces, tracesOf } from './traces.ts';

const name = 'e2e-kill';
let cluster: TestCluster;

before(async () => {
  cluster = await startCluster(name, '--nodes', '2');
  await fairlead(['up', '--name', name, '-f', '-'], { input: manifestOf('echo', 2) });
});
after(() => cluster[Symbol.asyncDispose]());

async function processNamed(process: string): Promise<ProcessStatus & { readonly pid: number }> {
  const found = (await cluster.status()).processes.find(it => it.name === process);
  assert.ok(found?.pid, `${process} does not run`);
  return { ...found, pid: found.pid };
}

/** The processes of the containers: they have to be the same afterwards. */
const containers = async () =>
  (await cluster.client.list(PODS, { namespace: 'default' })).items.flatMap(
    pod =>
      pod.status?.containerStatuses?.map(
        it => `${pod.metadata.name} ${it.containerID ?? ''} ${it.restartCount}`,
      ) ?? [],
  );

for (const component of ['control-plane', 'runtime', 'agent-node-1', 'agent-node-2', 'dns-node-1']) {
  test(`killed with -9, ${component} is back, and the pods have not noticed`, async () => {
    const pods = await containers();
    assert.equal(pods.length, 2);
    const { pid, restarts } = await processNamed(component);
    process.kill(pid, 'SIGKILL');
    await eventually(`${component} runs again`, async () => {
      const now = await processNamed(component);
      return now.pid !== pid && now.restarts === restarts + 1 ? now : undefined;
    });
    await eventually('nothing is wrong', async () => {
      const { problems } = await cluster.status();
      if (problems.length > 0) throw new Error(JSON.stringify(problems));
      return true;
    });
    assert.deepEqual(await containers(), pods);
  });
}

test('killed with -9, the API server has lost no write that it had acknowledged', async () => {
  const written: string[] = [];
  const write = async () => {
    for (let index = 0; ; index++) {
      const key = `kept-${index}`;
      try {
        await cluster.client.create(CONFIG_MAPS, {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: key, namespace: 'default' },
        });
        written.push(key);
      } catch {
        return; // the server is gone: this one was not acknowledged
      }
    }
  };
  const writing = write();
  await eventually('some writes', () => (written.length > 20 ? true : undefined));
  process.kill((await processNamed('control-plane')).pid, 'SIGKILL');
  await writing;
  const present = await eventually('the API server answers again', async () => {
    const { items } = await cluster.client.list(CONFIG_MAPS, { namespace: 'default' });
    return new Set(items.map(item => item.metadata.name));
  });
  assert.deepEqual(
    written.filter(key => !present.has(key)),
    [],
  );
});

test('with the supervisor killed the cluster goes on, and up adopts what runs', async () => {
  const before = (await cluster.status()).processes;
  process.kill((await processNamed('supervisor')).pid, 'SIGKILL');
  await eventually('status says it', async () => {
    const { problems } = await cluster.status();
    return problems.some(problem => problem.object === 'Process/supervisor') ? true : undefined;
  });
  await cluster.fairlead('up');
  const after = (await cluster.status()).processes;
  assert.deepEqual(
    after.filter(it => it.name !== 'supervisor').map(it => [it.name, it.pid]),
    before.filter(it => it.name !== 'supervisor').map(it => [it.name, it.pid]),
  );
  process.kill((await processNamed('runtime')).pid, 'SIGKILL');
  await eventually('an adopted process is started again too', async () => {
    const { pid } = await processNamed('runtime');
    return pid !== before.find(it => it.name === 'runtime')?.pid ? true : undefined;
  });
});

test('with everything killed at once, down leaves nothing', async () => {
  for (const { pid } of (await cluster.status()).processes) if (pid !== null) process.kill(pid, 'SIGKILL');
  const { code, stderr } = await fairlead(['down', '--name', name]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(tracesOf(name), noTraces);
});
