import type { Reader } from '../reading-socket.ts';
import type { FieldSection } from './field-section.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { code, ConnectionError, firstWindow, flag, frame, largestWindow, preface } from './frames.ts';
import { HeaderDecoder } from './header-decoder.ts';
import type { Http2Options } from './options.ts';
import { Outflow } from './outflow.ts';
import { Patience } from './patience.ts';
import { ownSettings, PeerSettings } from './peer-settings.ts';
import { Http2Stream } from './stream.ts';

/** What waits for a socket whose other side reads nothing, in octets, when it asks for yet more. */
const mostUnread = 1024 * 1024;
/** See `Patience`. */
const cost = { control: 1, settings: 5, reset: 5, refused: 5, nothing: 1 } as const;
const gain = { frame: 2, stream: 5 } as const;
/** A stream that lived this long was not opened for its reset, in milliseconds. */
const rapid = 1000;

/**
 * A connection of HTTP/2 (RFC 9113), as server or client: windows, settings, the life of streams. What messages mean is
 * their owners' affair. Nobody is offered a push, and priorities are read over.
 */
export class Http2Connection implements Reader, FrameSink {
  readonly streamWindow: number;
  readonly peer = new PeerSettings();
  readonly streams = new Map<number, Http2Stream>();
  readonly #options: Http2Options;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #outflow: Outflow;
  readonly #decoder = new HeaderDecoder();
  readonly #patience: Patience;
  /** With clients that have streams opened and ended: octets of a body, however few, do not buy more of that. */
  readonly #resetPatience: Patience;
  readonly #goesOn = () => !this.#isOver;
  #lastRemote = 0;
  #nextLocal = 1;
  #receiveWindow: number;
  #consumed = 0;
  #hasSettings = false;
  /** Of the DATA that is being read. */
  #dataStream: Http2Stream | undefined;
  #dataLeft = 0;
  #isDataLast = false;
  #isLeaving = false;
  #isOver = false;

