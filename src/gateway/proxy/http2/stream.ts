import type { FieldSection } from './field-section.ts';
import type { Http2Connection } from './connection.ts';

/** Who is told what comes on a stream. Octets and sections are valid during the call. */
export interface StreamOwner {
  /** For a client: 1xx, or the answer's head. */
  streamHead(section: FieldSection, isLast: boolean): void;
  streamData(bytes: Buffer, start: number, end: number): void;
  /** The other side has no more to say; `section` are trailers. */
  streamEnd(section: FieldSection | undefined): void;
  /** The other side, or the connection's end, has ended it; `isUnprocessed`: nobody has looked at the request. */
  streamLost(isUnprocessed: boolean): void;
  /** What was queued is on its way. */
  streamDrained(): void;
}

/** One stream, of either side: its windows, and what waits for them. */
export class Http2Stream {
  readonly id: number;
  owner: StreamOwner | undefined;
  readonly #connection: Http2Connection;
  sendWindow: number;
  receiveWindow: number;
  /** The other side has no more to say. */
  isRemoteDone = false;
  /** All of ours is written, or queued to be. */
  isLocalDone = false;
  /** A head has come; the next one has trailers. */
  hasHead = false;
  /** Octets of the body that are still to come as Content-Length has it; -1: it says nothing. */
  bodyLeft = -1;
  openedAt = 0;
  /** When something of the queue worth the name went out last, and octets that did since. */
  movedAt = 0;
  moved = 0;
  #queue: Buffer[] = [];
  #queued = 0;
  /** What follows the queue: an empty text for an end without trailers. */
  #trailers: string | undefined;
  #consumed = 0;

  constructor(id: number, connection: Http2Connection, sendWindow: number, receiveWindow: number) {
    this.id = id;
    this.#connection = connection;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Something waits for a window or the socket. */
  get isBlocked(): boolean {
    return this.#queued > 0 || this.#trailers !== undefined;
  }

  head(block: string, isLast: boolean): void {
    this.#connection.sendHead(this, block, isLast);
  }

  /** The octets are copied where they cannot go at once. */
  data(bytes: Buffer, start: number, end: number): void {
    const at = this.isBlocked ? start : this.#connection.sendData(this, bytes, start, end);
    if (at === end) return;
    this.#queue.push(Buffer.from(bytes.subarray(at, end)));
    this.#queued += end - at;
    this.#connection.blocked(this, end - at);
  }

  /** `trailers` is a header block, '' for none. */
  end(trailers: string): void {
    if (this.isLocalDone) return;
    this.isLocalDone = true;
    if (this.isBlocked) this.#trailers = trailers;
    else this.#connection.sendEnd(this, trailers);
  }

  reset(errorCode: number): void {
    this.#connection.resetStream(this, errorCode);
  }

  /** So many octets of what came have found their place: the other side may send as many more. */
  consumed(octets: number): void {
    this.#consumed += octets;
    this.#connection.consumed(octets);
    if (this.isRemoteDone || this.#consumed * 2 < this.#connection.streamWindow) return;
    this.#connection.grant(this, this.#consumed);
    this.#consumed = 0;
  }

  /** Writes what can go of the queue; true where nothing of it waits any more. */
  pump(): boolean {
    while (this.#queue.length > 0) {
      const piece = this.#queue[0] as Buffer; // not empty
      const at = this.#connection.sendData(this, piece, 0, piece.length);
      this.#queued -= at;
      if (at < piece.length) {
        if (at > 0) this.#queue[0] = piece.subarray(at);
        return false;
      }
      this.#queue.shift();
    }
    return true;
  }

  /** The queue is empty: what was to follow it goes out. */
  finish(): void {
    const trailers = this.#trailers;
    this.#trailers = undefined;
    if (trailers !== undefined) this.#connection.sendEnd(this, trailers);
  }

  forget(): void {
    this.#queue = [];
    this.#queued = 0;
    this.#trailers = undefined;
  }
}
