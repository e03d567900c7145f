/**
 * A pod's program, for tests of what its sockets do: reads a line of JSON for each question and answers with one. It is
 * started in a network namespace, and moved to a control group before it is asked anything.
 */
import { createSocket } from 'node:dgram';
import type { Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ChildProcess } from 'node:child_process';
import type { TestContext } from 'node:test';
import { addToCgroup } from '../../src/kernel/cgroup/index.ts';
import { spawnIn } from '../../src/kernel/ns/index.ts';

/** What became of a connection or of a datagram. */
export interface SocketAnswer {
  /** What the server said. */
  readonly said?: string;
  /** Whom the socket believes to speak to: the peer, or whence the datagram came. */
  readonly peer?: string;
  readonly local?: string;
  /** The error's code, or `unanswered`. */
  readonly failed?: string;
}

export type SocketQuestion = {
  readonly host: string;
  readonly port: number;
  readonly milliseconds?: number;
  /** A name keeps the socket open, and is used again. */
  readonly keep?: string;
  /** Bound to before: a pod with several addresses. */
  readonly local?: string;
} & (
  | { readonly do: 'tcp' }
  /** `connected`: by connect(2) and send(2), else by sendto(2). `v6`: by a socket of IPv6, also to IPv4-mapped addresses. */
  | {
      readonly do: 'udp';
      readonly connected?: boolean;
      readonly v6?: boolean;
      /** A kept socket that is connected leaves its peer first. */
      readonly leave?: boolean;
    }
  /** Connected UDP sockets that were answered once; each that fails is made anew and asks again, until it is answered. */
  | { readonly do: 'crowd'; readonly count: number }
  /** What became of the crowd: `said` is JSON of CrowdReport. Answers once `count` sockets have come back. */
  | { readonly do: 'crowd-back'; readonly count: number }
);

export interface CrowdReport {
  /** By error code. */
  readonly errors: Readonly<Record<string, number>>;
  /** By endpoint, of those that came back. */
  readonly live: Readonly<Record<string, number>>;
  /** From the error to the answer. */
  readonly slowestMilliseconds: number;
}

const entry = fileURLToPath(import.meta.url);

/** Kept sockets that failed while nobody waited. */
const ended = new WeakMap<DatagramSocket, string>();

/** The test's side of the program. */
export class SocketClient {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<SocketAnswer>>();
  readonly #ended: Promise<unknown>;
  #next = 1;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error('the client has no output');
    createInterface({ input: child.stdout }).on('line', line => {
      const { id, answer } = JSON.parse(line) as { id: number; answer: SocketAnswer };
      this.#waiting.get(id)?.resolve(answer);
      this.#waiting.delete(id);
    });
    // Nobody is answered after that; an error while writing to it says the same.
    child.stdin?.on('error', () => undefined);
    this.#ended = once(child, 'exit').then(([code, signal]) => {
      for (const [id, { reject }] of this.#waiting)
        reject(new Error(`the client ended by ${signal ?? code} before it answered question ${id}`));
      this.#waiting.clear();
    });
  }

  static async start(context: TestContext, namespace: string, cgroup?: string): Promise<SocketClient> {
    const child = spawnIn(namespace, process.execPath, [entry], { stdio: ['pipe', 'pipe', 'inherit'] });
    const client = new SocketClient(child);
    context.after(() => client.end());
    if (cgroup !== undefined && child.pid !== undefined) addToCgroup(cgroup, child.pid);
    return client;
  }

  /** Ends the program, and with it its sockets. */
  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  ask(question: SocketQuestion): Promise<SocketAnswer> {
    const id = this.#next++;
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null)
      return Promise.reject(new Error(`the client ended by ${signalCode ?? exitCode} before question ${id}`));
    const answered = Promise.withResolvers<SocketAnswer>();
    this.#waiting.set(id, answered);
    this.#child.stdin?.write(`${JSON.stringify({ id, question })}\n`);
    return answered.promise;
  }
}

class Crowd {
  readonly #errors: Record<string, number> = {};
  readonly #live: Record<string, number> = {};
  #slowest = 0;
  #back = 0;
  #told: (() => void) | undefined;

  async gather({ count, host, port }: SocketQuestion & { readonly count: number }): Promise<SocketAnswer> {
    const first: Record<string, number> = {};
    for (let index = 0; index < count; index++) {
      const endpoint = await this.#join(host, port);
      first[endpoint] = (first[endpoint] ?? 0) + 1;
    }
    return { said: JSON.stringify(first) };
  }

  /** Of those that have come back until the deadline, however few. */
  async report(count: number, milliseconds = 20_000): Promise<SocketAnswer> {
    const deadline = setTimeout(() => this.#told?.(), milliseconds);
    const last = performance.now() + milliseconds;
    while (this.#back < count && performance.now() < last) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#told = resolve;
      await promise;
    }
    clearTimeout(deadline);
    const report: CrowdReport = {
      errors: this.#errors,
      live: this.#live,
      slowestMilliseconds: this.#slowest,
    };
    return { said: JSON.stringify(report) };
  }

  async #joinAgain(host: string, port: number, failedAt: number): Promise<string> {
    const endpoint = await this.#join(host, port);
    this.#live[endpoint] = (this.#live[endpoint] ?? 0) + 1;
    this.#slowest = Math.max(this.#slowest, performance.now() - failedAt);
    this.#back++;
    this.#told?.();
    return endpoint;
  }

