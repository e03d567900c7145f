import { fstatSync, write } from 'node:fs';
import { Socket } from 'node:net';

const flushMilliseconds = 50;
const blockBytes = 64 * 1024;
/** What waits for a slow reader; lines beyond are dropped, and their number is told. */
const mostWaiting = 4 * 1024 * 1024;

/**
 * Lines of ASCII for a descriptor that others read slowly, or not at all, without holding up who writes them: they are
 * gathered in blocks; what a full pipe does not take waits, bounded.
 */
export class LogLines {
  readonly #write: (block: Buffer, done: () => void) => void;
  #block = Buffer.allocUnsafeSlow(blockBytes);
  #length = 0;
  #waitingBytes = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(descriptor: number) {
    this.#write = writerTo(descriptor);
  }

  add(line: string): void {
    if (this.#length + line.length > blockBytes) this.#flush();
    if (this.#waitingBytes > mostWaiting || line.length > blockBytes) {
      this.#dropped++;
      return;
    }
    this.#length += this.#block.write(line, this.#length, 'latin1');
    this.#timer ??= setTimeout(() => this.#flush(), flushMilliseconds);
  }

  /** Resolves when what was added before is written, or nobody has taken it for a second. */
  async close(): Promise<void> {
    this.#flush();
    for (let tries = 0; this.#waitingBytes > 0 && tries < 100; tries++)
      await new Promise(resolve => setTimeout(resolve, 10));
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#length === 0) return;
    const block = this.#block.subarray(0, this.#length);
    this.#waitingBytes += block.length;
    this.#length = 0;
    let isDone = false;
    this.#write(block, () => {
      isDone = true;
      this.#waitingBytes -= block.length;
      if (this.#dropped > 0 && this.#waitingBytes === 0) this.#tellDropped();
    });
    // What is written already may be written over.
    if (!isDone) this.#block = Buffer.allocUnsafeSlow(blockBytes);
  }

  #tellDropped(): void {
    const msg = `${this.#dropped} lines of the log were dropped: its reader was too slow`;
    this.#dropped = 0;
    this.add(`${JSON.stringify({ level: 40, time: new Date(), scope: 'proxy', msg })}\n`);
  }
}

/** Nobody reads any more, or the disk is full: there is nowhere to say so, and it is no reason to stop working. */
function writerTo(descriptor: number): (block: Buffer, done: () => void) => void {
  const kind = fstatSync(descriptor);
  if (!kind.isFIFO() && !kind.isSocket()) {
    // A file or a terminal: a thread of Node's pool waits for it.
    return (block, done) => write(descriptor, block, () => done());
  }
  const socket = new Socket({ fd: descriptor, readable: false, writable: true });
  socket.on('error', () => undefined);
  socket.unref();
  return (block, done) => {
    if (socket.destroyed) done();
    else {
      socket.write(block);
      if (socket.writableLength === 0) done();
      else socket.write('', () => done());
    }
  };
}
