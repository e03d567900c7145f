import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { followNames } from '../../src/agent/policy-names.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Metrics } from '../../src/base/metrics.ts';
import { DnsMetrics, NameGate } from '../../src/dns/index.ts';

test('the agent hears of names that policies wait for, of however many addresses, before the answer goes out', async context => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-dns-gate-'));
  const socket = join(directory, 'names.sock');
  const learnt: { readonly names: readonly string[]; readonly addresses: readonly unknown[] }[] = [];
  const names = await followNames({
    socket,
    file: join(directory, 'names.json'),
    policies: {
      waitedForNames: () => ['www.example.com', '*.example.net'],
      heldNames: () => [],
      learn: answer => Promise.resolve(void learnt.push(answer)),
      expireNames: () => Promise.resolve(),
    },
    onFailure: () => assert.fail('nothing fails'),
    clock: systemClock,
    log: silentLog,
  });
  names.refresh();
  const metrics = new DnsMetrics(new Metrics(), 'test', 'dns://127.0.0.1:53');
  const gate = new NameGate({ path: socket, metrics, now: () => performance.now(), log: silentLog });
  context.after(() => {
    gate.close();
    names.close();
    rmSync(directory, { recursive: true });
  });
  const deadline = performance.now() + 20_000;
  while (gate.isIdle) {
    assert.ok(performance.now() < deadline, 'the patterns do not come');
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  assert.ok(gate.waitsFor(['x', 'a.b.example.net']) && gate.waitsFor(['www.example.com']));
  assert.ok(!gate.waitsFor(['example.net', 'wwww.example.com', 'a.www.example.com']));
  const many = Array.from({ length: 4000 }, (_, index) => ({
    address: `2001:db8:1111:2222:3333:4444:5555:${index.toString(16)}`,
    ttl: 2_147_483_647,
  }));
  const chain = Array.from({ length: 17 }, (_, index) => `${index}.${'\\000.'.repeat(125)}example.net`);
  for (const [told, addresses] of [
    [['www.example.com'], [{ address: '192.0.2.1', ttl: 60 }]],
    [chain, many],
  ] as const)
    while (learnt.at(-1)?.names[0] !== told[0]) {
      assert.ok(performance.now() < deadline, 'it is not heard of');
      await gate.announce(told, addresses);
    }
  assert.equal(learnt.at(-1)?.addresses.length, 512);
});
