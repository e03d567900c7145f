import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { connect } from 'node:tls';
import { clientOptions, encodeMessage, LONGEST_ANSWER, MessageReader } from '../../src/gateway/channel.ts';
import type { MessageFromProxy, MessageToProxy } from '../../src/gateway/channel.ts';
import { eventually } from './gateway-client.ts';
import { freePort } from './gateway-worker.ts';

const program = resolve(import.meta.dirname, '../../src/entry/proxy.ts');
const gateway = 'test/gateway';

export interface ProxyStatus {
  readonly ready: boolean;
  readonly revision: number;
  readonly ports: readonly number[];
  readonly workers: readonly { readonly pid: number; readonly ready: boolean; readonly restarts: number }[];
}

/** A whole proxy: supervisor and workers, as they run in a pod. */
export class ProxyProcess {
  readonly #directory = mkdtempSync(join(tmpdir(), 'fairlead-proxy-'));
  readonly #workers: number;
  readonly #key = randomBytes(32);
  #control = 0;
  #health = 0;
  #child: ChildProcess | undefined;
  output = '';

  static async start(context: TestContext, workers: number): Promise<ProxyProcess> {
    const proxy = new ProxyProcess(workers);
    context.after(() => proxy.remove());
    proxy.#control = await freePort();
    proxy.#health = await freePort();
    await proxy.run();
    return proxy;
  }

  private constructor(workers: number) {
    this.#workers = workers;
    writeFileSync(join(this.#directory, 'key'), this.#key);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async run(): Promise<void> {
    const child = spawn(
      process.execPath,
      [
        program,
        `--gateway=${gateway}`,
        `--key=${join(this.#directory, 'key')}`,
        `--state=${this.#directory}`,
        `--workers=${this.#workers}`,
        `--control-port=${this.#control}`,
        `--health-port=${this.#health}`,
        '--grace-seconds=5',
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    await eventually(async () => (await this.status()) !== undefined, 'the health port answers');
  }

  /** Resolves with the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = new Promise<number | null>(done => child.once('exit', done));
    child.kill(signal);
    return ended;
  }

  async remove(): Promise<void> {
    await this.stop('SIGTERM');
    rmSync(this.#directory, { recursive: true });
  }

  async status(): Promise<ProxyStatus | undefined> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#health}/status`);
      return (await answer.json()) as ProxyStatus;
    } catch {
      return undefined; // not yet, or not any more
    }
  }

  /** What a log's reader does that has stopped, or goes on. */
  readLog(isRead: boolean): void {
    if (isRead) this.#child?.stdout?.resume();
    else this.#child?.stdout?.pause();
  }

  async readiness(): Promise<number> {
    return (await fetch(`http://127.0.0.1:${this.#health}/ready`)).status;
  }

  /** The values of all series whose line begins so, in their order. */
  async metric(start: string): Promise<readonly number[]> {
    const answer = await fetch(`http://127.0.0.1:${this.#health}/metrics`);
    const lines = (await answer.text()).split('\n').filter(line => line.startsWith(start));
    return lines.map(line => Number(line.slice(line.lastIndexOf(' '))));
  }

  /** Sends one message as the agent does; resolves with the answer. */
  tell(message: MessageToProxy, key: Buffer = this.#key): Promise<MessageFromProxy> {
    return new Promise((done, failed) => {
      const socket = connect({ host: '127.0.0.1', port: this.#control, ...clientOptions(gateway, key) });
      const reader = new MessageReader<MessageFromProxy>(LONGEST_ANSWER);
      socket.on('error', failed);
      socket.on('close', () => failed(new Error('the control connection was closed')));
      socket.on('data', chunk => {
        for (const answer of reader.push(chunk)) {
          done(answer);
          socket.destroy();
        }
      });
      socket.write(encodeMessage(message));
    });
  }
}
