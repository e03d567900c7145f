import { Worker } from 'node:worker_threads';
import { FairleadError } from '../../base/errors.ts';
import { KernelCallError } from './messages.ts';
import type { AnswerMessage, CallMessage } from './messages.ts';

export interface ThreadQueueOptions {
  readonly entry: URL;
  /** Calls that wait or run; one more is refused. */
  readonly limit: number;
  /** Told of a thread that ended by itself; it is started anew. */
  readonly onCrash: (error: unknown) => void;
}

interface Pending {
  readonly message: CallMessage;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Small: its work is in libraries and the kernel, not in the heap. */
const resourceLimits = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 128, stackSizeMb: 2 } as const;
/** A thread that ends this many times in a row without an answer will not get better. */
const fruitlessStarts = 3;

/**
 * Calls to one thread, one at a time and in order. When the thread crashes, the call in it fails, because nobody knows
 * how far it came; those that wait go to the next thread.
 */
export class ThreadQueue {
  readonly #options: ThreadQueueOptions;
  readonly #waiting: Pending[] = [];
  #running: Pending | undefined;
  #thread: Worker | undefined;
  #nextId = 1;
  #fruitless = 0;
  #closed = false;

  constructor(options: ThreadQueueOptions) {
    this.#options = options;
  }

  call(name: string, parameters: readonly unknown[]): Promise<unknown> {
    if (this.#closed) return Promise.reject(closedError());
    if (this.#waiting.length + (this.#running === undefined ? 0 : 1) >= this.#options.limit) {
      const hint = 'Make fewer, larger calls, or wait for earlier ones';
      const sentence = `${this.#options.limit} calls to the kernel wait already`;
      return Promise.reject(new FairleadError('kernel/worker-busy', sentence, { hint }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message: { id: this.#nextId++, name, parameters }, resolve, reject });
      this.#pump();
    });
  }

  /** Refuses what waits, and ends the thread; a transaction that runs is not cut: the kernel takes it or not. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const pending of this.#waiting.splice(0)) pending.reject(closedError());
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
    this.#settle(closedError());
  }

  #pump(): void {
    if (this.#running !== undefined) return;
    const next = this.#waiting.shift();
    if (next === undefined) {
      // An idle thread keeps no process alive.
      this.#thread?.unref();
      return;
    }
    this.#running = next;
    this.#thread ??= this.#start();
    this.#thread.ref();
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      this.#thread.postMessage(next.message);
    } catch (error) {
      this.#settle(error); // a parameter that cannot be cloned
    }
  }

  #start(): Worker {
    const thread = new Worker(this.#options.entry, {
      resourceLimits,
      execArgv: [],
      trackUnmanagedFds: false, // descriptors that system calls opened are ours to close, and Node cannot know them
    });
    thread.on('message', (answer: AnswerMessage) => this.#onAnswer(answer));
    thread.on('error', error => this.#onCrash(thread, error));
    thread.on('exit', code => this.#onCrash(thread, new Error(`the thread ended with code ${code}`)));
    return thread;
  }

  #onAnswer(answer: AnswerMessage): void {
    const running = this.#running;
    if (running?.message.id !== answer.id) return;
    this.#fruitless = 0;
    this.#running = undefined;
    if ('failure' in answer) running.reject(new KernelCallError(answer.failure));
    else running.resolve(answer.result);
    this.#pump();
  }

  #onCrash(thread: Worker, cause: unknown): void {
    if (this.#thread !== thread) return; // closed, or told already
    this.#thread = undefined;
    this.#fruitless++;
    this.#options.onCrash(cause);
    const sentence = 'The kernel worker crashed in this call, which may have been done or not';
    const error = new FairleadError('kernel/worker-crashed', sentence, {
      hint: 'Read back what is in the kernel, and apply again',
      cause,
    });
    if (this.#fruitless >= fruitlessStarts) {
      for (const pending of this.#waiting.splice(0)) pending.reject(error);
      this.#fruitless = 0;
    }
    this.#settle(error);
  }

  #settle(error: unknown): void {
    const running = this.#running;
    this.#running = undefined;
    running?.reject(error);
    this.#pump();
  }
}

const closedError = (): FairleadError =>
  new FairleadError('kernel/worker-closed', 'The kernel worker is closed');
