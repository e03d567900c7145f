import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { unpackDebian } from '../../bench/harness/debian.ts';
import type { ModelRequest } from '../../src/insight/migrate/ingress/model/index.ts';

/** What came of a request: an answer of nginx's own, or what the backend saw. */
export interface Seen {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** What the backend was sent. */
  readonly sent?: { readonly target: string; readonly headers: ReadonlyMap<string, string> };
}

/** Why there is nothing to compare with; undefined where there is. */
export function whyNoNginx(): string | undefined {
  try {
    unpackDebian(['nginx'], () => {});
    return undefined;
  } catch (error) {
    return `reference data absent: Debian's nginx cannot be fetched (${String(error).slice(0, 200)})`;
  }
}

/** Debian's nginx on unix sockets, before a backend that says what it was asked. */
export class NginxRig {
  readonly #directory: string;
  readonly #nginx: ChildProcess;
  readonly #backend: Server;

  private constructor(directory: string, nginx: ChildProcess, backend: Server) {
    this.#directory = directory;
    this.#nginx = nginx;
    this.#backend = backend;
  }

  static async start(write: (directory: string) => string): Promise<NginxRig> {
    const nginx = unpackDebian(['nginx'], () => {});
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-nginx-'));
    writeFileSync(join(directory, 'nginx.conf'), write(directory));
    const backend = createServer(answerAsBackend).listen(join(directory, 'pods.sock'));
    await once(backend, 'listening');
    const child = spawn(
      join(nginx.root, 'usr/sbin/nginx'),
      ['-p', directory, '-e', join(directory, 'error.log'), '-c', join(directory, 'nginx.conf')],
      { env: nginx.environment, stdio: 'ignore' },
    );
    const rig = new NginxRig(directory, child, backend);
    try {
      await rig.#untilReady();
    } catch (error) {
      await rig.stop();
      throw error;
    }
    return rig;
  }

  async #untilReady(): Promise<void> {
    const deadline = performance.now() + 20_000;
    while (performance.now() < deadline) {
      if (this.#nginx.exitCode !== null)
        throw new Error(
          `nginx refuses the configuration: ${readFileSync(join(this.#directory, 'error.log'), 'utf8')}`,
        );
      const socket = connect(join(this.#directory, 'nginx.sock'));
      const isUp = await new Promise<boolean>(resolve => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      });
      socket.destroy();
      if (isUp) return;
      await wait(20); // between two looks
    }
    throw new Error('nginx did not listen within 20 s');
  }

  /** Sends the request as it is, octet for octet. */
  ask(request: ModelRequest): Promise<Seen> {
    return askRaw(connect(join(this.#directory, 'nginx.sock')), request);
  }

  async stop(): Promise<void> {
    this.#backend.close();
    if (this.#nginx.exitCode === null) {
      this.#nginx.kill('SIGKILL');
      await once(this.#nginx, 'exit');
    }
    rmSync(this.#directory, { recursive: true });
  }
}

/** One request on a connection of its own; the backend has to be `answerAsBackend`. */
export async function askRaw(
  socket: Socket,
  { bodyLength, client, headers, host, method, target }: ModelRequest,
): Promise<Seen> {
  const fields = { host, 'x-test-client': client, connection: 'close', ...headers };
  const length = bodyLength > 0 ? `content-length: ${bodyLength}\r\n` : '';
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${target} HTTP/1.1\r\n${lines.join('')}${length}\r\n`, 'latin1');
  if (bodyLength > 0) socket.write(Buffer.alloc(bodyLength));
  const parts: Buffer[] = [];
  socket.on('data', part => parts.push(part)).on('error', () => {}); // a body that nobody reads to its end
  socket.setTimeout(20_000, () => socket.destroy());
  await new Promise(resolve => void socket.once('close', resolve));
  return readAnswer(Buffer.concat(parts).toString('latin1'));
}

/** One request a connection: its head comes back as the body. */
export function answerAsBackend(socket: Socket): void {
  let head = '';
  socket.on('error', () => {}); // nginx may give up
  socket.on('data', part => {
    if (head.includes('\r\n\r\n')) return;
    head += part.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    const body = head.slice(0, end);
    const status = /^x-upstream: default\r?$/im.test(body) ? '404 Not Found' : '200 OK';
    socket.end(
      `HTTP/1.1 ${status}\r\nx-backend: yes\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      'latin1',
    );
  });
}

function readAnswer(text: string): Seen {
  const end = text.indexOf('\r\n\r\n');
  const { first, headers } = readHead(text.slice(0, end));
  const status = Number(first.split(' ')[1]);
  if (!headers.has('x-backend')) return { status, headers };
  const sent = readHead(text.slice(end + 4));
  const target = sent.first.slice(sent.first.indexOf(' ') + 1, sent.first.lastIndexOf(' '));
  return { status, headers, sent: { target, headers: sent.headers } };
}

function readHead(text: string): { readonly first: string; readonly headers: ReadonlyMap<string, string> } {
  const [first = '', ...lines] = text.split('\r\n');
  return {
    first,
    headers: new Map(
      lines.map(line => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
    ),
  };
}
