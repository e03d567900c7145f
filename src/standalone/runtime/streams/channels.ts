import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { ExecResult } from '../container/exec.ts';

/** remotecommand's channels over WebSocket: the first byte of a message says which stream it is of. */
const STDIN = 0;
const STATUS = 3;
const RESIZE = 4;
const CLOSE = 255;
export const STDOUT = 1;
export const STDERR = 2;

const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;
type Protocol = (typeof PROTOCOLS)[number];

/** A client that does not read is waited for: above this much unsent, the program's output is not read any more. */
const HIGH_WATER = 256 << 10;
const LARGEST_MESSAGE = 1 << 20;

/** A session of exec or attach with one client. */
export interface Channels {
  onInput(handler: (bytes: Buffer) => void): void;
  /** The client closed standard input (v5's close signal). */
  onInputEnd(handler: () => void): void;
  onResize(handler: (rows: number, columns: number) => void): void;
  onClose(handler: () => void): void;
  /** Nothing is read from the client before `resumeInput` is called for the first time: handlers come first. */
  pauseInput(): void;
  resumeInput(): void;
  /** Copies a stream to the client, no faster than the client takes it. Resolves at its end. */
  copy(stream: Readable, channel: number): Promise<void>;
  /** False: wait for `drained`. */
  send(channel: number, bytes: Buffer): boolean;
  drained(): Promise<void>;
  /** Says how it ended, and closes. */
  finish(result: ExecResult): Promise<void>;
}

/** Accepts the upgrade, if the client speaks one of the protocols; undefined when it was refused. */
export async function acceptChannels(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<Channels | undefined> {
  const { WebSocketServer } = await import('ws');
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(each => each.trim());
  const protocol = PROTOCOLS.find(each => offered.includes(each));
  if (protocol === undefined) return undefined;
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: () => protocol,
    maxPayload: LARGEST_MESSAGE,
    perMessageDeflate: false,
  });
  return new Promise(resolve => {
    server.handleUpgrade(request, socket, head, client => resolve(new WebSocketChannels(client, protocol)));
  });
}

class WebSocketChannels implements Channels {
  readonly #protocol: Protocol;
  readonly #client: WebSocket;
  #input: ((bytes: Buffer) => void) | undefined;
  #inputEnd: (() => void) | undefined;
  #resize: ((rows: number, columns: number) => void) | undefined;

  constructor(client: WebSocket, protocol: Protocol) {
    this.#protocol = protocol;
    this.#client = client;
    client.pause();
    client.on('message', data => this.#receive(data));
    client.on('error', () => client.terminate());
  }

  onInput(handler: (bytes: Buffer) => void): void {
    this.#input = handler;
  }

  onInputEnd(handler: () => void): void {
    this.#inputEnd = handler;
  }

  onResize(handler: (rows: number, columns: number) => void): void {
    this.#resize = handler;
  }

  onClose(handler: () => void): void {
    this.#client.once('close', handler);
  }

  pauseInput(): void {
    this.#client.pause();
  }

  resumeInput(): void {
    this.#client.resume();
  }

  async copy(stream: Readable, channel: number): Promise<void> {
    try {
      for await (const bytes of stream) {
        if (!this.send(channel, bytes as Buffer)) await this.drained();
        if (this.#client.readyState !== this.#client.OPEN) return;
      }
    } catch {
      // The stream was cut off with its process; the result says how that went.
    }
  }

  send(channel: number, bytes: Buffer): boolean {
    if (this.#client.readyState !== this.#client.OPEN) return true;
    this.#client.send(Buffer.concat([Buffer.of(channel), bytes]), { binary: true });
    return this.#client.bufferedAmount < HIGH_WATER;
  }

  async drained(): Promise<void> {
    const client = this.#client;
    while (client.readyState === client.OPEN && client.bufferedAmount >= HIGH_WATER / 2) {
      await new Promise<void>(resolve => setTimeout(resolve, 5));
    }
  }

  async finish(result: ExecResult): Promise<void> {
    this.send(STATUS, Buffer.from(JSON.stringify(statusOf(result))));
    const client = this.#client;
    const closed = new Promise<void>(resolve => client.once('close', () => resolve()));
    if (client.readyState === client.CLOSED) return;
    client.close(1000);
    const timer = setTimeout(() => client.terminate(), 5000);
    await closed;
    clearTimeout(timer);
  }

  #receive(data: RawData): void {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
    const [channel] = bytes;
    const body = bytes.subarray(1);
    if (channel === STDIN) this.#input?.(body);
    else if (channel === RESIZE) this.#receiveSize(body);
    else if (channel === CLOSE && body[0] === STDIN && this.#protocol === 'v5.channel.k8s.io')
      this.#inputEnd?.();
  }

  #receiveSize(body: Buffer): void {
    const size = sizeOf(body.toString('utf8'));
    if (size !== undefined) this.#resize?.(size.rows, size.columns);
  }
}

/** `{"Width":80,"Height":24}`; anything else is no size. */
export function sizeOf(text: string): { readonly rows: number; readonly columns: number } | undefined {
  let size: { readonly Width?: unknown; readonly Height?: unknown } | null;
  try {
    size = JSON.parse(text) as typeof size;
  } catch {
    return undefined;
  }
  const { Width: columns, Height: rows } = size ?? {};
  return typeof rows === 'number' && typeof columns === 'number' ? { rows, columns } : undefined;
}

/** What the status channel carries: client-go reads the exit code from the cause. */
export function statusOf(result: ExecResult): Readonly<Record<string, unknown>> {
  if (result.kind === 'exited' && result.code === 0) return { metadata: {}, status: 'Success' };
  if (result.kind === 'failed') {
    return { metadata: {}, status: 'Failure', reason: 'InternalError', message: result.message, code: 500 };
  }
  const code = result.kind === 'exited' ? result.code : 128 + result.signal;
  return {
    metadata: {},
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

/** Writes what a client sends to a program, and does not read on before the program took it. */
export function pipeInput(channels: Channels, input: Writable): void {
  channels.onInput(bytes => {
    if (input.writable && !input.write(bytes)) channels.pauseInput();
  });
  input.on('drain', () => channels.resumeInput());
  input.once('close', () => channels.resumeInput());
  channels.onInputEnd(() => input.end());
}
