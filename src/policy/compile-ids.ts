/**
 * A number for a key, the same on every node and after every restart: FNV-1a of 32 bits. Two keys of one number are told
 * apart by hashing on. Never 0.
 */
export function freeNumberOf(key: string, isTaken: (number: number) => boolean): number {
  let number = numberOf(key);
  for (let attempt = 1; isTaken(number); attempt++) number = numberOf(`${key}\0${attempt}`);
  return number;
}

/** FNV-1a over UTF-16 code units, 1..2^32-1. */
export function numberOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >> 8), 0x01000193);
  }
  return hash >>> 0 || 1;
}

/** Eight hexadecimal digits, for names in the kernel. */
export const nameOf = (number: number): string => number.toString(16).padStart(8, '0');
