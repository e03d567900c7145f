/**
 * Runs the suites in order and counts. A suite is a set of files and how many may run at once: what needs root shares
 * one kernel and two cores. The last line is "N passed, N failed, N skipped"; a skip whose reason is not expected fails.
 */
import { globSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { run } from 'node:test';

const root = resolve(import.meta.dirname, '..');

interface Suite {
  readonly files: readonly string[];
  readonly concurrency: number;
  /** A test that hangs fails after this time; no test relies on it. */
  readonly timeoutMilliseconds: number;
}

const suites: Readonly<Record<string, Suite>> = {
  unit: {
    files: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
    concurrency: 2,
    timeoutMilliseconds: 60_000,
  },
  property: {
    files: ['test/property/**/*.test.ts', 'test/fuzz/**/*.test.ts'],
    concurrency: 2,
    timeoutMilliseconds: 180_000,
  },
  netns: { files: ['test/netns/**/*.test.ts'], concurrency: 1, timeoutMilliseconds: 180_000 },
  e2e: { files: ['test/e2e/**/*.test.ts'], concurrency: 1, timeoutMilliseconds: 300_000 },
  docs: { files: ['test/docs/**/*.test.ts'], concurrency: 1, timeoutMilliseconds: 600_000 },
};

/** The only reasons for which a test may be skipped. */
const expectedSkips = [/^kubectl is not on the PATH$/, /^reference data is absent: /];

/** What end-with-tests.ts says. */
const leftOpen = /^The tests are over, and this is still open:/;

const count = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];

const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !(name in suites));
if (unknown.length > 0) {
  console.error(`unknown suite ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}
for (const [name, suite] of Object.entries(suites)) {
  if (wanted.length === 0 || wanted.includes(name)) await runSuite(name, suite);
}
for (const failure of failures) console.error(failure);
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed === 0 ? 0 : 1;

async function runSuite(name: string, suite: Suite): Promise<void> {
  const files = suite.files
    .flatMap(pattern => globSync(pattern, { cwd: root }))
    .toSorted()
    .map(file => resolve(root, file));
  if (files.length === 0) return;
  const started = performance.now();
  const before = { ...count };
  const stream = run({
    files,
    concurrency: suite.concurrency,
    timeout: suite.timeoutMilliseconds,
    cwd: root,
    execArgv: ['--import', resolve(root, 'scripts/end-with-tests.ts')],
  });
  for await (const event of stream) {
    if (event.type === 'test:pass') pass(event.data);
    else if (event.type === 'test:fail') fail(event.data);
    else if (event.type === 'test:stderr' && leftOpen.test(event.data.message))
      failures.push(`${relative(root, event.data.file)}: ${event.data.message.trimEnd()}`);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `${name}: ${files.length} files, ${count.passed - before.passed} passed, ${count.failed - before.failed} failed in ${seconds} s`,
  );
}

interface Outcome {
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
  readonly skip?: string | boolean;
  readonly details: { readonly type?: string; readonly error?: Error; readonly duration_ms?: number };
}

function pass(outcome: Outcome): void {
  if (outcome.details.type === 'suite') return;
  if (outcome.skip === undefined || outcome.skip === false) {
    count.passed++;
    return;
  }
  const reason = String(outcome.skip);
  console.log(`skipped: ${placeOf(outcome)} ${outcome.name}: ${reason}`);
  if (expectedSkips.some(pattern => pattern.test(reason))) count.skipped++;
  else {
    count.failed++;
    failures.push(
      `FAILED ${placeOf(outcome)} ${outcome.name}\n  skipped for a reason that is not expected: ${reason}`,
    );
  }
}

function fail(outcome: Outcome): void {
  const cause = outcome.details.error?.cause;
  // A parent fails because its children did: the children are counted.
  if (!(cause instanceof Error) && /subtests? failed/.test(outcome.details.error?.message ?? '')) return;
  count.failed++;
  const text =
    cause instanceof Error
      ? (cause.stack ?? cause.message)
      : (outcome.details.error?.message ?? 'unknown failure');
  failures.push(
    `FAILED ${placeOf(outcome)} ${outcome.name}\n  ${text.split('\n').slice(0, 40).join('\n  ')}`,
  );
}

function placeOf(outcome: Outcome): string {
  return outcome.file === undefined
    ? ''
    : `${relative(root, outcome.file)}${outcome.line === undefined ? '' : `:${outcome.line}`}`;
}