  /** The endpoint that answers. A socket that fails, before or after, is counted and made anew. */
  #join(host: string, port: number): Promise<string> {
    const answered = Promise.withResolvers<string>();
    const socket = createSocket('udp4');
    let asking: NodeJS.Timeout | undefined;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? '';
      this.#errors[code] = (this.#errors[code] ?? 0) + 1;
      const failedAt = performance.now();
      clearInterval(asking);
      socket.close();
      // Where nobody has been answered yet, whoever waits goes on to wait for the next one.
      answered.resolve(this.#joinAgain(host, port, failedAt));
    });
    socket.once('message', data => {
      clearInterval(asking);
      answered.resolve(data.toString());
    });
    socket.once('connect', () => {
      // A thousand questions at once are more than the server's queue takes: each is asked until it is answered.
      asking = setInterval(() => socket.send('hello'), 100);
      socket.send('hello');
    });
    socket.connect(port, host);
    return answered.promise;
  }
}

if (process.argv[1] === entry) {
  const tcp = new Map<string, Socket>();
  const udp = new Map<string, DatagramSocket>();
  const crowd = new Crowd();
  const answerTo = (question: SocketQuestion): Promise<SocketAnswer> => {
    switch (question.do) {
      case 'tcp':
        return askTcp(tcp, question);
      case 'udp':
        return askUdp(udp, question);
      case 'crowd':
        return crowd.gather(question);
      case 'crowd-back':
        return crowd.report(question.count);
    }
  };
  createInterface({ input: process.stdin }).on('line', line => {
    const { id, question } = JSON.parse(line) as { id: number; question: SocketQuestion };
    void answerTo(question)
      .catch((error: NodeJS.ErrnoException): SocketAnswer => ({ failed: error.code ?? error.message }))
      .then(answer => process.stdout.write(`${JSON.stringify({ id, answer })}\n`));
  });
}

const codeOf = (error: unknown): string => {
  const { code, name } = error as { code?: unknown; name?: string };
  return name === 'AbortError' || typeof code !== 'string' ? 'unanswered' : code;
};

async function askTcp(
  kept: Map<string, Socket>,
  { host, keep, local, milliseconds = 1000, port }: SocketQuestion,
): Promise<SocketAnswer> {
  const old = keep === undefined ? undefined : kept.get(keep);
  const socket = old ?? connect({ host, port, ...(local === undefined ? {} : { localAddress: local }) });
  if (keep !== undefined) kept.set(keep, socket);
  try {
    const answered = once(socket, 'data', { signal: AbortSignal.timeout(milliseconds) });
    if (old !== undefined) socket.write('again');
    const [data] = (await answered) as [Buffer];
    return {
      said: data.toString().trim(),
      peer: socket.remoteAddress ?? '',
      local: socket.localAddress ?? '',
    };
  } catch (error) {
    kept.delete(keep ?? '');
    socket.destroy();
    return { failed: codeOf(error) };
  } finally {
    if (keep === undefined) socket.resetAndDestroy();
  }
}

async function askUdp(
  kept: Map<string, DatagramSocket>,
  question: Extract<SocketQuestion, { do: 'udp' }>,
): Promise<SocketAnswer> {
  const {
    connected = false,
    host,
    keep,
    leave = false,
    local,
    milliseconds = 1000,
    port,
    v6 = host.includes(':'),
  } = question;
  const old = keep === undefined ? undefined : kept.get(keep);
  const socket = old ?? createSocket(v6 ? 'udp6' : 'udp4');
  if (keep !== undefined) kept.set(keep, socket);
  const early = ended.get(socket);
  if (early !== undefined) return { failed: early };
  // Told to whoever waits below, or to the next who asks.
  if (old === undefined)
    socket.on('error', (error: NodeJS.ErrnoException) => ended.set(socket, error.code ?? ''));
  try {
    const signal = AbortSignal.timeout(milliseconds);
    if (old === undefined && local !== undefined) socket.bind({ address: local });
    if (old !== undefined && leave) socket.disconnect();
    if ((old === undefined || leave) && connected) {
      socket.connect(port, host);
      await once(socket, 'connect', { signal });
    }
    const answered = once(socket, 'message', { signal });
    const told = (error: Error | null) => {
      if (error !== null) socket.emit('error', error);
    };
    if (connected) socket.send('hello', told);
    else socket.send('hello', port, host, told);
    const [data, from] = (await answered) as [Buffer, { address: string }];
    return { said: data.toString(), peer: connected ? socket.remoteAddress().address : from.address };
  } catch (error) {
    kept.delete(keep ?? '');
    socket.close();
    return { failed: codeOf(error) };
  } finally {
    if (keep === undefined && kept.size >= 0) closeQuietly(socket);
  }
}

function closeQuietly(socket: DatagramSocket): void {
  try {
    socket.close();
  } catch {
    // it failed, and was closed then
  }
}
