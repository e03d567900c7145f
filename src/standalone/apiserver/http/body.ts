import type { Readable } from 'node:stream';
import { StatusError } from '../status.ts';
import { LARGE } from './large-bodies.ts';

/** What upstream takes by default. */
export const BODY_LIMIT = 3 * 1024 * 1024;
/** A body that is refused is still read up to here: a client that is cut off while it sends never sees the answer. */
const DRAIN_LIMIT = 8 * BODY_LIMIT;

/** How a large body gets a place; `held` is told how to give it back, which is due once the request is answered. */
export interface Places {
  take(): Promise<() => void>;
  held(release: () => void): void;
}

/** Milliseconds for a whole body, the wait for a place apart. HTTP/2 itself has no limit for a stream that stalls. */
const BODY_WITHIN = 60_000;

/** The whole body; 413 when it is larger than the limit, 408 when it does not come. */
export function readBody(
  message: Readable,
  places: Places,
  { limit = BODY_LIMIT, within = BODY_WITHIN } = {},
): Promise<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  const read = bodyOf(message, places, limit, {
    goesOn: late => (timer = setTimeout(late, within)),
    waits: () => clearTimeout(timer),
  });
  return read.finally(() => clearTimeout(timer));
}

interface Watch {
  goesOn(late: () => void): void;
  waits(): void;
}

function bodyOf(message: Readable, places: Places, limit: number, watch: Watch): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;
    let isGone = false;
    let ended = false;
    /** Of a large body: it is read on, and handed over, only with a place. */
    let placed: Promise<void> | undefined;
    const late = () => {
      chunks = [];
      message.removeAllListeners('data').pause();
      reject(new StatusError(408, 'Timeout', 'the body of the request did not come in time'));
    };
    watch.goesOn(late);
    const tooLarge = () =>
      reject(new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`));
    message.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > LARGE && placed === undefined) {
        message.pause();
        watch.waits();
        placed = places.take().then(release => {
          if (isGone) release();
          else {
            places.held(release);
            watch.goesOn(late);
          }
          message.resume();
        });
      }
      if (size <= limit) chunks.push(chunk);
      else chunks = [];
      if (size > DRAIN_LIMIT) {
        message.removeAllListeners('data').pause();
        tooLarge();
      }
    });
    const whole = () => {
      if (size > limit) tooLarge();
      else resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    };
    message.once('end', () => {
      ended = true;
      if (placed === undefined) whole();
      else void placed.then(whole);
    });
    message.once('error', reject);
    message.once('close', () => {
      if (ended) return;
      isGone = true;
      reject(new StatusError(400, 'BadRequest', 'the request ended before its body did'));
    });
  });
}
