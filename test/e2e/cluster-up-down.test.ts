import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { paths } from '../../src/kernel/contract.ts';
import { fairlead, startCluster } from './cluster.ts';
import { hostNetwork, noTraces, tracesOf } from './traces.ts';

const name = 'e2e-updown';

test('a cluster comes up, is left as it is by a second up, and goes without a trace', async () => {
  const before = hostNetwork();
  {
    await using cluster = await startCluster(name, '--nodes', '2');
    const first = await cluster.status();
    assert.deepEqual(first.problems, []);
    assert.deepEqual(
      first.nodes.map(node => [node.name, node.ready, node.podPrefixes.length]),
      [
        ['node-1', true, 2],
        ['node-2', true, 2],
      ],
    );
    assert.deepEqual(
      first.processes.map(process => process.name),
      ['supervisor', 'control-plane', 'runtime', 'agent-node-1', 'agent-node-2', 'dns-node-1', 'dns-node-2'],
    );
    for (const process of first.processes) assert.ok(process.pssBytes > 1e6, `${process.name} has no memory`);
    assert.deepEqual(hostNetwork(), before, 'the network of the host has changed');

    const again = await cluster.fairlead('up');
    assert.match(again, /is up: 2 nodes/);
    const pids = (await cluster.status()).processes.map(process => process.pid);
    assert.deepEqual(
      pids,
      first.processes.map(process => process.pid),
    );
  }
  assert.deepEqual(tracesOf(name), noTraces);
  assert.deepEqual(hostNetwork(), before, 'the network of the host has changed');
});

test('down on nothing is a success that says so', async () => {
  const { code, stderr } = await fairlead(['down', '--name', 'e2e-never']);
  assert.equal(code, 0);
  assert.match(stderr, /there is no cluster named e2e-never/);
});

for (const milliseconds of [150, 300, 450, 600, 900, 1400]) {
  test(`an up that is killed after ${milliseconds} ms can be taken down, and leaves nothing`, async () => {
    await fairlead(['up', '--name', name, '--nodes', '2'], { killAfterMilliseconds: milliseconds });
    const { code, stderr } = await fairlead(['down', '--name', name]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(tracesOf(name), noTraces);
  });
}

test('an up that was killed half way is continued by the next', async () => {
  await fairlead(['up', '--name', name, '--nodes', '1'], { killAfterMilliseconds: 400 });
  const { code, stderr } = await fairlead(['up', '--name', name, '--nodes', '1']);
  assert.equal(code, 0, stderr);
  await fairlead(['down', '--name', name]);
  assert.deepEqual(tracesOf(name), noTraces);
});

test('down clears a cluster whose files are partly gone', async () => {
  await using cluster = await startCluster(name, '--nodes', '1');
  rmSync(paths.state(cluster.name), { recursive: true });
  rmSync(paths.run(cluster.name), { recursive: true });
  const { code, stderr } = await fairlead(['down', '--name', name]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(tracesOf(name), noTraces);
});
