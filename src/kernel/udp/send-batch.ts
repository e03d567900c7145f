import { addressOf } from '../ffi/memory.ts';
import {
  controlLength,
  controlWords,
  headerWords,
  nameLength,
  places,
  vectorWords,
  writeAddress,
} from './layout.ts';
import { makeSlots } from './slot.ts';
import type { Slot } from './slot.ts';

/** Of udp(7). */
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
/** What fits every path unfragmented; longer answers go alone. */
const longestMerged = 512;

/** Who gets the answers: senders of datagrams, by number, with their struct sockaddr where it is in memory. */
export interface Peers {
  readonly size: number;
  nameAddress(index: number): bigint;
  nameLengthOf(index: number): number;
  isSamePeer(index: number, other: number): boolean;
}

/**
 * Room for `size` answers of at most `slotLength` bytes to as many peers, laid out for sendmmsg(2).
 * Answers to one peer may go as one message that the kernel takes apart again at the receiver (UDP_SEGMENT): the way
 * through the network stack is most of what an answer costs. All parts of a message are of one length, but that the last may be shorter.
 *
 *   answers ─▶ by peer, the longest first ─▶ runs of one length, and a shorter one ─▶ messages
 */
export class SendBatch {
  readonly headers: Uint8Array;
  readonly slots: readonly Slot[];
  readonly slotLength: number;
  readonly #peers: Peers;
  readonly #headerWords: Uint32Array;
  readonly #vectors: Uint32Array;
  readonly #controls: Uint32Array;
  /** Where in memory: slots, names of the peers, vectors, controls; two words each. */
  readonly #slotsAt: Uint32Array;
  readonly #namesAt: Uint32Array;
  readonly #vectorsAt: Uint32Array;
  readonly #controlsAt: Uint32Array;
  /** Of each answer. */
  readonly #lengths: Uint32Array;
  readonly #asked: Uint16Array;
  readonly #ranks: Int32Array;
  /** One number of each peer, in the order in which they came. */
  readonly #firstAsked: Uint16Array;
  #distinct = 0;
  /** Answers in the order in which they leave, and the answers before each message. */
  readonly #order: Uint16Array;
  readonly #firsts: Uint16Array;
  #count = 0;
  #messages = 0;

