import { problem } from './problems.ts';

/** The most that a number holds without loss, in digits. */
const mostDigits = 15;

/**
 * A Content-Length (RFC 9110 section 8.6): digits alone. A list of equal numbers, which the RFC lets a recipient accept,
 * is refused as any other list.
 */
export function readLength(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > mostDigits) return problem.lengthInvalid;
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return problem.lengthInvalid;
    length = length * 10 + digit;
  }
  return length;
}

/** Whether a value is a word, in any case; `word` in lower case and without letters' neighbours (`@`, `[` …). */
export function isWord(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let index = 0; index < word.length; index++) {
    const octet = bytes[start + index] as number;
    const lower = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    if (lower !== word.charCodeAt(index)) return false;
  }
  return true;
}

/** What a Connection field says (RFC 9110 section 7.6.1). */
export interface ConnectionOptions {
  close: boolean;
  keepAlive: boolean;
  upgrade: boolean;
  /** Names, in lower case, of fields that are for this connection alone. */
  readonly names: string[];
}

/** Fields without which a message would be another one: naming them does not take them away. */
const neverNamed = new Set(['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'te']);

/** `close` and `keep-alive` alone, which are nearly all there are; false where there is more to read. */
export function readPlainConnection(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: ConnectionOptions,
): boolean {
  if (isWord(bytes, start, end, 'keep-alive')) into.keepAlive = true;
  else if (isWord(bytes, start, end, 'close')) into.close = true;
  else return false;
  return true;
}

export function readConnection(value: string, into: ConnectionOptions): void {
  for (const part of value.split(',')) {
    const option = part.trim().toLowerCase();
    if (option === 'close') into.close = true;
    else if (option === 'keep-alive') into.keepAlive = true;
    else if (option === 'upgrade') into.upgrade = true;
    else if (option !== '' && !neverNamed.has(option)) into.names.push(option);
  }
}
