import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prober, probes } from '../../src/kernel/probe/index.ts';
import { listNamespaces } from '../../src/kernel/ns/index.ts';
import { cgroupProcesses } from '../../src/kernel/cgroup/index.ts';

test('each probe answers on this kernel, and what Fairlead cannot do without is supported', () => {
  const before = listNamespaces('');
  const outcomes = new Map(new Prober().all().map(result => [result.name, result.outcome]));
  assert.equal(outcomes.size, probes.length, 'names are different');
  for (const name of ['netns', 'veth', 'bridge', 'vxlan', 'nftables-nat', 'cgroup2', 'cgroup-kill']) {
    assert.deepEqual(outcomes.get(name), { is: 'supported' }, name);
  }
  for (const [name, outcome] of outcomes)
    assert.notEqual(outcome.is, 'unknown', `${name} as root: ${JSON.stringify(outcome)}`);
  for (const name of listNamespaces('')) assert.ok(before.includes(name) || !name.includes('probe'), name);
  assert.deepEqual(cgroupProcesses(`fairlead-probe-${process.pid}`), []);
});
