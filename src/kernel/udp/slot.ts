/** Room for one datagram. */
export interface Slot {
  readonly bytes: Buffer;
  /** The same memory, four octets at a time. */
  readonly words: Int32Array;
}

/** Slots that begin at the same place of a page would all fall to the same few lines of the processor's nearest cache. */
const apart = 64;

export interface Slots {
  /** All of them, one behind the other. */
  readonly data: Buffer;
  readonly slots: readonly Slot[];
  /** Octets from the beginning of one to that of the next. */
  readonly distance: number;
}

/** `length` in octets, a multiple of four. */
export function makeSlots(count: number, length: number): Slots {
  const distance = length + apart;
  const data = Buffer.from(new ArrayBuffer(count * distance));
  const slots = Array.from({ length: count }, (_, index) => ({
    bytes: data.subarray(index * distance, index * distance + length),
    words: new Int32Array(data.buffer, index * distance, length / 4),
  }));
  return { data, slots, distance };
}
