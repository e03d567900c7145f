import { closeSync, fstatSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { sentenceOf } from '../base/errors.ts';
import type { FlowEvent } from '../base/flow-event.ts';
import type { Log } from '../base/log.ts';

/** Two files of as much: what is older goes. */
const mostBytes = 1024 * 1024;
const flushMilliseconds = 1000;
const mostWaiting = 2000;

/**
 * The events of a node on disk, so that an agent that starts again still knows them: lines of JSON in `flows.jsonl`, and
 * those before in `flows.old.jsonl`. Written once a second; a disk that does not take them costs nothing else.
 */
export class FlowLog {
  readonly #paths: readonly [current: string, old: string];
  readonly #log: Log;
  #waiting: FlowEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isTold = false;

  constructor(directory: string, log: Log) {
    this.#paths = [join(directory, 'flows.jsonl'), join(directory, 'flows.old.jsonl')];
    this.#log = log;
  }

  /** What is there, the oldest first. A line that was cut off is left out. */
  read(): readonly FlowEvent[] {
    return this.#paths.toReversed().flatMap(path => readLines(path));
  }

  add(event: FlowEvent): void {
    if (this.#waiting.length < mostWaiting) this.#waiting.push(event);
    this.#timer ??= setTimeout(() => this.flush(), flushMilliseconds).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const events = this.#waiting;
    this.#waiting = [];
    if (events.length === 0) return;
    try {
      this.#append(events.map(event => `${JSON.stringify(event)}\n`).join(''));
      this.#isTold = false;
    } catch (error) {
      if (!this.#isTold) this.#log.warn({ reason: sentenceOf(error) }, 'flow events cannot be written');
      this.#isTold = true;
    }
  }

  #append(text: string): void {
    const [current, old] = this.#paths;
    const file = openSync(current, 'a', 0o600);
    try {
      // What an earlier process left may have no end of its line.
      const { size } = fstatSync(file);
      writeSync(file, size === 0 ? text : `\n${text}`);
      if (size + text.length > mostBytes) renameSync(current, old);
    } finally {
      closeSync(file);
    }
  }
}

function readLines(path: string): readonly FlowEvent[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return []; // not there yet
  }
  return text.split('\n').flatMap(line => {
    try {
      const event: unknown = JSON.parse(line);
      return isWhole(event) ? [event] : [];
    } catch {
      return []; // an empty line, or one that was cut off
    }
  });
}

/** As far as readers go without asking: a file is what somebody made of it. */
function isWhole(event: unknown): event is FlowEvent {
  const { at, destination, id, last, packets, source, verdict, why } = (event ?? {}) as Partial<FlowEvent>;
  return (
    /\/\d{1,15}$/.test(String(id)) &&
    [at, last].every(time => typeof time === 'string' && !Number.isNaN(Date.parse(time))) &&
    [source?.address, destination?.address, verdict].every(text => typeof text === 'string') &&
    typeof packets === 'number' &&
    Array.isArray(why?.policies) &&
    Array.isArray(why.misses)
  );
}
