import { addressOf } from '../ffi/memory.ts';
import { nameLength, nameWords } from './layout.ts';
import type { Peers } from './send-batch.ts';

/** Those whose answers took longer: their addresses, copied, where a received batch has those of its datagrams. */
export class LatePeers implements Peers {
  readonly size: number;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #lengths: Uint8Array;

  constructor(size: number) {
    this.size = size;
    this.#words = new Uint32Array(size * nameWords);
    this.#bytes = new Uint8Array(this.#words.buffer);
    this.#lengths = new Uint8Array(size);
  }

  set(index: number, name: Uint8Array): void {
    this.#bytes.set(name, index * nameLength);
    this.#lengths[index] = name.length;
  }

  nameLengthOf(index: number): number {
    return this.#lengths[index] ?? 0;
  }

  nameAddress(index: number): bigint {
    return addressOf(this.#bytes) + BigInt(index * nameLength);
  }

  isSamePeer(index: number, other: number): boolean {
    const words = this.nameLengthOf(index) >> 2;
    for (let at = 0; at < words; at++)
      if (this.#words[index * nameWords + at] !== this.#words[other * nameWords + at]) return false;
    return true;
  }
}
