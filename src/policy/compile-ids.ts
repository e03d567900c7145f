/**
 * Numbers for keys, the same on every node and after every restart: FNV-1a of 32 bits. Two keys of one number are told
 * apart by hashing on; a key that has a number keeps it for as long as it is there. Never 0.
 */
export function numbersFor(
  keys: Iterable<string>,
  previous: ReadonlyMap<string, number> = new Map(),
): ReadonlyMap<string, number> {
  const wanted = [...new Set(keys)].sort();
  const numbers = new Map<string, number>();
  const taken = new Set<number>();
  for (const key of wanted) {
    const number = previous.get(key);
    if (number === undefined) continue;
    numbers.set(key, number);
    taken.add(number);
  }
  for (const key of wanted) {
    if (numbers.has(key)) continue;
    let number = numberOf(key);
    for (let attempt = 1; taken.has(number); attempt++) number = numberOf(`${key}\0${attempt}`);
    numbers.set(key, number);
    taken.add(number);
  }
  return numbers;
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
