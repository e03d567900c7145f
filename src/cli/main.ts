import { CommanderError } from 'commander';
import { describeError, FairleadError } from '../base/errors.ts';
import { calledAs, withCommandsAs } from './called-as.ts';
import { commands } from './commands.ts';
import { explainSystemError } from './explain-system-error.ts';

/** The top of the command line: prints what went wrong, and decides the exit code: 0 done, 1 failed, 2 wrong usage. */
async function main(words: readonly string[]): Promise<number> {
  const called = calledAs(process.env);
  const program = commands(called);
  if (words.length === 0) {
    program.outputHelp();
    return 0;
  }
  try {
    await program.parseAsync(words, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it
    const lines = describeError(explainSystemError(error));
    process.stderr.write(withCommandsAs(called, lines.map(line => `${line}\n`).join('')));
    // An error about an option or an argument is a mistake in the call, not a failure of the work.
    return error instanceof FairleadError && /^(-|[A-Z]+$)/.test(error.field ?? '') ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
