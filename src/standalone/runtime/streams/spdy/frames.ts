/** Frames of SPDY/3.1 (draft-mbelshe-httpbis-spdy-00, 2.2), as far as remote commands use them. */

export type Frame =
  | { readonly kind: 'data'; readonly stream: number; readonly bytes: Buffer; readonly last: boolean }
  /** `block`: compressed headers. */
  | { readonly kind: 'open'; readonly stream: number; readonly block: Buffer; readonly last: boolean }
  | { readonly kind: 'reset'; readonly stream: number }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'leave' }
  /** Settings, windows and the like: nothing that has to be answered. */
  | { readonly kind: 'other' };

const SYN_STREAM = 1;
const SYN_REPLY = 2;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const FIN = 1;
const HEADER = 8;
const LARGEST_FRAME = 1 << 20;
/** A frame carries at most 2^24 - 1 bytes; ours stay small, so that streams take turns. */
const LARGEST_DATA = 32 << 10;

export class FrameError extends Error {}

/** Cuts bytes into frames, whatever the pieces that they come in. Throws FrameError for what is no SPDY/3. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  *read(bytes: Buffer): Generator<Frame> {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= HEADER) {
      const length = this.#rest.readUInt32BE(4) & 0xff_ffff;
      if (length > LARGEST_FRAME) throw new FrameError(`a frame of ${length} bytes is too large`);
      if (this.#rest.length < HEADER + length) return;
      const head = this.#rest.subarray(0, HEADER);
      const body = this.#rest.subarray(HEADER, HEADER + length);
      this.#rest = this.#rest.subarray(HEADER + length);
      yield parseFrame(head, body);
    }
  }
}

function parseFrame(head: Buffer, body: Buffer): Frame {
  const first = head.readUInt32BE(0);
  const last = ((head[4] ?? 0) & FIN) !== 0;
  if (first >>> 31 === 0) return { kind: 'data', stream: first, bytes: body, last };
  const version = (first >>> 16) & 0x7fff;
  if (version !== 3) throw new FrameError(`SPDY version ${version} is not spoken here`);
  switch (first & 0xffff) {
    case SYN_STREAM:
      need(body, 10);
      return { kind: 'open', stream: body.readUInt32BE(0) & 0x7fff_ffff, block: body.subarray(10), last };
    case RST_STREAM:
      need(body, 8);
      return { kind: 'reset', stream: body.readUInt32BE(0) & 0x7fff_ffff };
    case PING:
      need(body, 4);
      return { kind: 'ping', id: body.readUInt32BE(0) };
    case GOAWAY:
      return { kind: 'leave' };
    default:
      return { kind: 'other' };
  }
}

function need(body: Buffer, length: number): void {
  if (body.length < length) throw new FrameError('a control frame is cut off');
}

export function* dataFrames(stream: number, bytes: Buffer, last: boolean): Generator<Buffer> {
  for (let at = 0; at < bytes.length || at === 0; at += LARGEST_DATA) {
    const part = bytes.subarray(at, at + LARGEST_DATA);
    const head = Buffer.alloc(HEADER);
    head.writeUInt32BE(stream & 0x7fff_ffff, 0);
    head.writeUInt32BE(part.length, 4);
    if (last && at + LARGEST_DATA >= bytes.length) head[4] = FIN;
    yield Buffer.concat([head, part]);
  }
}

/** The answer that a stream is taken; `block`: compressed headers. */
export function replyFrame(stream: number, block: Buffer): Buffer {
  return control(SYN_REPLY, Buffer.concat([number(stream), block]));
}

export function pingFrame(id: number): Buffer {
  return control(PING, number(id));
}

/** Status 1: a protocol error; 3: the stream is refused. */
export function resetFrame(stream: number, status: number): Buffer {
  return control(RST_STREAM, Buffer.concat([number(stream), number(status)]));
}

function control(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(HEADER);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
