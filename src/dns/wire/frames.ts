import { limits } from './codes.ts';

/** DNS over TCP: each message behind its length in two octets (RFC 1035 section 4.2.2, RFC 7766 section 8). */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  /** The messages that are complete now. At most one incomplete one is kept: 64 KiB. */
  push(chunk: Buffer): readonly Buffer[] {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const messages: Buffer[] = [];
    let at = 0;
    while (at + 2 <= bytes.length) {
      const end = at + 2 + bytes.readUInt16BE(at);
      if (end > bytes.length) break;
      messages.push(bytes.subarray(at + 2, end));
      at = end;
    }
    // A copy: a few octets must not keep a large chunk.
    this.#pending = Buffer.from(bytes.subarray(at));
    return messages;
  }
}

/** With its length in front, in one piece, so that it goes in one segment. */
export function frame(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(Math.min(message.length, limits.tcp) + 2);
  bytes.writeUInt16BE(message.length, 0);
  bytes.set(message, 2);
  return bytes;
}
