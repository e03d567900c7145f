import type { Octets } from '../../src/dns/server/ready-answers.ts';

/** Room for a datagram, as sockets have it. `length` is a multiple of four. */
export function roomOf(length: number): Octets {
  const memory = new ArrayBuffer(length);
  return { bytes: Buffer.from(memory), words: new Int32Array(memory) };
}

/** A message in room of its own. */
export function octetsOf(message: Uint8Array): Octets {
  const room = roomOf(4096);
  room.bytes.set(message);
  return room;
}
