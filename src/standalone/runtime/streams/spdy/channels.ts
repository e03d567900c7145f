import type { Readable } from 'node:stream';
import type { Duplex } from 'node:stream';
import type { ExecResult } from '../../container/exec.ts';
import { STDERR, STDOUT, sizeOf, statusOf, type Channels } from '../channels.ts';
import { SpdyConnection, type SpdyStream } from './connection.ts';

/** How long a client may take to open the streams that it has announced. */
const STREAMS_WITHIN = 30_000;
/** Bytes of input that wait for the command to start. */
const MOST_WAITING = 1 << 20;

/** A session of exec or attach over SPDY: a stream for each of error, stdin, stdout, stderr and resize. */
export class SpdyChannels implements Channels {
  readonly #connection: SpdyConnection;
  readonly #streams = new Map<string, SpdyStream>();
  readonly #complete = Promise.withResolvers<boolean>();
  readonly #wanted: readonly string[];
  #input: ((bytes: Buffer) => void) | undefined;
  #inputEnd: (() => void) | undefined;
  #resize: ((rows: number, columns: number) => void) | undefined;
  #sizes = '';
  readonly #early: Buffer[] = [];
  #waiting = 0;
  #hasInputEnded = false;

  private constructor(socket: Duplex, wanted: readonly string[]) {
    this.#wanted = wanted;
    this.#connection = new SpdyConnection(socket, stream => this.#opened(stream));
    this.#connection.onClose(() => this.#complete.resolve(false));
  }

  /** Resolves once the client has opened its streams; undefined when it does not. */
  static async open(
    socket: Duplex,
    query: {
      readonly stdin: boolean;
      readonly stdout: boolean;
      readonly stderr: boolean;
      readonly tty: boolean;
    },
  ): Promise<Channels | undefined> {
    const wanted = [
      'error',
      ...(query.stdin ? ['stdin'] : []),
      ...(query.stdout ? ['stdout'] : []),
      ...(query.stderr && !query.tty ? ['stderr'] : []),
    ];
    const channels = new SpdyChannels(socket, wanted);
    const timer = setTimeout(() => channels.#complete.resolve(false), STREAMS_WITHIN);
    const isComplete = await channels.#complete.promise;
    clearTimeout(timer);
    if (isComplete) return channels;
    channels.#connection.close();
    return undefined;
  }

  onInput(handler: (bytes: Buffer) => void): void {
    this.#input = handler;
    for (const bytes of this.#early.splice(0)) handler(bytes);
  }

  onInputEnd(handler: () => void): void {
    this.#inputEnd = handler;
    if (this.#hasInputEnded) handler();
  }

  onResize(handler: (rows: number, columns: number) => void): void {
    this.#resize = handler;
  }

  onClose(handler: () => void): void {
    this.#connection.onClose(handler);
  }

  pauseInput(): void {
    this.#connection.pause();
  }

  resumeInput(): void {
    this.#connection.resume();
  }

  async copy(stream: Readable, channel: number): Promise<void> {
    try {
      for await (const bytes of stream) {
        if (!this.send(channel, bytes as Buffer)) await this.drained();
        if (this.#connection.isClosed) return;
      }
    } catch {
      // The stream was cut off with its process; the result says how that went.
    }
  }

  send(channel: number, bytes: Buffer): boolean {
    const name = channel === STDOUT ? 'stdout' : channel === STDERR ? 'stderr' : 'error';
    return this.#streams.get(name)?.write(bytes) ?? true;
  }

  drained(): Promise<void> {
    return this.#connection.drained();
  }

  async finish(result: ExecResult): Promise<void> {
    this.#streams.get('error')?.write(Buffer.from(JSON.stringify(statusOf(result))));
    for (const stream of this.#streams.values()) stream.end();
    // The client closes when it has read all; one that does not is not waited for.
    const closed = Promise.withResolvers<void>();
    this.#connection.onClose(closed.resolve);
    const timer = setTimeout(() => this.#connection.close(), 5000);
    await closed.promise;
    clearTimeout(timer);
  }

  #opened(stream: SpdyStream): void {
    const name = stream.headers.get('streamtype') ?? '';
    this.#streams.set(name, stream);
    if (name === 'stdin' && this.#wanted.includes(name)) {
      stream.onData = bytes => this.#receiveInput(bytes);
      stream.onEnd = () => {
        this.#hasInputEnded = true;
        this.#inputEnd?.();
      };
    } else if (name === 'resize') {
      stream.onData = bytes => this.#receiveSizes(bytes);
    }
    if (this.#wanted.every(each => this.#streams.has(each))) this.#complete.resolve(true);
  }

  /** What comes before the command has started waits for it, and from some size on in the client. */
  #receiveInput(bytes: Buffer): void {
    if (this.#input !== undefined) {
      this.#input(bytes);
      return;
    }
    this.#early.push(bytes);
    this.#waiting += bytes.length;
    if (this.#waiting > MOST_WAITING) this.pauseInput();
  }

  /** `{"Width":80,"Height":24}`, one after the other, cut anywhere. */
  #receiveSizes(bytes: Buffer): void {
    this.#sizes = (this.#sizes + bytes.toString('utf8')).slice(-4096);
    for (let end = this.#sizes.indexOf('}'); end >= 0; end = this.#sizes.indexOf('}')) {
      const size = sizeOf(this.#sizes.slice(0, end + 1));
      this.#sizes = this.#sizes.slice(end + 1);
      if (size !== undefined) this.#resize?.(size.rows, size.columns);
    }
  }
}
