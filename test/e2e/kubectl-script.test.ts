import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster, type TestCluster, withoutKubectl } from './cluster.ts';
import { masked, readScript, type Step, writeScript } from './kubectl-script/script.ts';
import { wordsOf } from './kubectl-script/words.ts';

/** Recorded with kubectl 1.32; `RECORD=1` writes what is seen now in its place, to be read before it is kept. */
const file = new URL('kubectl-script/kubectl.txt', import.meta.url);
const skip = withoutKubectl;
const longestMilliseconds = 30_000;
let cluster: TestCluster;

before(async () => {
  cluster = await startCluster('e2e-script', '--nodes', '2');
});
after(() => cluster[Symbol.asyncDispose]());

test(
  'an unmodified kubectl says for each of its verbs what it said when it was recorded',
  { skip },
  async () => {
    const text = readFileSync(file, 'utf8');
    const records = process.env['RECORD'] === '1';
    const seen: string[] = [];
    for (const step of readScript(text)) {
      const found = await outcomeOf(step, records);
      seen.push(found);
      if (!records) assert.equal(found, step.expected, `$ ${step.command}`);
    }
    if (records) writeFileSync(file, writeScript(text, seen));
  },
);

async function outcomeOf(step: Step, records: boolean): Promise<string> {
  if (step.isRepeated && records) await sleep(3000);
  const deadline = Date.now() + longestMilliseconds;
  for (;;) {
    const found = await run(step);
    if (!step.isRepeated || records || found === step.expected || Date.now() > deadline) return found;
    await sleep(100);
  }
}

async function run({ command, input }: Step): Promise<string> {
  const [program, ...words] = wordsOf(command);
  assert.equal(program, 'kubectl', command);
  const { code, stdout, stderr } = await cluster.kubectlOutcome(words, { input });
  return masked(`${stdout}${stderr}${code === 0 ? '' : `\n[exit ${code ?? 'by a signal'}]`}`);
}
