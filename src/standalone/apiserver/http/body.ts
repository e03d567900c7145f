import type { Readable } from 'node:stream';
import { StatusError } from '../status.ts';

/** What upstream takes by default. */
export const BODY_LIMIT = 3 * 1024 * 1024;
/** A body that is refused is still read up to here: a client that is cut off while it sends never sees the answer. */
const DRAIN_LIMIT = 8 * BODY_LIMIT;

/** The whole body; 413 when it is larger than the limit. */
export function readBody(message: Readable, limit = BODY_LIMIT): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;
    const tooLarge = () =>
      reject(new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`));
    message.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else chunks = [];
      if (size > DRAIN_LIMIT) {
        message.removeAllListeners('data').pause();
        tooLarge();
      }
    });
    let ended = false;
    message.once('end', () => {
      ended = true;
      if (size > limit) tooLarge();
      else resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    message.once('error', reject);
    message.once('close', () => {
      if (!ended) reject(new StatusError(400, 'BadRequest', 'the request ended before its body did'));
    });
  });
}
