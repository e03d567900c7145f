import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** A built-in program as a process of its own, on ports that the kernel chose. */
export interface RunningProgram extends AsyncDisposable {
  /** The port in the first line of its output that the expression finds. */
  port(line: RegExp): Promise<number>;
  /** Resolves once it has printed what the expression finds. */
  printed(line: RegExp): Promise<void>;
  /** What it has printed so far; all of it once it has ended. */
  output(): string;
  /** Its status once it has ended. */
  readonly ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** Ports that are not named in `environment` are 0: any free one. */
export function startProgram(
  name: 'echo' | 'agnhost' | 'coredns',
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): RunningProgram {
  const file = new URL(`../builtin/${name}.ts`, import.meta.url).pathname;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH ?? '',
      HTTP_PORT: '0',
      H2C_PORT: '0',
      HTTPS_PORT: '0',
      TCP_PORT: '0',
      TLS_PORT: '0',
      UDP_PORT: '0',
      ...environment,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  const find = async (line: RegExp): Promise<RegExpExecArray> => {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const found = line.exec(output);
      if (found !== null) return found;
      if (performance.now() > deadline || child.exitCode !== null)
        throw new Error(`the program should print ${String(line)}, but printed: ${output}`);
      await sleep(5);
    }
  };
  return {
    ended,
    output: () => output,
    kill: signal => void child.kill(signal),
    port: async line => Number((await find(line))[1]),
    printed: async line => void (await find(line)),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
