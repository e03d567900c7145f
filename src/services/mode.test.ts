import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideMode, modeProbes, wishOf } from './mode.ts';
import type { ModeProbe } from './mode.ts';

const supported: readonly ModeProbe[] = modeProbes.map(name => ({ name, outcome: { is: 'supported' } }));
const without: readonly ModeProbe[] = [
  ...supported.slice(1),
  { name: 'cgroup2', outcome: { is: 'unknown', reason: 'it is not mounted' } },
];

test('a node translates by eBPF where the kernel can, unless somebody asks for nftables', () => {
  assert.equal(decideMode(wishOf(undefined, 'auto'), supported).mode, 'ebpf');
  assert.deepEqual(decideMode(wishOf(undefined, 'nftables'), supported), {
    mode: 'nftables',
    reason: 'the agent’s --service-mode asks for it',
  });
});

test('a kernel that cannot is told with what it lacks, also where ebpf was asked for', () => {
  for (const option of ['auto', 'ebpf'] as const) {
    const { mode, reason } = decideMode(wishOf(undefined, option), without);
    assert.equal(mode, 'nftables');
    assert.match(reason, /cgroup2: it is not mounted/);
  }
  assert.match(decideMode(wishOf(undefined, 'ebpf'), without).reason, /asks for ebpf, but/);
});

test('the annotation of the Node counts more than the option; one that is no mode is refused', () => {
  assert.equal(wishOf('nftables', 'ebpf').wish, 'nftables');
  assert.equal(wishOf('auto', 'nftables').wish, 'auto');
  const { wish, refused } = wishOf('iptables', 'nftables');
  assert.equal(wish, 'nftables');
  assert.match(refused ?? '', /"iptables" is no mode of Services/);
});
