import { close, open, read, statSync, watch } from 'node:fs';
import { promisify } from 'node:util';
import type { LogOptions } from './log-options.ts';
import { parseLogLine } from './log-line.ts';

const openFile = promisify(open);
const closeFile = promisify(close);
const readFile = promisify(read);

const CHUNK = 64 << 10;
/** How long a follower waits for word of the file before it looks itself. */
const LOOK_EVERY = 1000;

/**
 * The bytes that a reader of a container's log gets, from the older file to the newer, in bounded pieces. With `follow`
 * it goes on, through rotations, until `isOver` says that the container has ended and all has been read.
 */
export async function* readLog(
  path: string,
  options: LogOptions,
  isOver: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let left = options.limitBytes ?? Infinity;
  const start = options.tailLines === undefined ? undefined : await tailStart(path, options.tailLines);
  for (const file of [`${path}.1`, path]) {
    if (start !== undefined && start.file === path && file !== path) continue;
    const isLast = file === path;
    const offset = start?.file === file ? start.offset : 0;
    const lines = isLast && options.follow ? follow(path, offset, isOver, signal) : readLines(file, offset);
    for await (const piece of lines) {
      const bytes = render(piece, options);
      if (bytes.length === 0) continue;
      const part = bytes.length > left ? bytes.subarray(0, left) : bytes;
      left -= part.length;
      yield part;
      if (left <= 0 || signal.aborted) return;
    }
  }
}

/** Complete lines, joined: a piece ends with a newline. */
async function* readLines(file: string, offset: number): AsyncGenerator<string> {
  const fd = await openIfPresent(file);
  if (fd === undefined) return;
  try {
    const reader = new LineReader(fd, offset);
    for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) yield piece;
  } finally {
    await closeFile(fd);
  }
}

async function* follow(
  path: string,
  offset: number,
  isOver: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let fd = await openIfPresent(path);
  let reader = fd === undefined ? undefined : new LineReader(fd, offset);
  let news = new News(path, signal);
  try {
    while (!signal.aborted) {
      const ended = isOver(); // asked before reading: what was written before the end is still read
      const piece = await reader?.next();
      if (piece !== undefined) {
        yield piece;
        continue;
      }
      if (reader === undefined || reader.isReplaced(path)) {
        if (fd !== undefined) await closeFile(fd);
        fd = await openIfPresent(path);
        reader = fd === undefined ? undefined : new LineReader(fd, 0);
        if (reader !== undefined) {
          news.close(); // it watches the file, not the name
          news = new News(path, signal);
          continue;
        }
      }
      if (ended) return;
      await news.wait();
    }
  } finally {
    news.close();
    if (fd !== undefined) await closeFile(fd);
  }
}

/** Reads a file in pieces that end with a newline. */
class LineReader {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(CHUNK);
  #offset: number;

  constructor(fd: number, offset: number) {
    this.#fd = fd;
    this.#offset = offset;
  }

  /** Undefined at the end of what is complete. A launcher's lines are shorter than the buffer. */
  async next(): Promise<string | undefined> {
    const { bytesRead } = await readFile(this.#fd, this.#buffer, 0, CHUNK, this.#offset);
    const end = this.#buffer.subarray(0, bytesRead).lastIndexOf(10) + 1;
    if (end === 0) return undefined;
    this.#offset += end;
    return this.#buffer.toString('utf8', 0, end);
  }

  /** The path leads to another file by now: this one was rotated away. */
  isReplaced(path: string): boolean {
    try {
      return statSync(path).ino !== statSync(`/proc/self/fd/${this.#fd}`).ino;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }
}

/** Waits for word of a file. */
class News {
  readonly #watcher: ReturnType<typeof watch> | undefined;
  readonly #signal: AbortSignal;
  #wake: (() => void) | undefined;
  #isPending = false;

  constructor(path: string, signal: AbortSignal) {
    this.#signal = signal;
    try {
      this.#watcher = watch(path, () => this.#tell());
      this.#watcher.on('error', () => undefined); // the timer looks all the same
    } catch {
      this.#watcher = undefined; // no file yet, or no more watches: the timer looks
    }
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  async wait(): Promise<void> {
    if (!this.#isPending && !this.#signal.aborted) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, LOOK_EVERY);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#isPending = false;
  }

  close(): void {
    this.#watcher?.close();
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#wake?.();
  }

  readonly #onAbort = () => this.#tell();

  #tell(): void {
    this.#isPending = true;
    this.#wake?.();
  }
}

/** Where the last `lines` lines begin, over both files. Parts of a long line count as one. */
async function tailStart(
  path: string,
  lines: number,
): Promise<{ readonly file: string; readonly offset: number }> {
  let missing = lines;
  for (const file of [path, `${path}.1`]) {
    const found = await offsetOfLast(file, missing);
    if (found.missing === 0) return { file, offset: found.offset };
    missing = found.missing;
  }
  return { file: `${path}.1`, offset: 0 };
}

async function offsetOfLast(
  file: string,
  lines: number,
): Promise<{ readonly offset: number; readonly missing: number }> {
  const fd = await openIfPresent(file);
  if (fd === undefined) return { offset: 0, missing: lines };
  try {
    const { size } = statSync(`/proc/self/fd/${fd}`);
    if (lines === 0) return { offset: size, missing: 0 };
    const buffer = Buffer.alloc(CHUNK);
    let missing = lines + 1; // the newline before the first line that counts
    let end = size;
    while (end > 0) {
      const begin = Math.max(0, end - CHUNK);
      const { bytesRead } = await readFile(fd, buffer, 0, end - begin, begin);
      for (let at = bytesRead - 1; at >= 0; at--) {
        if (buffer[at] !== 10) continue;
        missing -= 1;
        if (missing === 0) return { offset: begin + at + 1, missing: 0 };
      }
      end = begin;
    }
    return { offset: 0, missing: Math.max(missing - 1, 0) };
  } finally {
    await closeFile(fd);
  }
}

function render(piece: string, options: LogOptions): Buffer {
  let text = '';
  for (const line of piece.split('\n')) {
    const parsed = parseLogLine(line);
    if (parsed === undefined || (options.since !== undefined && parsed.time < options.since)) continue;
    text += `${options.timestamps ? `${parsed.time} ` : ''}${parsed.content}${parsed.isPart ? '' : '\n'}`;
  }
  return Buffer.from(text);
}

async function openIfPresent(path: string): Promise<number | undefined> {
  try {
    return await openFile(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
