import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { Nft } from '../../src/kernel/nft/index.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import { temporaryNamespace } from './kernel-fixture.ts';

const base = 'add table inet t\nadd set inet t s { type ipv4_addr; }';
const large = (second: number) =>
  `add element inet t s { ${Array.from({ length: 14_000 }, (_, index) => `10.${second}.${index >> 8}.${index & 255}`).join(', ')} }`;

/** How often the main thread's event loop turns while a work lasts, and its longest turn in milliseconds. */
async function turnsDuring(work: () => Promise<unknown>): Promise<{ turns: number; longest: number }> {
  const seen = { turns: 0, longest: 0 };
  let last = performance.now();
  let running = true;
  const turn = () => {
    const now = performance.now();
    seen.turns++;
    seen.longest = Math.max(seen.longest, now - last);
    last = now;
    if (running) setImmediate(turn);
  };
  const done = work();
  setImmediate(turn);
  await done;
  running = false;
  return seen;
}

test('the main loop keeps turning while a large transaction runs in the worker, and would stand still without it', async context => {
  const path = temporaryNamespace(context, 'worker-loop');
  await using worker = new KernelWorker();
  await worker.nft(base, path);
  const inWorker = await turnsDuring(() => worker.nft(large(0), path));
  using nft = Nft.open(path);
  const commands = large(1);
  const inMain = await turnsDuring(async () => nft.run(commands));
  context.diagnostic(
    `in the worker: ${inWorker.turns} turns, the longest ${inWorker.longest.toFixed(1)} ms; in the main thread: ${inMain.turns}`,
  );
  assert.ok(inMain.turns <= 2, 'the transaction is long enough to be seen');
  assert.ok(inWorker.turns >= 50, `the loop turned only ${inWorker.turns} times`);
});

test('it does what the synchronous rooms do, for its own and for other namespaces', async context => {
  const path = temporaryNamespace(context, 'worker-calls');
  await using worker = new KernelWorker();
  await worker.netlink(path, [
    { do: 'link-add', kind: 'bridge', name: 'br0', up: true, alias: 'test' },
    { do: 'address-add', dev: 'br0', address: '10.0.0.1/24' },
    { do: 'route-replace', dst: '10.1.0.0/16', via: '10.0.0.2', dev: 'br0' },
    { do: 'neighbour-replace', dev: 'br0', address: '10.0.0.2', mac: '02:00:00:00:00:01' },
    { do: 'rule-add', family: 4, priority: 150, table: 500 },
  ]);
  assert.ok((await worker.links(path)).some(link => link.alias === 'test'));
  assert.ok((await worker.addresses(path)).some(address => address.address === '10.0.0.1/24'));
  assert.ok((await worker.routes(path)).some(route => route.dst === '10.1.0.0/16'));
  assert.ok((await worker.neighbours(path)).some(neighbour => neighbour.mac === '02:00:00:00:00:01'));
  assert.ok((await worker.rules(path)).some(rule => rule.priority === 150));
  assert.deepEqual(
    await worker.forwardingEntries(path).then(entries => entries.filter(entry => entry.via !== undefined)),
    [],
  );
  await worker.sysctls([['net.ipv4.ip_forward', 1]], path);
  assert.ok(
    (await worker.links()).some(link => link.name === 'lo'),
    'its own namespace',
  );
  await worker.nft(base, path);
  const outcome = await worker.nftChunked(
    [
      { commands: 'add element inet t s { 10.0.0.1 }', provenance: 'good' },
      { commands: 'add element inet t absent { 10.0.0.1 }', provenance: 'bad' },
    ],
    path,
  );
  assert.equal(outcome.applied, 1);
  assert.deepEqual(
    outcome.refused.map(one => one.provenance),
    ['bad'],
  );
  assert.match(JSON.stringify(await worker.nftList('list set inet t s', path)), /10\.0\.0\.1/);
  assert.ok((await worker.probe()).length > 5);
});

test('refusals of the kernel arrive with its words, and the next call is done', async context => {
  const path = temporaryNamespace(context, 'worker-errors');
  await using worker = new KernelWorker();
  await assert.rejects(
    worker.netlink(path, [
      { do: 'link-set', dev: 'lo', up: true },
      { do: 'link-set', dev: 'absent', up: true },
    ]),
    {
      code: 'kernel/netlink',
      facts: { errno: 'ENODEV', words: 'there is no link absent', operationIndex: 1 },
    },
  );
  await assert.rejects(worker.nft('add rule inet x y accept', path), { code: 'kernel/nft' });
  await assert.rejects(worker.links('/run/netns/fairlead-absent'), { code: 'kernel/namespace-missing' });
  assert.equal((await worker.links(path)).length, 1);
});

test('a namespace ends although the worker has worked in it', async context => {
  const path = temporaryNamespace(context, 'worker-near');
  const far = temporaryNamespace(context, 'worker-far');
  await using worker = new KernelWorker();
  await worker.netlink(path, [
    { do: 'link-add', kind: 'veth', name: 'near0', peer: { name: 'far0', namespace: far } },
  ]);
  await worker.nft(base, far);
  const { deleteNamespace } = await import('../../src/kernel/ns/index.ts');
  deleteNamespace(far.slice('/run/netns/'.length));
  const deadline = Date.now() + 20_000;
  while ((await worker.links(path)).some(link => link.name === 'near0')) {
    assert.ok(Date.now() < deadline, 'the far end is gone with its namespace, and so is the near one');
  }
});

test('an idle worker keeps no process alive', async () => {
  const module = new URL('../../src/kernel/worker/index.ts', import.meta.url).href;
  const program = `const { KernelWorker } = await import('${module}'); await new KernelWorker().links(); console.log('done');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0);
});