  constructor(options: Http2Options) {
    const { isServer, socket, share, connectionWindow } = options;
    this.#options = options;
    this.streamWindow = options.streamWindow;
    this.#receiveWindow = connectionWindow;
    this.#patience = new Patience(share.now);
    this.#resetPatience = isServer ? new Patience(share.now) : this.#patience;
    this.#reader = new FrameReader(isServer, this);
    this.#writer = new FrameWriter(socket, share.blocks);
    if (!isServer) this.#writer.bytes(preface);
    this.#writer.text(frame.settings, 0, 0, ownSettings(options));
    this.#writer.numbers(frame.windowUpdate, 0, 0, connectionWindow - firstWindow);
    this.#outflow = new Outflow(this.#writer, share, () => this.#patience.gain(gain.frame));
    socket.on('drain', () => this.#pump());
  }

  /** How many frames came, and whether a further one has begun. */
  get progress(): { readonly frames: number; readonly isMidFrame: boolean } {
    return this.#reader;
  }

  read(bytes: Buffer, length: number): void {
    try {
      this.#reader.read(bytes, length, this.#goesOn);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.fail(error.code, error.message);
    }
  }

  /** Says that it will leave (RFC 9113 section 6.8): streams that are on their way are still taken. */
  warn(): void {
    if (!this.#isOver) this.#writer.numbers(frame.goAway, 0, 0, largestWindow, code.none);
  }

  /** Takes no more streams; those that are there end on their own, and then the connection. */
  leave(): void {
    if (this.#isLeaving || this.#isOver) return;
    this.#isLeaving = true;
    this.#writer.numbers(frame.goAway, 0, 0, this.#lastRemote, code.none);
    if (this.streams.size === 0) this.end();
  }

  /** All is said. */
  end(): void {
    if (this.#isOver) return;
    if (!this.#isLeaving) this.#writer.numbers(frame.goAway, 0, 0, this.#lastRemote, code.none);
    this.#writer.flush();
    this.#close(undefined);
  }

  /** The socket is gone. */
  lost(problem: string | undefined): void {
    if (!this.#isOver) this.#close(problem);
  }

  fail(errorCode: number, sentence: string): void {
    if (this.#isOver) return;
    this.#writer.numbers(frame.goAway, 0, 0, this.#lastRemote, errorCode);
    this.#writer.flush();
    this.#close(sentence);
  }

  /** Ends streams whose receiver has taken nothing for `patience` milliseconds. */
  sweep(now: number, patience: number): void {
    for (const stream of this.#outflow.stuck(now, patience)) this.#lose(stream, code.cancel);
  }

  // What streams ask for

  /** For a client; undefined where no stream can be had any more. */
  open(): Http2Stream | undefined {
    if (this.#isOver || this.#isLeaving || this.#nextLocal > largestWindow) return undefined;
    const stream = this.#add(this.#nextLocal);
    this.#nextLocal += 2;
    // There are no more numbers (RFC 9113 section 5.1.1).
    if (this.#nextLocal > largestWindow) this.#options.leaving?.();
    return stream;
  }

  sendHead(stream: Http2Stream, block: string, isLast: boolean): void {
    if (!this.#isOpen(stream)) return;
    this.#outflow.head(stream, block, isLast);
    if (!isLast) return;
    stream.isLocalDone = true;
    this.#endIfDone(stream);
  }

  /** Writes what the windows and the socket let go; returns where it stopped. */
  sendData(stream: Http2Stream, bytes: Buffer, start: number, end: number): number {
    return this.#isOpen(stream) ? this.#outflow.data(stream, bytes, start, end) : end;
  }

  sendEnd(stream: Http2Stream, trailers: string): void {
    if (!this.#isOpen(stream)) return;
    this.#outflow.end(stream, trailers);
    this.#endIfDone(stream);
  }

  /** So many octets more wait on a stream. */
  blocked(stream: Http2Stream, octets: number): void {
    this.#outflow.block(stream, octets);
  }

  /** Ends a stream early; its owner is not told. */
  resetStream(stream: Http2Stream, errorCode: number): void {
    if (!this.#isOpen(stream)) return;
    this.#writer.numbers(frame.reset, 0, stream.id, errorCode);
    this.#remove(stream);
  }

  /** Octets that found their place, for the connection's window. */
  consumed(octets: number): void {
    this.#consumed += octets;
    if (this.#isOver || this.#consumed * 2 < this.#options.connectionWindow) return;
    this.#receiveWindow += this.#consumed;
    this.#writer.numbers(frame.windowUpdate, 0, 0, this.#consumed);
    this.#consumed = 0;
  }

  /** The other side may send so many octets more on a stream. */
  grant(stream: Http2Stream, octets: number): void {
    if (!this.#isOpen(stream)) return;
    stream.receiveWindow += octets;
    this.#writer.numbers(frame.windowUpdate, 0, stream.id, octets);
  }

  // What frames say

  dataHead(id: number, length: number, payload: number, isLast: boolean): void {
    const stream = this.#streamOf(id);
    this.#dataStream = undefined;
    this.#receiveWindow -= length;
    if (this.#receiveWindow < 0)
      throw new ConnectionError(code.flowControl, 'more data than the connection has room for');
    if (payload > 0) this.#patience.gain(gain.frame);
    else if (!isLast) this.#spend(cost.nothing);
    const refused = stream === undefined ? code.streamClosed : judgeData(stream, length, payload);
    if (stream === undefined || refused !== code.none) {
      this.consumed(length);
      if (stream === undefined) this.#spend(cost.nothing);
      else this.#refuse(stream, refused);
      return;
    }
    this.#dataStream = stream;
    this.#dataLeft = payload;
    this.#isDataLast = isLast;
    if (length > payload) stream.consumed(length - payload);
  }

  data(bytes: Buffer, start: number, end: number): void {
    const stream = this.#dataStream;
    if (stream === undefined) return;
    this.#dataLeft -= end - start;
    if (stream.bodyLeft >= 0) stream.bodyLeft -= end - start;
    if (stream.owner === undefined) stream.consumed(end - start);
    else stream.owner.streamData(bytes, start, end);
  }

  dataEnd(): void {
    const stream = this.#dataStream;
    this.#dataStream = undefined;
    if (stream === undefined) return;
    if (this.#isDataLast) this.#remoteDone(stream, undefined);
  }

  /** Whatever becomes of its stream, the decoder's table follows it. */
  headerBlock(id: number, bytes: Buffer, start: number, end: number, isLast: boolean): void {
    const { section } = this.#options.share;
    section.begin();
    if (!this.#decoder.decode(bytes, start, end, entry => section.add(entry)))
      throw new ConnectionError(code.compression, 'a header block cannot be decoded');
    section.finish();
    const stream = this.streams.get(id);
    if (stream !== undefined) this.#streamSection(stream, section, isLast);
    else if (this.#options.isServer && id % 2 === 1 && id > this.#lastRemote)
      this.#openRemote(id, section, isLast);
    else if (this.#isKnown(id)) this.#spend(cost.nothing);
    else throw new ConnectionError(code.protocol, 'HEADERS on a stream that nobody opened');
  }

  reset(id: number, errorCode: number): void {
    const stream = this.#streamOf(id);
    const isRapid = stream !== undefined && this.#options.share.now - stream.openedAt < rapid;
    if (isRapid) this.#spend(cost.reset, this.#resetPatience);
    else this.#spend(cost.control);
    if (stream === undefined) return;
    this.#remove(stream);
    stream.owner?.streamLost(errorCode === code.refused);
  }

  settings(bytes: Buffer, start: number, end: number): void {
    this.#spend(this.#hasSettings ? cost.settings : 0);
    this.#hasSettings = true;
    const before = this.peer.window;
    this.peer.read(bytes, start, end);
    const more = this.peer.window - before;
    for (const stream of more === 0 ? [] : this.streams.values()) {
      stream.sendWindow += more;
      if (stream.sendWindow > largestWindow)
        throw new ConnectionError(code.flowControl, 'a window is too large');
    }
    this.#writer.numbers(frame.settings, flag.ack, 0);
    if (more > 0) this.#pump();
  }

  ping(payload: string): void {
    this.#spend(cost.control);
    this.#writer.text(frame.ping, flag.ack, 0, payload);
  }

  goAway(lastStream: number): void {
    this.#isLeaving = true;
    const after = this.#options.isServer ? [] : [...this.streams.values()];
    for (const stream of after) {
      if (stream.id <= lastStream || !this.#isOpen(stream)) continue;
      this.#remove(stream);
      stream.owner?.streamLost(true);
    }
    this.#options.leaving?.();
    if (this.streams.size === 0) this.end();
  }

  windowUpdate(id: number, more: number): void {
    this.#spend(cost.control);
    if (id === 0) {
      if (more === 0) throw new ConnectionError(code.protocol, 'a WINDOW_UPDATE of nothing');
      this.#outflow.widen(more);
      this.#pump();
      return;
    }
    const stream = this.#streamOf(id);
    if (stream === undefined) return;
    stream.sendWindow += more;
    if (more === 0 || stream.sendWindow > largestWindow)
      this.#refuse(stream, more === 0 ? code.protocol : code.flowControl);
    else this.#outflow.pumpStream(stream);
  }

  other(): void {
    this.#spend(cost.control);
  }

  // The life of streams

  #isOpen(stream: Http2Stream): boolean {
    return !this.#isOver && this.streams.get(stream.id) === stream;
  }

  /** Undefined for one that is over. */
  #streamOf(id: number): Http2Stream | undefined {
    if (!this.#isKnown(id)) throw new ConnectionError(code.protocol, 'a frame on an idle stream');
    return this.streams.get(id);
  }

  #isKnown(id: number): boolean {
    return id % 2 === 1 && (this.#options.isServer ? id <= this.#lastRemote : id < this.#nextLocal);
  }

  #add(id: number): Http2Stream {
    const stream = new Http2Stream(id, this, this.peer.window, this.streamWindow);
    stream.openedAt = this.#options.share.now;
    this.streams.set(id, stream);
    if (this.streams.size === 1) this.#options.idleChanged(false);
    return stream;
  }

  #openRemote(id: number, section: FieldSection, isLast: boolean): void {
    this.#lastRemote = id;
    // Heads wait for no window: who asks on and reads nothing would have them gathered here.
    this.#checkUnread();
    if (this.#isLeaving || this.streams.size >= this.#options.streams) {
      this.#spend(cost.refused, this.#resetPatience);
      this.#writer.numbers(frame.reset, 0, id, code.refused);
      return;
    }
    const stream = this.#add(id);
    stream.hasHead = true;
    stream.isRemoteDone = isLast;
    this.#options.opened?.(stream, section, isLast);
    this.#endIfDone(stream);
  }

  #streamSection(stream: Http2Stream, section: FieldSection, isLast: boolean): void {
    if (stream.isRemoteDone) this.#refuse(stream, code.streamClosed);
    else if (!stream.hasHead) {
      stream.isRemoteDone = isLast;
      stream.owner?.streamHead(section, isLast);
      // 1xx, of which there may be some, but not without end: no window holds them back.
      if (!stream.hasHead && this.#isOpen(stream)) this.#spend(cost.control);
      this.#endIfDone(stream);
    } else if (isLast && section.isTrailers) this.#remoteDone(stream, section);
    else this.#refuse(stream, code.protocol);
  }

  #remoteDone(stream: Http2Stream, section: FieldSection | undefined): void {
    if (stream.bodyLeft > 0) {
      this.#refuse(stream, code.protocol);
      return;
    }
    stream.isRemoteDone = true;
    stream.owner?.streamEnd(section);
    this.#endIfDone(stream);
  }

  /** The other side broke a rule of this stream. */
  #refuse(stream: Http2Stream, errorCode: number): void {
    this.#spend(cost.refused, this.#resetPatience);
    this.#lose(stream, errorCode);
  }

  #lose(stream: Http2Stream, errorCode: number): void {
    this.resetStream(stream, errorCode);
    stream.owner?.streamLost(false);
  }

  #endIfDone(stream: Http2Stream): void {
    if (!stream.isRemoteDone || !stream.isLocalDone || stream.isBlocked || !this.#isOpen(stream)) return;
    this.#patience.gain(gain.stream);
    if (this.#resetPatience !== this.#patience) this.#resetPatience.gain(gain.stream);
    this.#remove(stream);
  }

  #remove(stream: Http2Stream): void {
    this.streams.delete(stream.id);
    this.#options.removed?.(stream.id);
    this.#outflow.forget(stream);
    if (this.#dataStream === stream) {
      this.consumed(this.#dataLeft);
      this.#dataStream = undefined;
    }
    if (this.streams.size > 0 || this.#isOver) return;
    if (this.#isLeaving) this.end();
    else this.#options.idleChanged(true);
  }

  /** The windows or the socket take more again. */
  #pump(): void {
    if (!this.#isOver) this.#outflow.pump();
  }

  #spend(amount: number, patience = this.#patience): void {
    if (!patience.spend(amount, this.#options.share.now))
      throw new ConnectionError(code.calm, 'too much of what leads to nothing');
    this.#checkUnread();
  }

  #checkUnread(): void {
    if (this.#options.socket.writableLength > mostUnread)
      throw new ConnectionError(code.calm, 'nothing of what was asked for is read');
  }

  #close(problem: string | undefined): void {
    this.#isOver = true;
    for (const stream of this.streams.values()) {
      this.#remove(stream);
      stream.owner?.streamLost(false);
    }
    this.#options.closed(problem);
  }
}

/** The code of an error, or none. */
function judgeData(stream: Http2Stream, length: number, payload: number): number {
  if (stream.isRemoteDone) return code.streamClosed;
  stream.receiveWindow -= length;
  if (stream.receiveWindow < 0) return code.flowControl;
  return !stream.hasHead || (stream.bodyLeft >= 0 && payload > stream.bodyLeft) ? code.protocol : code.none;
}
