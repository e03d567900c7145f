/** struct mmsghdr, struct iovec and struct cmsghdr of the 64-bit little-endian architectures that Node 24 runs on, in words of four octets. */
export const headerWords = 16;
/** Places in struct mmsghdr. */
export const places = {
  name: 0,
  nameLength: 2,
  vector: 4,
  vectorLength: 6,
  control: 8,
  controlLength: 10,
  messageLength: 14,
} as const;
export const vectorWords = 4;
/** struct sockaddr_in6, the longer one. */
export const nameLength = 28;
export const nameWords = nameLength / 4;
/** One control message with two octets of data, and the room that it takes. */
export const controlLength = 18;
export const controlWords = 6;

/** Writes an address in memory at two words. */
export function writeAddress(words: Uint32Array, at: number, address: bigint): void {
  words[at] = Number(address & 0xffff_ffffn);
  words[at + 1] = Number(address >> 32n);
}
