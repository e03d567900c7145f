import { pino } from 'pino';
import { LogOutput } from './log-output.ts';

/** Structured logging; the scope is a folder's name, so that a log line leads to its code. */
export interface Log {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
  scope(name: string): Log;
}

/** JSON lines on standard output, one object a line; `level` is pino's. A slow reader does not hold up the process. */
export function createLog(scope: string, level = 'info'): Log {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  return wrap(pino(options, new LogOutput(1)), scope);
}

/** For tests and for pure callers: keeps nothing. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  scope: () => silentLog,
};

/** A child of the root, not of the parent's logger: bindings add up, and a line would carry both scopes. */
function wrap(root: import('pino').Logger, scope: string): Log {
  const logger = root.child({ scope });
  return {
    debug: (fields, sentence) => logger.debug(fields, sentence),
    info: (fields, sentence) => logger.info(fields, sentence),
    warn: (fields, sentence) => logger.warn(fields, sentence),
    error: (fields, sentence) => logger.error(fields, sentence),
    scope: name => wrap(root, `${scope}/${name}`),
  };
}
