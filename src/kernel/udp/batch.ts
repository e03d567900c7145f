import { addressOf } from '../ffi/memory.ts';

/** struct mmsghdr and struct iovec of the 64-bit architectures that Node 24 runs on. */
const headerLength = 64;
const offsets = { name: 0, nameLength: 8, vector: 16, vectorLength: 24, messageLength: 56 } as const;
const vectorLength = 16;
/** struct sockaddr_in6, the longer one. */
const nameLength = 28;

/** Where a datagram came from: a struct sockaddr, to be given back as it is. */
export type Peer = Uint8Array & { readonly __struct: 'sockaddr' };

/** Room for `size` datagrams of at most `slotLength` bytes, laid out for recvmmsg(2) and sendmmsg(2). */
export class Batch {
  readonly size: number;
  readonly slotLength: number;
  readonly headers: Uint8Array;
  readonly slots: readonly Buffer[];
  readonly #names: Uint8Array;
  /** Where each name is, and to whose name each header points. */
  readonly #nameAddresses: readonly bigint[];
  readonly #pointsTo: (Batch | undefined)[];
  readonly #vectors: Uint8Array;
  readonly #headerView: DataView;
  readonly #vectorView: DataView;

  constructor(size: number, slotLength: number) {
    this.size = size;
    this.slotLength = slotLength;
    const data = Buffer.alloc(size * slotLength); // longer than Node's pool: a buffer of its own
    this.headers = new Uint8Array(size * headerLength);
    this.#names = new Uint8Array(size * nameLength);
    this.#vectors = new Uint8Array(size * vectorLength);
    this.#headerView = new DataView(this.headers.buffer);
    this.#vectorView = new DataView(this.#vectors.buffer);
    this.slots = Array.from({ length: size }, (_, index) =>
      data.subarray(index * slotLength, (index + 1) * slotLength),
    );
    const [dataAt, namesAt, vectorsAt] = [addressOf(data), addressOf(this.#names), addressOf(this.#vectors)];
    this.#nameAddresses = this.slots.map((_, index) => namesAt + BigInt(index * nameLength));
    this.#pointsTo = this.slots.map(() => undefined);
    for (let index = 0; index < size; index++) {
      const header = index * headerLength;
      this.#pointAt(index, this, index);
      this.#headerView.setBigUint64(header + offsets.vector, vectorsAt + BigInt(index * vectorLength), true);
      this.#headerView.setBigUint64(header + offsets.vectorLength, 1n, true);
      this.#vectorView.setBigUint64(index * vectorLength, dataAt + BigInt(index * slotLength), true);
      this.setLength(index, slotLength);
    }
    this.expectNames(size);
  }

  /** Before a receive: the kernel reads how much room a name has, and writes how long it is. */
  expectNames(count: number): void {
    for (let index = 0; index < count; index++)
      this.#headerView.setUint32(index * headerLength + offsets.nameLength, nameLength, true);
  }

  headersFrom(index: number): Uint8Array {
    return index === 0 ? this.headers : this.headers.subarray(index * headerLength);
  }

  receivedLength(index: number): number {
    return this.#headerView.getUint32(index * headerLength + offsets.messageLength, true);
  }

  setLength(index: number, length: number): void {
    this.#vectorView.setUint32(index * vectorLength + 8, length, true);
  }

  /** A copy. */
  peer(index: number): Peer {
    const length = this.#headerView.getUint32(index * headerLength + offsets.nameLength, true);
    const start = index * nameLength;
    return this.#names.slice(start, start + Math.min(length, nameLength)) as Peer;
  }

  setPeer(index: number, peer: Uint8Array): void {
    this.#pointAt(index, this, index);
    this.#names.set(peer, index * nameLength);
    this.#headerView.setUint32(index * headerLength + offsets.nameLength, peer.length, true);
  }

  /** Sends to whom a datagram of another batch came from, which must not be received into before that. */
  answerPeer(index: number, from: Batch, fromIndex: number): void {
    const length = from.#headerView.getUint32(fromIndex * headerLength + offsets.nameLength, true);
    // With each datagram answered the pointers stay as they are.
    if (this.#pointsTo[index] !== from || index !== fromIndex) this.#pointAt(index, from, fromIndex);
    this.#headerView.setUint32(index * headerLength + offsets.nameLength, length, true);
  }

  #pointAt(index: number, batch: Batch, at: number): void {
    const address = batch.#nameAddresses[at];
    if (address === undefined) throw new RangeError(`a batch has no place ${at}`);
    this.#headerView.setBigUint64(index * headerLength + offsets.name, address, true);
    this.#pointsTo[index] = index === at ? batch : undefined;
  }
}
