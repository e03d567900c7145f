import { code, ConnectionError, flag, frame, frameHeadBytes, preface } from './frames.ts';
import { HeldFrame } from './held-frame.ts';

/** Who is told of frames, in their order. Octets are valid during the call; each may throw a `ConnectionError`. */
export interface FrameSink {
  /** `length` octets of the frame count for windows, `payload` of them will be told of. */
  dataHead(stream: number, length: number, payload: number, isLast: boolean): void;
  data(bytes: Buffer, start: number, end: number): void;
  dataEnd(): void;
  /** A whole header block, coded. */
  headerBlock(stream: number, bytes: Buffer, start: number, end: number, isLast: boolean): void;
  reset(stream: number, errorCode: number): void;
  settings(bytes: Buffer, start: number, end: number): void;
  /** One that wants an answer, with its eight octets. */
  ping(payload: string): void;
  goAway(lastStream: number): void;
  windowUpdate(stream: number, more: number): void;
  /** What has no effect. */
  other(): void;
}

/** A header block in its frames, coded (CVE-2024-27316: one that does not end is not gathered for ever). */
const longestBlock = 64 * 1024;
const mostContinuations = 16;

const highBit = 0x7f_ff_ff_ff;

/** Reads frames (RFC 9113 sections 4 and 6), however they are cut, as far as each can be judged alone. */
export class FrameReader {
  /** Frames that came. */
  frames = 0;
  readonly #sink: FrameSink;
  readonly #held = new HeldFrame();
  #prefaceLeft: number;
  #hasSettings = false;
  #dataLeft = 0;
  #padding = 0;
  /** A header block that goes on in CONTINUATION frames. */
  #block: Buffer[] = [];
  #blockLength = 0;
  #blockStream = 0;
  #isBlockLast = false;

  constructor(isServer: boolean, sink: FrameSink) {
    this.#sink = sink;
    this.#prefaceLeft = isServer ? preface.length : 0;
  }

  /** The other side has begun something that it has not ended. */
  get isMidFrame(): boolean {
    return this.#prefaceLeft > 0 || this.#held.isPartial || this.#blockStream !== 0;
  }

  /** `goesOn` is asked before each frame. */
  read(bytes: Buffer, length: number, goesOn: () => boolean): void {
    let at = this.#prefaceLeft > 0 ? this.#readPreface(bytes, length) : 0;
    while (at < length && goesOn()) {
      if (this.#dataLeft + this.#padding > 0) {
        at = this.#readData(bytes, at, length);
        continue;
      }
      const whole = this.#held.take(bytes, at, length);
      at = this.#held.next;
      if (whole !== undefined) this.#frame(whole, this.#held.start);
    }
  }

  #readPreface(bytes: Buffer, end: number): number {
    const from = preface.length - this.#prefaceLeft;
    const count = Math.min(this.#prefaceLeft, end);
    if (preface.compare(bytes, 0, count, from, from + count) !== 0)
      throw new ConnectionError(code.protocol, 'the preface of the connection is none');
    this.#prefaceLeft -= count;
    return count;
  }

