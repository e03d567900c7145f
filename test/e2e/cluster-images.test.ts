/** An image map of the user's own, from the command line to the pod. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { PODS } from '../../src/kube/resources.ts';
import type { Pod } from '../../src/kube/types/core.ts';
import { eventually, fairlead, startCluster, type TestCluster } from './cluster.ts';

suite('images of the user', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-images-'));
  const file = join(directory, 'images.yaml');
  let cluster: TestCluster;

  before(async () => {
    writeFileSync(file, 'images:\n- names: [shop/one]\n  program: /bin/sleep\n  args: ["1000"]\n');
    cluster = await startCluster('own-images', '--nodes', '1', '--images', file);
  });
  after(async () => {
    await cluster[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const create = (name: string, image: string) =>
    cluster.client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec: { containers: [{ name: 'main', image }], terminationGracePeriodSeconds: 1 },
    });
  const until = (name: string, what: string, check: (pod: Pod) => boolean) =>
    eventually(`${name} is ${what}`, async () => {
      const pod = await cluster.client.get(PODS, { namespace: 'default', name });
      return check(pod) ? pod : undefined;
    });
  const isRunning = (pod: Pod) => pod.status?.phase === 'Running';

  test('an image of the file runs its program, and says so', async () => {
    await create('one', 'shop/one:v3');
    const pod = await until('one', 'running', isRunning);
    assert.equal(pod.status?.containerStatuses?.[0]?.imageID, 'host:///bin/sleep');
  });

  test('a row that is added on the running cluster starts the pod that waits for it', async () => {
    await create('two', 'shop/two');
    await until('two', 'refused', pod =>
      /--images/.test(pod.status?.containerStatuses?.[0]?.state?.waiting?.message ?? ''),
    );
    writeFileSync(file, 'images:\n- names: [shop/two]\n  like: pause\n');
    await cluster.fairlead('up', '--images', file);
    const pod = await until('two', 'running', isRunning);
    assert.equal(pod.status?.containerStatuses?.[0]?.imageID, 'builtin://pause');
    assert.ok(isRunning(await until('one', 'running still', isRunning)));
  });

  test('a mistake is told with its line before anything is made', async () => {
    const wrong = join(directory, 'wrong.yaml');
    writeFileSync(wrong, 'images:\n- names: [a]\n  programm: /bin/true\n');
    const { code, stderr } = await fairlead(['up', '--name', 'own-images-2', '--images', wrong]);
    assert.equal(code, 1);
    assert.match(stderr, /wrong\.yaml:3: there is no field "programm"/);
    assert.match(stderr, /code: +images\/file/);
    const { stdout } = await fairlead(['status', '--name', 'own-images-2']);
    assert.doesNotMatch(stdout, /node-1/);
  });
});
