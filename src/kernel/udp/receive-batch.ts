import { addressOf } from '../ffi/memory.ts';
import { headerWords, nameLength, nameWords, places, vectorWords, writeAddress } from './layout.ts';
import { makeSlots } from './slot.ts';
import type { Slot } from './slot.ts';

/** Where a datagram came from: a struct sockaddr, to be given back as it is. */
export type Peer = Uint8Array & { readonly __struct: 'sockaddr' };

/** Room for `size` datagrams of at most `slotLength` bytes and their senders, laid out for recvmmsg(2). */
export class ReceiveBatch {
  readonly size: number;
  readonly headers: Uint8Array;
  readonly slots: readonly Slot[];
  readonly #headerWords: Uint32Array;
  readonly #vectors: Uint32Array;
  readonly #names: Uint32Array;
  readonly #nameBytes: Uint8Array;

  /** `slotLength` is a multiple of four. */
  constructor(size: number, slotLength: number) {
    this.size = size;
    const { data, slots, distance } = makeSlots(size, slotLength);
    this.slots = slots;
    this.#headerWords = new Uint32Array(size * headerWords);
    this.headers = new Uint8Array(this.#headerWords.buffer);
    this.#names = new Uint32Array(size * nameWords);
    this.#nameBytes = new Uint8Array(this.#names.buffer);
    this.#vectors = new Uint32Array(size * vectorWords);
    const dataAt = addressOf(data);
    const vectorsAt = addressOf(new Uint8Array(this.#vectors.buffer));
    for (let index = 0; index < size; index++) {
      const header = index * headerWords;
      const vector = index * vectorWords;
      writeAddress(this.#headerWords, header + places.name, this.nameAddress(index));
      writeAddress(this.#headerWords, header + places.vector, vectorsAt + BigInt(4 * vector));
      this.#headerWords[header + places.vectorLength] = 1;
      writeAddress(this.#vectors, vector, dataAt + BigInt(index * distance));
      this.#vectors[vector + 2] = slotLength;
    }
    this.expect(size);
  }

  /** Before a receive: the kernel reads how much room a name has, and writes how long it is. */
  expect(count: number): void {
    for (let index = 0; index < count; index++)
      this.#headerWords[index * headerWords + places.nameLength] = nameLength;
  }

  lengthOf(index: number): number {
    return this.#headerWords[index * headerWords + places.messageLength] ?? 0;
  }

  nameLengthOf(index: number): number {
    return Math.min(this.#headerWords[index * headerWords + places.nameLength] ?? 0, nameLength);
  }

  nameAddress(index: number): bigint {
    return addressOf(this.#nameBytes) + BigInt(index * nameLength);
  }

  /** A copy. */
  peer(index: number): Peer {
    const start = index * nameLength;
    return this.#nameBytes.slice(start, start + this.nameLengthOf(index)) as Peer; // what the kernel wrote there
  }

  isSamePeer(index: number, other: number): boolean {
    const words = this.nameLengthOf(index) >> 2;
    // Family and port first; one socket's names are all as long.
    for (let at = 0; at < words; at++)
      if (this.#names[index * nameWords + at] !== this.#names[other * nameWords + at]) return false;
    return true;
  }
}
