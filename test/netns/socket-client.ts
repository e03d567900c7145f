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
  | { readonly do: 'udp'; readonly connected?: boolean; readonly v6?: boolean }
);

const entry = fileURLToPath(import.meta.url);

/** The test's side of the program. */
export class SocketClient {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: SocketAnswer) => void>();
  #next = 1;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error('the client has no output');
    createInterface({ input: child.stdout }).on('line', line => {
      const { id, answer } = JSON.parse(line) as { id: number; answer: SocketAnswer };
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
  }

  static async start(context: TestContext, namespace: string, cgroup?: string): Promise<SocketClient> {
    const child = spawnIn(namespace, process.execPath, [entry], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    context.after(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    const client = new SocketClient(child);
    if (cgroup !== undefined && child.pid !== undefined) addToCgroup(cgroup, child.pid);
    return client;
  }

  ask(question: SocketQuestion): Promise<SocketAnswer> {
    const id = this.#next++;
    return new Promise(resolve => {
      this.#waiting.set(id, resolve);
      this.#child.stdin?.write(`${JSON.stringify({ id, question })}\n`);
    });
  }
}

if (process.argv[1] === entry) {
  const tcp = new Map<string, Socket>();
  const udp = new Map<string, DatagramSocket>();
  createInterface({ input: process.stdin }).on('line', line => {
    const { id, question } = JSON.parse(line) as { id: number; question: SocketQuestion };
    const asked = question.do === 'tcp' ? askTcp(tcp, question) : askUdp(udp, question);
    void asked
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
    local,
    milliseconds = 1000,
    port,
    v6 = host.includes(':'),
  } = question;
  const old = keep === undefined ? undefined : kept.get(keep);
  const socket = old ?? createSocket(v6 ? 'udp6' : 'udp4');
  if (keep !== undefined) kept.set(keep, socket);
  socket.on('error', () => undefined); // told to whoever waits below
  try {
    const signal = AbortSignal.timeout(milliseconds);
    if (old === undefined) {
      if (local !== undefined) socket.bind({ address: local });
      if (connected) {
        socket.connect(port, host);
        await once(socket, 'connect', { signal });
      }
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
