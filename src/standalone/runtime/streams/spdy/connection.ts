import type { Duplex } from 'node:stream';
import {
  FrameError,
  FrameReader,
  dataFrames,
  pingFrame,
  replyFrame,
  resetFrame,
  type Frame,
} from './frames.ts';
import { HeaderCodec, type Headers } from './headers.ts';

/** A client may have so many streams at a time; kubectl needs two for each connection that it forwards. */
const MOST_STREAMS = 1000;
const HIGH_WATER = 256 << 10;

/** One stream that the client has opened. */
export class SpdyStream {
  readonly id: number;
  readonly headers: Headers;
  readonly #connection: SpdyConnection;
  #ended = false;
  onData: ((bytes: Buffer) => void) | undefined;
  /** The client sends no more. */
  onEnd: (() => void) | undefined;
  /** The client has reset it, or the whole connection is gone. */
  onGone: (() => void) | undefined;

  constructor(connection: SpdyConnection, id: number, headers: Headers) {
    this.#connection = connection;
    this.id = id;
    this.headers = headers;
  }

  /** False: wait for the connection to drain. */
  write(bytes: Buffer): boolean {
    if (this.#ended || bytes.length === 0) return true;
    return this.#connection.send(dataFrames(this.id, bytes, false));
  }

  /** Sends no more; the client may still do. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#connection.send(dataFrames(this.id, Buffer.alloc(0), true));
  }

  reset(): void {
    this.#ended = true;
    this.#connection.send([resetFrame(this.id, 3)]);
    this.#connection.forget(this.id);
  }
}

/** The server's end of a SPDY/3.1 connection over any byte stream. Flow control is the byte stream's own. */
export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #codec = new HeaderCodec();
  readonly #reader = new FrameReader();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #opened: (stream: SpdyStream) => void;
  #closed = false;
  #gate: PromiseWithResolvers<void> | undefined;

  /** Starts reading at once; `opened` gets every stream, to which handlers are attached before it returns. */
  constructor(socket: Duplex, opened: (stream: SpdyStream) => void) {
    this.#socket = socket;
    this.#opened = opened;
    socket.once('close', () => this.close());
    socket.on('error', () => this.close());
    void this.#run();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  onClose(handler: () => void): void {
    if (this.#closed) handler();
    else this.#socket.once('close', handler);
  }

  send(frames: Iterable<Buffer>): boolean {
    if (this.#closed) return true;
    let isFree = true;
    for (const frame of frames) isFree = this.#socket.write(frame);
    return isFree || this.#socket.writableLength < HIGH_WATER;
  }

  async drained(): Promise<void> {
    if (this.#closed || !this.#socket.writableNeedDrain) return;
    await new Promise<void>(resolve => {
      const done = () => {
        this.#socket.off('drain', done).off('close', done);
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
  }

  /** Nothing more is taken from the client, until `resume`. */
  pause(): void {
    this.#gate ??= Promise.withResolvers<void>();
  }

  resume(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  forget(stream: number): void {
    this.#streams.delete(stream);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.resume();
    this.#socket.destroy();
    this.#codec.close();
    for (const stream of this.#streams.values()) stream.onGone?.();
    this.#streams.clear();
  }

  /** Frames are worked off one after the other: headers are compressed in their order. */
  async #run(): Promise<void> {
    try {
      for await (const bytes of this.#socket) {
        for (const frame of this.#reader.read(bytes as Buffer)) {
          await this.#gate?.promise;
          await this.#take(frame);
        }
      }
    } catch {
      // A client that breaks the protocol, or off: either way there is nobody left to tell.
    }
    this.close();
  }

  async #take(frame: Frame): Promise<void> {
    switch (frame.kind) {
      case 'open': {
        const headers = await this.#codec.decode(frame.block);
        if (this.#streams.has(frame.stream)) throw new FrameError('a stream is opened twice');
        if (this.#streams.size >= MOST_STREAMS) {
          this.send([resetFrame(frame.stream, 3)]);
          return;
        }
        const stream = new SpdyStream(this, frame.stream, headers);
        this.#streams.set(frame.stream, stream);
        this.send([replyFrame(frame.stream, await this.#codec.encodeNone())]);
        this.#opened(stream);
        if (frame.last) stream.onEnd?.();
        return;
      }
      case 'data': {
        const stream = this.#streams.get(frame.stream);
        if (frame.bytes.length > 0) stream?.onData?.(frame.bytes);
        if (frame.last) stream?.onEnd?.();
        return;
      }
      case 'reset': {
        const stream = this.#streams.get(frame.stream);
        this.#streams.delete(frame.stream);
        stream?.onGone?.();
        return;
      }
      case 'ping':
        if (frame.id % 2 === 1) this.send([pingFrame(frame.id)]); // the client's own are odd
        return;
      case 'leave':
      case 'other':
        return;
      default:
        frame satisfies never;
    }
  }
}
