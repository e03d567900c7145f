import { once } from 'node:events';
import { resolve } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { addToCgroup } from '../../src/kernel/cgroup/index.ts';
import { spawnIn } from '../../src/kernel/ns/index.ts';
import { listening } from './sink.ts';
import type { ConnectAnswer, ConnectRequest } from './connect.ts';

/** A process in a network namespace, and where it is given in a pod's control group, that connects when it is told to. */
export class Client implements Disposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(namespace: string, cgroup?: string) {
    const program = resolve(import.meta.dirname, 'connect.ts');
    this.#child = spawnIn(namespace, process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#child.stdout === null) throw new Error('the client has no output');
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    if (cgroup !== undefined && this.#child.pid !== undefined) addToCgroup(cgroup, this.#child.pid);
  }

  async connect(request: ConnectRequest): Promise<ConnectAnswer> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error('the client ended');
    return JSON.parse(value) as ConnectAnswer;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}

/** A UDP client that goes on asking; who answers is told when it is another than before. */
export class Talker implements Disposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(namespace: string, cgroup: string, host: string, port: number) {
    const program = resolve(import.meta.dirname, 'talk.ts');
    // It waits for its input: by then it is in the control group.
    const script = `read ready; exec "$0" "$@"`;
    this.#child = spawnIn(
      namespace,
      '/bin/sh',
      ['-c', script, process.execPath, program, host, String(port)],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    if (this.#child.stdout === null) throw new Error('the client has no output');
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    if (this.#child.pid !== undefined) addToCgroup(cgroup, this.#child.pid);
    this.#child.stdin?.write('\n');
  }

  /** The next answerer that is not the one before: its port. */
  async next(): Promise<number> {
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error('the client ended');
    return Number(value);
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}

/** Takes connections at these ports in a network namespace. */
export async function startSink(namespace: string, ports: readonly number[]): Promise<ChildProcess> {
  const program = resolve(import.meta.dirname, 'sink.ts');
  const child = spawnIn(namespace, process.execPath, [program, ...ports.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  while (child.stdout !== null && said.split(listening).length <= ports.length)
    said += String((await once(child.stdout, 'data'))[0]);
  return child;
}
