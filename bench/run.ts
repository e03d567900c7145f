/** npm run bench -- NAME [--quick] [--json]: measures one question; exits 1 when a bar does not hold. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench } from './harness/bench.ts';
import { machine } from './harness/machine.ts';
import { resultText } from './harness/print.ts';
import { type Bar, type BenchResult, barsOf } from './harness/result.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
const [name = ''] = positionals;
const file = join(import.meta.dirname, `${name}.ts`);
if (!/^[a-z-]+$/.test(name) || name === 'run' || !existsSync(file)) {
  const names = readdirSync(import.meta.dirname)
    .filter(entry => entry.endsWith('.ts') && entry !== 'run.ts')
    .map(entry => entry.slice(0, -'.ts'.length));
  process.stderr.write(
    `usage: npm run bench -- NAME [--quick] [--json]; NAME is one of ${names.join(', ')}\n`,
  );
  process.exit(2);
}

const { bench } = (await import(file)) as { readonly bench: Bench };
const bars = JSON.parse(readFileSync(join(import.meta.dirname, 'bars.json'), 'utf8')) as Readonly<
  Record<string, readonly Bar[]>
>;
const rows = await bench.run({
  quick: values.quick,
  say: text => void process.stderr.write(`bench: ${text}\n`),
});
const result: BenchResult = { bench: name, machine: machine(), rows, bars: barsOf(bars[name] ?? [], rows) };
process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : resultText(bench.question, result));
process.exitCode = result.bars.every(bar => bar.holds) ? 0 : 1;