  /** A whole frame, but of DATA its head alone, with the length of its padding where it has one. */
  #frame(bytes: Buffer, start: number): void {
    this.frames++;
    const length = bytes.readUIntBE(start, 3);
    const type = bytes[start + 3] ?? 0;
    const flags = bytes[start + 4] ?? 0;
    const stream = bytes.readUInt32BE(start + 5) & highBit;
    const from = start + frameHeadBytes;
    if (this.#blockStream !== 0 && (type !== frame.continuation || stream !== this.#blockStream))
      throw new ConnectionError(code.protocol, 'a header block is interrupted');
    if (!this.#hasSettings && type !== frame.settings)
      throw new ConnectionError(code.protocol, 'the first frame is not SETTINGS');
    switch (type) {
      case frame.data:
        this.#readDataHead(bytes, from, length, flags, stream);
        return;
      case frame.headers:
        this.#readHeaders(bytes, from, length, flags, stream);
        return;
      case frame.continuation:
        this.#readContinuation(bytes, from, length, flags);
        return;
      case frame.reset:
        checkSize(length === 4);
        this.#sink.reset(stream, bytes.readUInt32BE(from));
        return;
      case frame.settings:
        this.#readSettings(bytes, from, length, flags, stream);
        return;
      case frame.ping:
        checkSize(length === 8);
        checkStream(stream === 0);
        if ((flags & flag.ack) === 0) this.#sink.ping(bytes.toString('latin1', from, from + 8));
        return;
      case frame.goAway:
        checkSize(length >= 8);
        checkStream(stream === 0);
        this.#sink.goAway(bytes.readUInt32BE(from) & highBit);
        return;
      case frame.windowUpdate:
        checkSize(length === 4);
        this.#sink.windowUpdate(stream, bytes.readUInt32BE(from) & highBit);
        return;
      case frame.pushPromise:
        throw new ConnectionError(code.protocol, 'a push that nobody allowed');
      case frame.priority:
        checkSize(length === 5);
        checkStream(stream !== 0);
        this.#sink.other();
        return;
      default:
        this.#sink.other();
    }
  }

  #readDataHead(bytes: Buffer, from: number, length: number, flags: number, stream: number): void {
    checkStream(stream !== 0);
    const isPadded = (flags & flag.padded) !== 0;
    const padding = isPadded ? (bytes[from] ?? 0) : 0;
    if (isPadded && padding >= length) throw new ConnectionError(code.protocol, 'more padding than payload');
    this.#padding = padding;
    this.#dataLeft = length - padding - Number(isPadded);
    this.#sink.dataHead(stream, length, this.#dataLeft, (flags & flag.endStream) !== 0);
    if (this.#dataLeft + padding === 0) this.#sink.dataEnd();
  }

  #readData(bytes: Buffer, start: number, end: number): number {
    const stop = start + Math.min(this.#dataLeft, end - start);
    const skipped = Math.min(this.#padding, end - stop);
    this.#dataLeft -= stop - start;
    this.#padding -= skipped;
    if (stop > start) this.#sink.data(bytes, start, stop);
    if (this.#dataLeft + this.#padding === 0) this.#sink.dataEnd();
    return stop + skipped;
  }

  #readHeaders(bytes: Buffer, start: number, length: number, flags: number, stream: number): void {
    let from = start;
    let end = start + length;
    if ((flags & flag.padded) !== 0) {
      end -= bytes[from] ?? 0;
      from++;
    }
    if ((flags & flag.priority) !== 0) from += 5;
    checkStream(stream !== 0);
    if (from > end) throw new ConnectionError(code.protocol, 'a HEADERS that is none');
    const isLast = (flags & flag.endStream) !== 0;
    if ((flags & flag.endHeaders) !== 0) {
      this.#sink.headerBlock(stream, bytes, from, end, isLast);
      return;
    }
    this.#blockStream = stream;
    this.#isBlockLast = isLast;
    this.#keepBlock(bytes, from, end);
  }

  #readContinuation(bytes: Buffer, from: number, length: number, flags: number): void {
    const stream = this.#blockStream;
    if (stream === 0) throw new ConnectionError(code.protocol, 'a CONTINUATION of nothing');
    this.#keepBlock(bytes, from, from + length);
    if ((flags & flag.endHeaders) === 0) return;
    const block = Buffer.concat(this.#block);
    this.#block = [];
    this.#blockLength = 0;
    this.#blockStream = 0;
    this.#sink.headerBlock(stream, block, 0, block.length, this.#isBlockLast);
  }

  #keepBlock(bytes: Buffer, from: number, end: number): void {
    this.#block.push(Buffer.from(bytes.subarray(from, end)));
    this.#blockLength += end - from;
    if (this.#blockLength > longestBlock || this.#block.length > mostContinuations)
      throw new ConnectionError(code.calm, 'a header block is too long');
  }

  #readSettings(bytes: Buffer, from: number, length: number, flags: number, stream: number): void {
    checkStream(stream === 0);
    const isAck = (flags & flag.ack) !== 0;
    checkSize(isAck ? length === 0 : length % 6 === 0);
    if (isAck && !this.#hasSettings) throw new ConnectionError(code.protocol, 'the first SETTINGS is none');
    this.#hasSettings = true;
    if (!isAck) this.#sink.settings(bytes, from, from + length);
  }
}

function checkSize(isRight: boolean): void {
  if (!isRight) throw new ConnectionError(code.frameSize, 'a frame has not the size of its type');
}

function checkStream(isRight: boolean): void {
  if (!isRight) throw new ConnectionError(code.protocol, 'a frame is on a stream that is not for its type');
}
