import type { Log } from './log.ts';
import { LogOutput } from './log-output.ts';

const levels = { debug: 20, info: 30, warn: 40, error: 50 } as const;

/** The lines of `createLog` without its library, for a program that has to be small and to run from a few files. */
export function createLineLog(scope: string, output: LogOutput = new LogOutput(1)): Log {
  const line = (level: keyof typeof levels) => (fields: object, msg: string) => {
    const time = new Date().toISOString();
    output.write(`${JSON.stringify({ level: levels[level], time, scope, ...fields, msg })}\n`);
  };
  return {
    debug: () => undefined,
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    scope: name => createLineLog(`${scope}/${name}`, output),
  };
}
