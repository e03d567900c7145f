import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { Nft, applyChunked, runInChild } from '../../src/kernel/nft/index.ts';
import { inNamespace } from '../../src/kernel/ns/index.ts';
import { temporaryNamespace, testName } from './kernel-fixture.ts';

const base = `add table inet t
  add set inet t s { type ipv4_addr; flags interval; }
  add chain inet t c { type nat hook postrouting priority 100; }`;

/** Elements of the set `s`, as nft(8) counts them: none merged, because they are not neighbours. */
function elements(part: string): number {
  const list = execFileSync(
    'ip',
    ['netns', 'exec', testName(part), 'nft', '-j', 'list', 'set', 'inet', 't', 's'],
    { encoding: 'utf8' },
  );
  const { nftables } = JSON.parse(list) as { nftables: { set?: { elem?: unknown[] } }[] };
  return nftables.find(entry => entry.set)?.set?.elem?.length ?? 0;
}

const everySecond = (index: number) => `10.${(index >> 7) & 255}.${index >> 15}.${(index & 127) * 2}`;

test('a transaction changes the namespace of the context, and no other', context => {
  const path = temporaryNamespace(context, 'nft-a');
  const other = temporaryNamespace(context, 'nft-b');
  using nft = Nft.open(path);
  using elsewhere = Nft.open(other);
  nft.run(base);
  assert.match(JSON.stringify(nft.list('list tables')), /"name":"t"/);
  assert.doesNotMatch(JSON.stringify(elsewhere.list('list tables')), /"name":"t"/);
  inNamespace(other, () => nft.run('add element inet t s { 10.0.0.1 }'));
  assert.equal(elements('nft-a'), 1, 'wherever the thread is');
});

test('a transaction is everything or nothing, and the error has the kernel’s words and the command', context => {
  using nft = Nft.open(temporaryNamespace(context, 'nft-atomic'));
  nft.run(base);
  const refused = 'add rule inet t absent accept';
  assert.throws(() => nft.run(`add element inet t s { 10.0.0.1 }\n${refused}`), {
    code: 'kernel/nft',
    words: 'Could not process rule: No such file or directory',
    command: refused,
  });
  assert.equal(elements('nft-atomic'), 0);
  assert.throws(() => nft.run('add foo'), /syntax error/);
  nft.run('add element inet t s { 10.0.0.1 }');
  assert.equal(elements('nft-atomic'), 1, 'an error leaves the context usable');
});

test('a check changes nothing', context => {
  using nft = Nft.open(temporaryNamespace(context, 'nft-check'));
  nft.run(base);
  assert.equal(nft.check('add element inet t s { 10.0.0.1 }'), undefined);
  assert.equal(nft.check('add rule inet t absent accept')?.code, 'kernel/nft');
  assert.equal(elements('nft-check'), 0);
});

test('the objects at fault among a thousand are quarantined, the rest is applied', context => {
  using nft = Nft.open(temporaryNamespace(context, 'nft-bisect'));
  nft.run(base);
  const faults = [0, 77, 500, 501, 999];
  const changes = Array.from({ length: 1000 }, (_, index) => ({
    provenance: `NetworkPolicy/shop/p${index}`,
    commands: faults.includes(index)
      ? `add element inet t absent { 10.0.0.1 }`
      : `add element inet t s { ${everySecond(index)} }`,
  }));
  const outcome = applyChunked(nft, changes, { charactersAtOnce: 16_384 });
  assert.deepEqual(
    outcome.refused.map(one => one.provenance),
    faults.map(index => `NetworkPolicy/shop/p${index}`),
  );
  assert.equal(outcome.applied, 995);
  assert.equal(elements('nft-bisect'), 995);
});

test('a large transaction runs in a child, with the same errors', async context => {
  const path = temporaryNamespace(context, 'nft-child');
  const all = Array.from({ length: 30_000 }, (_, index) => everySecond(index)).join(', ');
  await runInChild(`${base}\nadd element inet t s { ${all} }`, path);
  assert.equal(elements('nft-child'), 30_000);
  await assert.rejects(runInChild('add rule inet t absent accept', path), {
    code: 'kernel/nft',
    words: 'Could not process rule: No such file or directory',
  });
});

test('what is not JSON or not a list is no crash', context => {
  using nft = Nft.open(temporaryNamespace(context, 'nft-list'));
  assert.throws(() => nft.list('list table inet absent'), { code: 'kernel/nft' });
  nft.close();
  assert.throws(() => nft.run('list tables'), { code: 'kernel/nft-closed' });
});
