import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Duplex, Readable, Writable } from 'node:stream';
import { encodeExecPlan, type ExecRequest } from './plan.ts';

export type ExecResult =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: number }
  /** The program could not be started. */
  | { readonly kind: 'failed'; readonly message: string };

/** A process that was added to a running container. */
export interface ExecProcess {
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  /** Undefined with a terminal: it has one output. */
  readonly stderr: Readable | undefined;
  readonly result: Promise<ExecResult>;
  resize(rows: number, columns: number): void;
  kill(): void;
}

export interface ExecOptions extends ExecRequest {
  readonly launcher: string;
  /** The plan that the container was started with. */
  readonly planFile: string;
  readonly stdin: boolean;
}

/** A launcher that is stuck is killed itself after this long: then only its own child ends with it. */
const KILL_PATIENCE = 2000;

/** Starts a process in the namespaces and the control group of a container. Never throws for what the program does. */
export async function execInContainer(options: ExecOptions): Promise<ExecProcess> {
  const plan = encodeExecPlan(await readFile(options.planFile), options);
  const child = spawn(options.launcher, ['exec'], {
    stdio: [options.stdin ? 'pipe' : 'ignore', 'pipe', options.tty ? 'ignore' : 'pipe', 'pipe'],
    cwd: '/',
    env: {},
  });
  const control = child.stdio[3] as Duplex;
  const header = Buffer.alloc(4);
  header.writeUInt32LE(plan.length);
  control.on('error', () => undefined); // its end is seen as the end of the process
  child.stdin?.on('error', () => undefined); // a program need not read its input
  control.write(Buffer.concat([header, plan]));
  const kill = () => {
    control.destroy(); // the launcher kills the process with its whole group, and ends
    setTimeout(() => child.kill('SIGKILL'), KILL_PATIENCE).unref();
  };
  return {
    stdin: child.stdin ?? undefined,
    stdout: child.stdout as Readable,
    stderr: child.stderr ?? undefined,
    result: resultOf(child, control),
    resize: (rows, columns) => {
      const size = Buffer.alloc(4);
      size.writeUInt16LE(clamp(rows), 0);
      size.writeUInt16LE(clamp(columns), 2);
      if (control.writable) control.write(size);
    },
    kill,
  };
}

/** Its answer is complete when the process has ended and its end of the socket is closed, in whichever order. */
function resultOf(child: ReturnType<typeof spawn>, control: Duplex): Promise<ExecResult> {
  let answer = '';
  control.setEncoding('utf8').on('data', (text: string) => (answer = (answer + text).slice(0, 4096)));
  const closed = new Promise<void>(resolve => control.once('close', () => resolve()));
  return new Promise(resolve => {
    child.once('error', error => {
      control.destroy();
      resolve({ kind: 'failed', message: error.message });
    });
    child.once('exit', () => {
      control.end();
      void closed.then(() => resolve(parseAnswer(answer)));
    });
  });
}

function parseAnswer(answer: string): ExecResult {
  const line = answer.trim();
  const [, word, number] = /^(exit|signal) (\d+)$/.exec(line) ?? [];
  if (word === 'exit') return { kind: 'exited', code: Number(number) };
  if (word === 'signal') return { kind: 'signalled', signal: Number(number) };
  return { kind: 'failed', message: line === '' ? 'the process was ended from outside' : line };
}

function clamp(size: number): number {
  return Math.max(0, Math.min(0xffff, Math.trunc(size)));
}
