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
