import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatPrefix } from '../../../base/ip.ts';
import { defaultChoice, planCluster } from '../../cluster.ts';
import { outsideCommand, planOutside } from './outside.ts';

const config = planCluster({ ...defaultChoice, outside: true }, 6443);

test('the way outside takes addresses that the host does not use', () => {
  const plan = planOutside(config, [
    { prefix: '0.0.0.0/0', dev: 'eth0' },
    { prefix: '10.0.2.0/24', dev: 'eth0' },
  ]);
  assert.equal(formatPrefix(plan.prefix), '192.168.127.0/24');
});

test('IPv6 leads outside where the host itself has a way, and its addresses are not those of the program', () => {
  const withDefault = [{ prefix: '::/0', dev: 'eth0' }];
  assert.equal(planOutside(config, withDefault).ipv6, true);
  assert.equal(planOutside(config, []).ipv6, false);
  assert.equal(planOutside(config, [...withDefault, { prefix: 'fd00::/64', dev: 'eth0' }]).ipv6, false);
});

test('slirp4netns leads outside, pasta where it is not, and what cannot be run does not count', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-outside-'));
  const program = (name: string, mode: number) => {
    writeFileSync(join(directory, name), '#!/bin/sh\n', { mode });
    return join(directory, name);
  };
  try {
    const plan = planOutside(config, []);
    const command = () => outsideCommand('/run/netns/x', directory, plan, []).command;
    assert.throws(command, { code: 'outside/no-program' });
    program('slirp4netns', 0o644);
    const pasta = program('pasta', 0o755);
    assert.equal(command(), pasta);
    chmodSync(join(directory, 'slirp4netns'), 0o755);
    assert.equal(command(), join(directory, 'slirp4netns'));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a host that uses everything is told so', () => {
  const all = ['10.0.0.0/8', '192.168.0.0/16', '172.16.0.0/12', '100.64.0.0/10'];
  assert.throws(
    () =>
      planOutside(
        config,
        all.map(prefix => ({ prefix, dev: 'eth0' })),
      ),
    { code: 'outside/no-prefix' },
  );
});
