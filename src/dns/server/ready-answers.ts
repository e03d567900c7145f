import type { Lane } from '../metrics.ts';
import type { NameKey } from '../wire/index.ts';

/** Octets that are reached four at a time, too: a copy or a comparison by words takes a quarter of the steps. */
export interface Octets {
  readonly bytes: Buffer;
  /** Of the same memory, from the same octet on. */
  readonly words: Int32Array;
}

/** What a kept answer is counted as. */
export interface ReadyQuestion {
  readonly lane: Lane;
  readonly key: NameKey;
  readonly type: number;
  readonly isDnssec: boolean;
  readonly rcode: number;
  /** Octets of the question's message, and of the answer's. */
  readonly asked: number;
  readonly answered: number;
}

/** The part of an answer that may begin anywhere. */
export interface Rotation {
  /** Where its first record begins, how long each is, and how many there are. */
  readonly start: number;
  readonly stride: number;
  readonly count: number;
}

const mostEntries = 4096;
const indexSize = 4 * mostEntries;
/** Octets of a question and of an answer; longer ones are made each time. Multiples of four. */
const longestQuestion = 128;
const longestAnswer = 256;
const questionWords = longestQuestion / 4;
const answerWords = longestAnswer / 4;
/** Where a place is another's, one in so many misses takes it: what is asked often gets one all the same. */
const keptWhenFull = 8;
/** Bits of the header's third octet that keep a message from being a plain question: QR and the operation. */
const notPlain = 0xf8;
const header = { recursionDesired: 0x01, checkingDisabled: 0x10 } as const;

/**
 * Whole messages that were answered before: who asks the same, octet for octet but for its id and flags, gets the same
 * octets back, without the question being read. It knows nothing of names: who fills it empties it when an answer may have changed.
 * Bounded in memory; what was kept longest goes first.
 *
 *   question ─▶ hash of all behind the flags ─▶ index ─▶ entry: question, answer ─▶ id, flags, order of addresses
 */
export class ReadyAnswers {
  readonly #onHits: (question: ReadyQuestion, times: number) => void;
  /** Numbers of entries, plus 1, at the hash of their questions or beside it. */
  readonly #index = new Uint16Array(indexSize);
  readonly #hashes = new Int32Array(mostEntries);
  readonly #questions = new Int32Array(mostEntries * questionWords);
  readonly #answers = new Int32Array(mostEntries * answerWords);
  readonly #answerBytes = new Uint8Array(this.#answers.buffer);
  readonly #lengths = new Uint16Array(mostEntries);
  readonly #sizes = new Uint16Array(mostEntries);
  readonly #rotations: (Rotation | undefined)[] = [];
  readonly #told: ReadyQuestion[] = [];
  /** Since it was last told of them. */
  readonly #hits = new Uint32Array(mostEntries);
  #next = 0;
  #misses = 0;
  /** Of the last look-up, for a `put` that follows it. */
  #hash = 0;

  /** `onHits` is told how often an answer was given, at the latest by `settle`. */
  constructor(onHits: (question: ReadyQuestion, times: number) => void) {
    this.#onHits = onHits;
  }