  /** `slotLength` is a multiple of four. */
  constructor(peers: Peers, slotLength: number) {
    const { size } = peers;
    this.#peers = peers;
    this.slotLength = slotLength;
    const { data, slots, distance } = makeSlots(size, slotLength);
    this.slots = slots;
    this.#headerWords = new Uint32Array(size * headerWords);
    this.headers = new Uint8Array(this.#headerWords.buffer);
    this.#vectors = new Uint32Array(size * vectorWords);
    this.#controls = new Uint32Array(size * controlWords);
    const addresses = (start: bigint, step: number) => {
      const words = new Uint32Array(2 * size);
      for (let index = 0; index < size; index++) writeAddress(words, 2 * index, start + BigInt(index * step));
      return words;
    };
    this.#slotsAt = addresses(addressOf(data), distance);
    this.#namesAt = addresses(peers.nameAddress(0), nameLength);
    this.#vectorsAt = addresses(addressOf(new Uint8Array(this.#vectors.buffer)), 4 * vectorWords);
    this.#controlsAt = addresses(addressOf(new Uint8Array(this.#controls.buffer)), 4 * controlWords);
    for (let index = 0; index < size; index++)
      this.#controls.set([controlLength, 0, SOL_UDP, UDP_SEGMENT], index * controlWords);
    this.#lengths = new Uint32Array(size);
    this.#asked = new Uint16Array(size);
    this.#ranks = new Int32Array(size);
    this.#firstAsked = new Uint16Array(size);
    this.#order = new Uint16Array(size);
    this.#firsts = new Uint16Array(size + 1);
  }

  clear(): void {
    this.#count = 0;
  }

  /** The next slot has an answer of this length to the peer at `asked`. */
  add(length: number, asked: number): void {
    this.#lengths[this.#count] = length;
    this.#asked[this.#count] = asked;
    this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  /** One message an answer. Returns how many. */
  lay(): number {
    for (let at = 0; at < this.#count; at++) this.#order[at] = at;
    return this.#laySingly(0);
  }

  /** One message for as many answers to one peer as can be. Returns how many. */
  layMerged(): number {
    this.#sort();
    this.#messages = 0;
    for (let at = 0; at < this.#count;) {
      const peer = this.#peerAt(at);
      const length = this.#lengthAt(at);
      let end = at + 1;
      if (length <= longestMerged) {
        while (end < this.#count && this.#peerAt(end) === peer && this.#lengthAt(end) === length) end++;
        if (end < this.#count && this.#peerAt(end) === peer) end++;
      }
      this.#layMessage(at, end);
      at = end;
    }
    return this.#messages;
  }

  /** All from this message on again, one message an answer. Returns how many. */
  laySinglyFrom(message: number): number {
    return this.#laySingly(this.#firsts[message] ?? 0);
  }

  /** How many answers a message has. */
  partsOf(message: number): number {
    return (this.#firsts[message + 1] ?? 0) - (this.#firsts[message] ?? 0);
  }

  headersFrom(message: number): Uint8Array {
    return message === 0 ? this.headers : this.headers.subarray(4 * message * headerWords);
  }

  #laySingly(first: number): number {
    this.#messages = 0;
    for (let at = first; at < this.#count; at++) this.#layMessage(at, at + 1);
    return this.#messages;
  }

  /** The answers from `first` to `end` in the order are the next message. */
  #layMessage(first: number, end: number): void {
    const message = this.#messages++;
    this.#firsts[message] = first;
    this.#firsts[message + 1] = end;
    const words = this.#headerWords;
    const header = message * headerWords;
    const asked = this.#asked[this.#order[first] ?? 0] ?? 0;
    words[header + places.name] = this.#namesAt[2 * asked] ?? 0;
    words[header + places.name + 1] = this.#namesAt[2 * asked + 1] ?? 0;
    words[header + places.nameLength] = this.#peers.nameLengthOf(asked);
    words[header + places.vector] = this.#vectorsAt[2 * first] ?? 0;
    words[header + places.vector + 1] = this.#vectorsAt[2 * first + 1] ?? 0;
    words[header + places.vectorLength] = end - first;
    for (let at = first; at < end; at++) {
      const answer = this.#order[at] ?? 0;
      const vector = at * vectorWords;
      this.#vectors[vector] = this.#slotsAt[2 * answer] ?? 0;
      this.#vectors[vector + 1] = this.#slotsAt[2 * answer + 1] ?? 0;
      this.#vectors[vector + 2] = this.#lengths[answer] ?? 0;
    }
    const isMerged = end - first > 1;
    words[header + places.control] = isMerged ? (this.#controlsAt[2 * message] ?? 0) : 0;
    words[header + places.control + 1] = isMerged ? (this.#controlsAt[2 * message + 1] ?? 0) : 0;
    words[header + places.controlLength] = isMerged ? 4 * controlWords : 0;
    if (isMerged) this.#controls[message * controlWords + 4] = this.#lengthAt(first);
  }

  /** By peer, in the order in which these came, and the longest first. */
  #sort(): void {
    this.#distinct = 0;
    for (let answer = 0; answer < this.#count; answer++) {
      const rank = this.#rankOf(answer);
      this.#ranks[answer] = rank;
      let at = answer;
      while (at > 0 && (this.#ranks[this.#order[at - 1] ?? 0] ?? 0) > rank) {
        this.#order[at] = this.#order[at - 1] ?? 0;
        at--;
      }
      this.#order[at] = answer;
    }
  }

  /** Its peer's number in the high half, and in the low one what is less the longer it is. */
  #rankOf(answer: number): number {
    const asked = this.#asked[answer] ?? 0;
    let peer = 0;
    while (peer < this.#distinct && !this.#peers.isSamePeer(asked, this.#firstAsked[peer] ?? 0)) peer++;
    if (peer === this.#distinct) this.#firstAsked[this.#distinct++] = asked;
    return (peer << 16) + 0xffff - (this.#lengths[answer] ?? 0);
  }

  #peerAt(at: number): number {
    return (this.#ranks[this.#order[at] ?? 0] ?? 0) >> 16;
  }

  #lengthAt(at: number): number {
    return this.#lengths[this.#order[at] ?? 0] ?? 0;
  }
}
