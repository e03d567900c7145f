import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyChunked, chunksOf } from './apply-chunked.ts';
import type { Transactions } from './apply-chunked.ts';
import { NftError, firstRefusal } from './error.ts';

/** Refuses `bad N`, and `needs N` when `N` was not taken before; counts what it is asked. */
class RecordingKernel implements Transactions {
  readonly taken: string[] = [];
  readonly transactions: string[][] = [];
  checks = 0;

  check(commands: string): NftError | undefined {
    this.checks++;
    const seen = new Set(this.taken);
    for (const line of commands.split('\n')) {
      const [verb, what = ''] = line.split(' ');
      if (verb === 'bad' || (verb === 'needs' && !seen.has(`add ${what}`))) {
        return new NftError(`Error: refused\n${line}\n^^^^^\n`);
      }
      seen.add(line);
    }
    return undefined;
  }

  run(commands: string): void {
    const error = this.check(commands);
    if (error !== undefined) throw error;
    this.transactions.push(commands.split('\n'));
    this.taken.push(...commands.split('\n'));
  }
}

test('exactly the changes at fault are left out, in whatever order and number', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 60 }),
      fc.integer({ min: 1, max: 400 }),
      (faults, charactersAtOnce) => {
        const kernel = new RecordingKernel();
        const changes = faults.map((bad, index) => ({
          commands: `${bad ? 'bad' : 'add'} ${index}`,
          provenance: index,
        }));
        const outcome = applyChunked(kernel, changes, { charactersAtOnce });
        const expected = changes.filter(change => change.commands.startsWith('bad'));
        assert.deepEqual(
          outcome.refused.map(one => one.provenance),
          expected.map(change => change.provenance),
        );
        assert.equal(outcome.applied, changes.length - expected.length);
        assert.deepEqual(
          kernel.taken,
          changes.filter(change => change.commands.startsWith('add')).map(change => change.commands),
        );
      },
    ),
  );
});

test('a change that needs an earlier one is not blamed, unless the earlier one is refused', () => {
  const kernel = new RecordingKernel();
  const commands = ['add 1', 'needs 1', 'bad 2', 'needs 2', 'add 3'];
  const outcome = applyChunked(
    kernel,
    commands.map(text => ({ commands: text, provenance: text })),
  );
  assert.deepEqual(
    outcome.refused.map(one => one.provenance),
    ['bad 2', 'needs 2'],
  );
  assert.match(outcome.refused[0]?.error.message ?? '', /refused in "bad 2"/);
});

test('the rest of a transaction is applied in one step', () => {
  const kernel = new RecordingKernel();
  const changes = Array.from({ length: 100 }, (_, index) => ({
    commands: index === 40 ? 'bad 40' : `add ${index}`,
    provenance: index,
  }));
  applyChunked(kernel, changes);
  assert.equal(kernel.transactions.length, 1);
  assert.ok(kernel.checks < 20, `one fault among 100 is found with ${kernel.checks} dry runs`);
});

test('chunks stay below their size, keep the order, and a longer change is alone', () => {
  const changes = ['aaaa', 'bb', 'cccccccccccc', 'd', 'e'].map(commands => ({
    commands,
    provenance: commands,
  }));
  const texts = chunksOf(changes, 8).map(chunk => chunk.map(change => change.commands));
  assert.deepEqual(texts, [['aaaa', 'bb'], ['cccccccccccc'], ['d', 'e']]);
  assert.deepEqual(chunksOf([], 8), []);
});

test('the words and the refused line are found in the library’s and in the program’s messages', () => {
  const ofLibrary =
    'Error: Could not process rule: No such file or directory\nadd rule inet t c accept\n              ^\n';
  const words = 'Could not process rule: No such file or directory';
  assert.deepEqual(firstRefusal(ofLibrary), { words, command: 'add rule inet t c accept' });
  assert.deepEqual(firstRefusal(`/dev/stdin:3:1-5: ${ofLibrary}`), {
    words,
    command: 'add rule inet t c accept',
  });
  assert.equal(firstRefusal('').words, 'no reason is given');
});

test('a long line is cut around what is refused', () => {
  const line = `add element inet t s { ${'1.1.1.1, '.repeat(500)}bad, ${'1.1.1.1, '.repeat(500)} }`;
  const { command } = firstRefusal(`Error: syntax error\n${line}\n${' '.repeat(line.indexOf('bad'))}^^^\n`);
  assert.ok(command !== undefined && command.length < 210);
  assert.match(command, /^…[ 1.,]+bad, [ 1.,]+…$/);
});