  /** Writes the answer into `out` and returns its length; 0 where it has none. `random` is in [0, 1). */
  answer(request: Octets, length: number, out: Octets, lane: Lane, random: () => number): number {
    const { bytes } = request;
    if (length > longestQuestion || length <= 12 || ((bytes[2] ?? 0) & notPlain) !== 0) {
      this.#hash = 0;
      return 0;
    }
    const words = (length + 3) >> 2;
    for (let at = length; at < words << 2; at++) bytes[at] = 0;
    const asked = request.words;
    let hash = length;
    for (let at = 1; at < words; at++) {
      hash = Math.imul(hash ^ (asked[at] ?? 0), 0x9e37_79b1);
      hash ^= hash >>> 15;
    }
    hash |= 1;
    this.#hash = hash;
    const slot = (hash >>> 4) & (indexSize - 1);
    const first = (this.#index[slot] ?? 0) - 1;
    if (first >= 0 && this.#isFor(first, hash, length, asked, words, lane))
      return this.#give(first, request, out, random);
    const second = (this.#index[slot ^ 1] ?? 0) - 1;
    if (second >= 0 && this.#isFor(second, hash, length, asked, words, lane))
      return this.#give(second, request, out, random);
    return 0;
  }

  /** Keeps the answer to the question that was just looked up in vain, if it is short enough. */
  put(request: Octets, answer: Octets, question: ReadyQuestion, rotation: Rotation | undefined): void {
    const { asked, answered } = question;
    if (this.#hash === 0 || answered > longestAnswer) return;
    const slot = this.#placeFor(this.#hash);
    const entry = this.#entryAt(slot);
    if (entry === undefined) return;
    this.#tell(entry);
    this.#index[slot] = entry + 1;
    this.#hashes[entry] = this.#hash;
    this.#lengths[entry] = asked;
    this.#sizes[entry] = answered;
    this.#rotations[entry] = rotation;
    this.#told[entry] = question;
    for (let at = 1; at < (asked + 3) >> 2; at++)
      this.#questions[entry * questionWords + at] = request.words[at] ?? 0;
    for (let at = 0; at < (answered + 3) >> 2; at++)
      this.#answers[entry * answerWords + at] = answer.words[at] ?? 0;
    // The client's own bits are written anew each time.
    const flags = entry * longestAnswer + 2;
    this.#answerBytes[flags] = (this.#answerBytes[flags] ?? 0) & ~header.recursionDesired;
    this.#answerBytes[flags + 1] = (this.#answerBytes[flags + 1] ?? 0) & ~header.checkingDisabled;
  }

  /** Forgets all answers. */
  clear(): void {
    this.settle();
    this.#index.fill(0);
    this.#rotations.length = 0;
    this.#told.length = 0;
    this.#next = 0;
  }

  /** Tells of all answers that were given and not told of. */
  settle(): void {
    for (let entry = 0; entry < this.#told.length; entry++) this.#tell(entry);
  }

  /** The place in the index at a hash, or the one beside it where that is free. */
  #placeFor(hash: number): number {
    const slot = (hash >>> 4) & (indexSize - 1);
    return this.#index[slot] !== 0 && this.#index[slot ^ 1] === 0 ? slot ^ 1 : slot;
  }

  /** The entry that is at a place already, else the next one; undefined where this question is to do without. */
  #entryAt(slot: number): number | undefined {
    const present = (this.#index[slot] ?? 0) - 1;
    const isFull = this.#told.length === mostEntries;
    if ((present >= 0 || isFull) && this.#misses++ % keptWhenFull !== 0) return undefined;
    if (present >= 0) return present;
    const entry = this.#next;
    this.#next = (entry + 1) % mostEntries;
    return entry;
  }

  #isFor(entry: number, hash: number, length: number, asked: Int32Array, words: number, lane: Lane): boolean {
    if (this.#hashes[entry] !== hash || this.#lengths[entry] !== length) return false;
    if (this.#told[entry]?.lane !== lane) return false;
    const base = entry * questionWords;
    for (let at = 1; at < words; at++) if (this.#questions[base + at] !== asked[at]) return false;
    return true;
  }

  #give(entry: number, request: Octets, out: Octets, random: () => number): number {
    this.#hits[entry] = (this.#hits[entry] ?? 0) + 1;
    const size = this.#sizes[entry] ?? 0;
    const base = entry * answerWords;
    const count = (size + 3) >> 2;
    for (let at = 0; at < count; at++) out.words[at] = this.#answers[base + at] ?? 0;
    const { bytes } = out;
    const asked = request.bytes;
    bytes[0] = asked[0] ?? 0;
    bytes[1] = asked[1] ?? 0;
    bytes[2] = (bytes[2] ?? 0) | ((asked[2] ?? 0) & header.recursionDesired);
    bytes[3] = (bytes[3] ?? 0) | ((asked[3] ?? 0) & header.checkingDisabled);
    const rotation = this.#rotations[entry];
    if (rotation !== undefined) this.#rotate(entry, rotation, bytes, random);
    return size;
  }

  #rotate(entry: number, { start, stride, count }: Rotation, out: Buffer, random: () => number): void {
    const length = stride * count;
    const base = entry * longestAnswer + start;
    let from = Math.floor(random() * count) * stride;
    for (let at = 0; at < length; at++) {
      out[start + at] = this.#answerBytes[base + from] ?? 0;
      from = from + 1 === length ? 0 : from + 1;
    }
  }

  #tell(entry: number): void {
    const question = this.#told[entry];
    const times = this.#hits[entry] ?? 0;
    if (question === undefined || times === 0) return;
    this.#hits[entry] = 0;
    this.#onHits(question, times);
  }
}
