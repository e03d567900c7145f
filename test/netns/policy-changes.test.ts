import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nft } from '../../src/kernel/contract.ts';
import { parseTable } from '../../src/kernel/nft/table.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import { PolicyTable } from '../../src/policy/apply-nft.ts';
import { compileDelta } from '../../src/policy/compile-delta.ts';
import { PolicyCompiler } from '../../src/policy/compile-groups.ts';
import { PolicyIndex } from '../../src/policy/compile-index.ts';
import { histories, tell } from '../property/policy-histories.ts';
import { rigNamespace } from './policy-rig.ts';

test('changes alone bring the kernel to the program, step by step, whichever way they are written', async context => {
  const path = rigNamespace(context, 'pol-changes');
  const worker = new KernelWorker();
  context.after(() => worker.close());
  const written = { elements: 0, text: 0 };
  const kernel = {
    nft: (commands: string, where?: string) => {
      written.text++;
      return worker.nft(commands, where);
    },
    nftChunked: worker.nftChunked.bind(worker),
    nftElements: async (...parameters: Parameters<typeof worker.nftElements>) => {
      await worker.nftElements(...parameters);
      written.elements++;
    },
    nftTable: worker.nftTable.bind(worker),
  };
  await fc.assert(
    fc.asyncProperty(histories, async history => {
      const index = new PolicyIndex();
      const compiler = new PolicyCompiler(index, 'node-1', { reportsDrops: true });
      const table = new PolicyTable(kernel, path);
      for (const [at, now] of history.entries()) {
        tell(index, history[at - 1], now);
        compiler.update(now.closed);
        const change = compiler.program.takeChange();
        const { refused } = await (at === 0 ? table.apply(compiler.program) : table.change(change));
        assert.deepEqual(refused, []);
        assert.equal(table.isKnown, true);
        const { program } = compiler;
        const lacking = compileDelta(await table.read(program), program);
        assert.deepEqual(lacking, [], `what the kernel lacks after step ${at}`);
        // nft's own words for the same table.
        const listed = parseTable(await worker.nftList(`list table inet ${nft.tables.policy}`, path));
        assert.deepEqual(compileDelta(listed, program), [], `what nft does not list after step ${at}`);
      }
    }),
    { numRuns: 60, endOnFailure: true },
  );
  assert.ok(written.elements > 10, `${written.elements} changes were of elements alone`);
  assert.ok(written.text > 10, `${written.text} changes were of sets and rules too`);
});

test('what a kernel refuses of elements is written by nftables, which says what is wrong', async context => {
  const path = rigNamespace(context, 'pol-elements');
  const worker = new KernelWorker();
  context.after(() => worker.close());
  await worker.nft(
    'add table inet t\nadd set inet t s { type inet_proto . inet_service; flags interval; }\n',
    path,
  );
  const change = (add: readonly (readonly [string, string])[], remove: readonly string[] = []) =>
    worker.nftElements(
      [{ table: 't', set: 's', type: 'inet_proto . inet_service', isInterval: true, remove, add }],
      path,
    );
  await change([
    ['tcp . 80-90', ''],
    ['udp . 53', ''],
  ]);
  await assert.rejects(change([['tcp . 85-95', '']]), /change elements of nftables/, 'it overlaps');
  await assert.rejects(change([['udp . 54', '']], ['udp . 99']), /no such file/, 'nothing to delete');
  await change([['tcp . 85-95', '']], ['tcp . 80-90']);
  const listed = JSON.stringify(await worker.nftList('list set inet t s', path));
  assert.match(listed, /"range":\[85,95\]/);
  assert.doesNotMatch(listed, /"range":\[80,90\]|54/);
});

test('a change of thousands of elements goes in, too', async context => {
  const path = rigNamespace(context, 'pol-many');
  const worker = new KernelWorker();
  context.after(() => worker.close());
  const index = new PolicyIndex();
  const compiler = new PolicyCompiler(index, 'node-1', { reportsDrops: true });
  const table = new PolicyTable(worker, path);
  await table.apply(compiler.program);
  compiler.program.takeChange();
  for (const count of [1, 900, 3000]) {
    for (let at = 0; at < count; at++) {
      const value = BigInt(0x0af4_0000 + at);
      index.setPod(`many/${at}`, {
        key: `many/${at}`,
        uid: `${at}`,
        namespace: 'many',
        labels: { number: `${at} of ${count}` },
        namespaceLabels: {},
        addresses: [{ family: 4, value }],
        node: 'node-2',
        hostNetwork: false,
        ports: [],
        created: '',
      });
    }
    compiler.update([]);
    await table.change(compiler.program.takeChange());
    assert.deepEqual(compileDelta(await table.read(compiler.program), compiler.program), [], `${count} pods`);
  }
});
