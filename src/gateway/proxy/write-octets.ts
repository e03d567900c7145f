import type { Blocks } from './blocks.ts';
import type { Socket } from 'node:net';

/** Octets that fit into one write with the head before them, as text: two copies of little cost less than another write. */
const shortBytes = 4096;

/**
 * Writes of what lies in the read buffer, which is somebody else's as soon as the call returns: so it is copied. Text
 * is latin1, which stands for octets one to one.
 */
export function writeText(socket: Socket, text: string): void {
  socket.write(text, 'latin1');
}

export function writeTextAndBytes(
  socket: Socket,
  blocks: Blocks,
  text: string,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  const length = end - start;
  if (length === 0) socket.write(text, 'latin1');
  else if (length <= shortBytes) socket.write(text + bytes.toString('latin1', start, end), 'latin1');
  else blocks.write(socket, bytes, start, end, text);
}

/** The same as a chunk of a chunked body. */
export function writeChunk(socket: Socket, blocks: Blocks, bytes: Buffer, start: number, end: number): void {
  blocks.write(socket, bytes, start, end, `${(end - start).toString(16)}\r\n`, '\r\n');
}

/** More was written than the other side takes at the moment. */
export function isFull(socket: Socket): boolean {
  return socket.writableNeedDrain && socket.writableLength > 0;
}
