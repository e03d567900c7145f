import type { IncomingMessage } from 'node:http';
import { StatusError } from '../status.ts';

/** What upstream takes by default. */
export const BODY_LIMIT = 3 * 1024 * 1024;

/** The whole body; 413 as soon as it is known to be larger than the limit. */
export function readBody(message: IncomingMessage, limit = BODY_LIMIT): Promise<Uint8Array> {
  if (Number(message.headers['content-length'] ?? 0) > limit) return Promise.reject(tooLarge(limit));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    message.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        message.removeAllListeners('data').resume();
        reject(tooLarge(limit));
      } else chunks.push(chunk);
    });
    message.once('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    message.once('error', reject);
    message.once('close', () =>
      reject(new StatusError(400, 'BadRequest', 'the request ended before its body did')),
    );
  });
}

const tooLarge = (limit: number) =>
  new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);
