import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';

export interface ProcessTop {
  readonly log: Log;
  /** Aborted by SIGTERM or SIGINT: end what was started and return. */
  readonly stop: AbortSignal;
}

/**
 * The top of a process: the one place that logs what nobody handled, and the one way in which it ends. `main` returns
 * when the process has done its work (exit code 0) or throws (exit code 1); whatever escapes it anywhere else, as an
 * uncaught exception or an unhandled rejection, ends the process too: what runs it starts it again in a known state.
 */
export function runWithLog(log: Log, main: (top: ProcessTop) => Promise<void>): void {
  const stop = new AbortController();
  const fatal = (error: unknown) => {
    log.error(
      { error: describeError(error), stack: error instanceof Error ? error.stack : undefined },
      'the process ends',
    );
    process.exit(1);
  };
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', fatal);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => stop.abort(new Error(`ended by ${signal}`)));
  }
  main({ log, stop: stop.signal }).then(() => process.exit(0), fatal);
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
}
