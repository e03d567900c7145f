import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../base/log.ts';
import { createClientOver } from './client.ts';
import { FakeApi } from './fake-api.ts';
import { leadWhenElected } from './lease.ts';
import { LEASES } from './resources.ts';
import type { Lease } from './types/coordination.ts';
import { ManualClock } from './manual-clock.ts';

const LEASE = { namespace: 'kube-system', name: 'fairlead-controller' };

/** Contenders that write down when each of them leads. */
function contest() {
  const api = new FakeApi([LEASES]);
  const clock = new ManualClock();
  const leading = new Set<string>();
  const history: string[] = [];
  const contend = (identity: string, behind: FakeApi = api) => {
    const stop = new AbortController();
    const client = createClientOver(behind, { clock });
    const options = { client, lease: LEASE, identity, clock, log: silentLog, random: () => 0.5 };
    const ended = leadWhenElected(options, stop.signal, async signal => {
      leading.add(identity);
      history.push(identity);
      assert.equal(leading.size, 1, `${[...leading].join(' and ')} lead at the same time`);
      await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
      leading.delete(identity);
    });
    return { stop: () => stop.abort(new Error('stopped')), ended };
  };
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000);
      for (let turn = 0; turn < 12; turn++) await new Promise(resolve => setImmediate(resolve));
    }
  };
  const holder = () => (api.store.get(LEASES, 'kube-system/fairlead-controller') as Lease | undefined)?.spec;
  return { api, clock, contend, leading, history, pass, holder };
}

test('one of several leads, and the next one at once when it leaves', async () => {
  const { contend, leading, history, pass, holder } = contest();
  const all = { a: contend('a'), b: contend('b'), c: contend('c') };
  await pass(60);
  assert.equal(leading.size, 1);
  const [first = ''] = history;
  all[first as 'a'].stop();
  await all[first as 'a'].ended;
  await pass(5);
  assert.equal(leading.size, 1, 'a lease that was given back is taken within one retry');
  assert.equal(history.length, 2);
  assert.equal(holder()?.leaseTransitions, 1);
  for (const one of Object.values(all)) one.stop();
  await Promise.all(Object.values(all).map(one => one.ended));
  assert.equal(holder()?.holderIdentity, '', 'the last one gives the lease back');
});

test('a leader that is cut off from the server stops before another one starts', async () => {
  const { api, contend, leading, history, pass } = contest();
  const cutOff = Object.assign(new FakeApi([LEASES]), { store: api.store });
  const a = contend('a', cutOff);
  await pass(5);
  assert.deepEqual([...leading], ['a']);
  const b = contend('b');
  await pass(20);
  assert.deepEqual([...leading], ['a'], 'while it renews, nobody else leads');
  cutOff.faults.refusals.push(...Array.from({ length: 100 }, () => ({ status: 0 })));
  await pass(14);
  assert.deepEqual([...leading], [], 'it stops after ten seconds without a renewal');
  await pass(10);
  assert.deepEqual(history, ['a', 'b']);
  for (const one of [a, b]) one.stop();
  await Promise.all([a.ended, b.ended]);
});

test('a leader whose clock is set back stops in time all the same', async () => {
  const { api, contend, leading, pass, clock } = contest();
  const cutOff = Object.assign(new FakeApi([LEASES]), { store: api.store });
  const a = contend('a', cutOff);
  await pass(5);
  assert.deepEqual([...leading], ['a']);
  cutOff.faults.refusals.push(...Array.from({ length: 100 }, () => ({ status: 0 })));
  clock.setBack(600_000);
  await pass(11);
  assert.deepEqual([...leading], [], 'ten seconds are counted by timers');
  a.stop();
  await a.ended;
});

test('a lease of a leader that vanished is taken when it has run out, whatever its clock said', async () => {
  const { api, contend, leading, pass } = contest();
  const renewTime = '2099-01-01T00:00:00.000000Z';
  api.store.put(LEASES, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: LEASE,
    spec: { holderIdentity: 'gone', leaseDurationSeconds: 15, renewTime },
  } as Lease);
  const a = contend('a');
  await pass(14);
  assert.deepEqual([...leading], []);
  await pass(6);
  assert.deepEqual([...leading], ['a']);
  a.stop();
  await a.ended;
});

test('a leader whose work fails gives the lease back and says why', async () => {
  const { api, holder } = contest();
  const clock = new ManualClock();
  const client = createClientOver(api, { clock });
  const options = { client, lease: LEASE, identity: 'a', clock, log: silentLog, random: () => 0 };
  const failing = leadWhenElected(options, new AbortController().signal, () =>
    Promise.reject(new Error('no more')),
  );
  await assert.rejects(failing, /no more/);
  assert.equal(holder()?.holderIdentity, '');
});
