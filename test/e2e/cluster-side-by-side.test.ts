import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PODS } from '../../src/kube/resources.ts';
import { fairlead, startCluster } from './cluster.ts';
import { manifestOf } from './manifests.ts';
import { noTraces, tracesOf } from './traces.ts';

test('two clusters with the same addresses live side by side, and one goes without the other noticing', async () => {
  await using first = await startCluster('e2e-left', '--nodes', '1');
  {
    await using second = await startCluster('e2e-right', '--nodes', '1', '--topology', 'two-links');
    assert.notEqual((await first.status()).apiServer, (await second.status()).apiServer);
    for (const { name, client } of [first, second]) {
      const up = await fairlead(['up', '--name', name, '-f', '-'], { input: manifestOf(`only-${name}`, 1) });
      assert.equal(up.code, 0, up.stderr);
      const pods = await client.list(PODS, { namespace: 'default' });
      assert.deepEqual(
        pods.items.map(pod => pod.metadata.labels?.['app']),
        [`only-${name}`],
      );
    }
  }
  assert.deepEqual(tracesOf('e2e-right'), noTraces);
  const { problems, pods } = await first.status();
  assert.deepEqual(problems, []);
  const own = pods.filter(pod => pod.namespace === 'default');
  assert.deepEqual(
    own.map(pod => pod.ready),
    [true],
  );
});
