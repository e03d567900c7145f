import { constants, fstatSync, openSync, writeSync } from 'node:fs';

/** Characters that wait for a slow reader; lines beyond are dropped, and their number is told once there is room. */
const LONGEST_QUEUE = 1024 * 1024;
const RETRY_MILLISECONDS = 20;
/** A reader that takes nothing holds up the end of the process for no longer. */
const PATIENCE_AT_EXIT_MILLISECONDS = 1000;

/**
 * Lines for a file descriptor that never block the process while it runs, never end it, and are not lost when it ends:
 * what a full pipe does not take waits, what a full disk does not take is dropped.
 */
export class LogOutput {
  readonly #descriptor: number;
  #waiting: Buffer[] = [];
  #length = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(descriptor: number) {
    this.#descriptor = withoutBlocking(descriptor);
    process.once('exit', () => this.#finish());
  }

  write(line: string): void {
    if (this.#length + line.length > LONGEST_QUEUE) {
      this.#dropped++;
      return;
    }
    const bytes = Buffer.from(line);
    this.#waiting.push(bytes);
    this.#length += bytes.length;
    if (this.#timer === undefined) this.#drain();
  }

  #drain(): void {
    this.#timer = undefined;
    if (this.#writeAll()) return;
    this.#timer = setTimeout(() => this.#drain(), RETRY_MILLISECONDS);
    this.#timer.unref(); // `exit` writes what is left
  }

  /** False where the reader is slower than we are. */
  #writeAll(): boolean {
    for (let line = this.#next(); line !== undefined; line = this.#next()) {
      let written = line.length;
      try {
        written = writeSync(this.#descriptor, line);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
        // No space, or nobody reads any more: there is nowhere to say so, and it is no reason to stop working.
      }
      this.#length -= written;
      if (written === line.length) this.#waiting.shift();
      else this.#waiting[0] = line.subarray(written);
    }
    return true;
  }

  #next(): Buffer | undefined {
    if (this.#waiting.length === 0 && this.#dropped > 0) {
      const told = {
        level: 40,
        time: new Date(),
        msg: `${this.#dropped} lines of the log were dropped: its reader was too slow`,
      };
      this.#dropped = 0;
      const line = Buffer.from(`${JSON.stringify(told)}\n`);
      this.#waiting.push(line);
      this.#length += line.length;
    }
    return this.#waiting[0];
  }

  #finish(): void {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    const end = performance.now() + PATIENCE_AT_EXIT_MILLISECONDS;
    while (!this.#writeAll() && performance.now() < end) Atomics.wait(pause, 0, 0, RETRY_MILLISECONDS);
  }
}

/**
 * A pipe is opened once more, so that only our own writes do not block: the descriptor itself is shared with others. A
 * file has to keep its position, and is quick anyway.
 */
function withoutBlocking(descriptor: number): number {
  try {
    if (!fstatSync(descriptor).isFIFO()) return descriptor;
    return openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return descriptor; // without /proc, or a pipe of another user: as good as it was given
  }
}
