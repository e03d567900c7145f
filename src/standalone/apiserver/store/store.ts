import { FairleadError } from '../../../base/errors.ts';
import type { ApiObject } from '../object.ts';
import { isFields } from '../object.ts';
import { Collection } from './collection.ts';
import { corrupt } from './durable-log.ts';
import type { DurableLog } from './durable-log.ts';
import { entryOf } from './entry.ts';
import type { Change, Entry } from './entry.ts';
import { EventWindow } from './event-window.ts';
import type { WindowLimits } from './event-window.ts';

/** What a decision keeps where nothing is: nothing is answered with it. */
export const NOTHING: ApiObject = Object.freeze({ apiVersion: '', kind: '', metadata: Object.freeze({}) });

/** What a write does with the object that it found. */
export type Decision =
  /** `onStaged` is called once the write counts for the next decisions: not for one that is refused after all. */
  | { readonly do: 'put'; readonly object: ApiObject; readonly onStaged?: () => void }
  /** `object` is the last state that watchers see. */
  | { readonly do: 'remove'; readonly object: ApiObject; readonly onStaged?: () => void }
  /** Nothing changes: no revision, no event. `object` is what is answered: the present one, or a dry run's. */
  | { readonly do: 'keep'; readonly object: ApiObject };

export interface Written {
  readonly entry: Entry;
  readonly did: Decision['do'];
}

/** A write that nobody was told the end of yet. */
interface Waiting {
  readonly change: Change;
  readonly settle: PromiseWithResolvers<void>;
}

export interface Snapshot {
  readonly revision: number;
  readonly entries: readonly Entry[];
}

/** Minutes of a busy small cluster; a watcher that was away longer lists again. The texts' objects cost about as much again. */
const LIMITS: WindowLimits = { changes: 10_000, characters: 6_000_000 };

/**
 * Every object, in memory, with one revision that counts all writes. Writers decide on the newest state, one after the
 * other; readers and watchers see a write once no death of this process can undo it, in the order of revisions, and it is
 * acknowledged once a loss of power cannot undo it either. (Who watches is on this machine: what it saw before it was
 * flushed is lost together with it.)
 *
 *     write ─▶ staged (newest state) ─▶ log: one transaction for all of a turn of the loop ─▶ published: maps, window, watchers
 *                                                          └─▶ one flush for all that waited ─▶ acknowledged
 */
export class Store {
  readonly #log: DurableLog;
  readonly #collections = new Map<string, Collection>();
  readonly #window: EventWindow;
  readonly #watchers = new Map<string, Set<(change: Change) => void>>();
  readonly #onLost: (() => void)[] = [];
  readonly #onPublished: (() => void)[] = [];
  /** The newest state of keys that were written and not yet published; undefined = removed. */
  readonly #staged = new Map<string, Entry | undefined>();
  #waiting: Waiting[] = [];
  /** Committed and published, not yet flushed. */
  #unflushed: Waiting[] = [];
  #commitIsDue = false;
  #flushing: Promise<void> | undefined;
  /** Of the newest published write. */
  #revision: number;
  /** Of the newest staged write. */
  #head: number;
  /** A flush that failed leaves the disk's state unknown: nothing is written or acknowledged any more. */
  #broken: Error | undefined;

  constructor(log: DurableLog, file: string, limits: WindowLimits = LIMITS) {
    this.#log = log;
    this.#revision = log.revision;
    this.#head = log.revision;
    this.#window = new EventWindow(log.revision, limits);
    for (const row of log.load()) {
      const object = parsedObject(row.text, file);
      this.#collection(row.storage).set({ key: row.key, revision: row.revision, object, text: row.text });
    }
  }

  get revision(): number {
    return this.#revision;
  }

  /** False once the disk has failed in a way that only a restart can mend: reading goes on, writing does not. */
  get isWell(): boolean {
    return this.#broken === undefined;
  }

  get(storage: string, key: string): Entry | undefined {
    return this.#collections.get(storage)?.get(key);
  }

  /** The newest state, published or not: for decisions about other objects within a write. */
  newest(storage: string, key: string): Entry | undefined {
    const id = stagedId(storage, key);
    return this.#staged.has(id) ? this.#staged.get(id) : this.get(storage, key);
  }

  /** Entries with the key prefix, greater than `after`. `revision`: as of then; undefined if that is too long ago. */
  list(storage: string, prefix: string, after = '', revision = this.#revision): Snapshot | undefined {
    const entries = this.#collections.get(storage)?.list(prefix, after) ?? [];
    if (revision === this.#revision) return { revision, entries };
    const changes = this.#window.since(revision);
    if (changes === undefined) return undefined;
    return { revision, entries: rewound(entries, changes, { storage, prefix, after }) };
  }

  /** The changes of one storage after `revision`; undefined if some of them are gone. */
  since(storage: string, revision: number): readonly Change[] | undefined {
    return this.#window.since(revision)?.filter(change => change.storage === storage);
  }

  /** Calls `listener` for each change of the storage from now on; returns how to stop. */
  watch(storage: string, listener: (change: Change) => void): () => void {
    const listeners = this.#watchers.get(storage) ?? new Set();
    this.#watchers.set(storage, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Called after each batch of writes was published; `revision` has moved on. */
  onPublished(listener: () => void): void {
    this.#onPublished.push(listener);
  }

  /** Called after staged writes were lost to a full disk: what was derived from them has to be derived anew. */
  onLost(listener: () => void): void {
    this.#onLost.push(listener);
  }

  /** Every newest entry of a storage, staged ones included. */
  newestOf(storage: string): readonly Entry[] {
    const newest = new Map(
      (this.#collections.get(storage)?.list('', '') ?? []).map(entry => [entry.key, entry]),
    );
    for (const [id, entry] of this.#staged) {
      if (!id.startsWith(`${storage}\n`)) continue;
      if (entry === undefined) newest.delete(id.slice(storage.length + 1));
      else newest.set(entry.key, entry);
    }
    return [...newest.values()];
  }

  /**
   * Runs `decide` on the newest state at once (what it throws is thrown here), and resolves when the outcome is published
   * and flushed to the disk.
   */
  async write(
    storage: string,
    key: string,
    decide: (current: Entry | undefined) => Decision,
  ): Promise<Written> {
    const before = this.newest(storage, key);
    const decision = decide(before);
    if (decision.do === 'keep') {
      // What was kept may itself not be durable yet: an answer must not be ahead of the disk.
      if (before !== undefined) await this.#durable(before);
      return { entry: keptEntry(key, decision.object, before), did: 'keep' };
    }
    if (this.#broken !== undefined) throw this.#broken;
    const entry = entryOf(key, decision.object, this.#head + 1);
    if (decision.do === 'put') assertSize(entry);
    this.#head++;
    const type = decision.do === 'remove' ? 'DELETED' : before === undefined ? 'ADDED' : 'MODIFIED';
    this.#staged.set(stagedId(storage, key), decision.do === 'remove' ? undefined : entry);
    decision.onStaged?.();
    const settle = Promise.withResolvers<void>();
    this.#waiting.push({ change: { type, storage, before, after: entry }, settle });
    this.#scheduleCommit();
    await settle.promise;
    return { entry, did: decision.do };
  }

  /** Moves the log into the table; for quiet moments. */
  compact(): void {
    if (this.#pending().length === 0 && this.#broken === undefined) this.#log.compact();
  }

  /** Waits for what was staged, then closes the log. */
  async close(): Promise<void> {
    while (this.#pending().length > 0) {
      await Promise.allSettled(this.#pending().map(({ settle }) => settle.promise));
    }
    await this.#flushing;
    this.#log.close();
  }

  #pending(): readonly Waiting[] {
    return [...this.#waiting, ...this.#unflushed];
  }

  /** Resolves when the entry would survive a loss of power; rejects when it was lost. */
  async #durable(entry: Entry): Promise<void> {
    if (this.#waiting.length === 0 && this.#unflushed.length === 0) return;
    await this.#pending().find(({ change }) => change.after === entry)?.settle.promise;
  }

  /** Whatever else arrives in this turn of the loop shares the transaction. */
  #scheduleCommit(): void {
    if (this.#commitIsDue) return;
    this.#commitIsDue = true;
    setImmediate(() => {
      this.#commitIsDue = false;
      this.#commit();
    });
  }

  #commit(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length === 0) return; // lost meanwhile
    try {
      if (this.#broken !== undefined) throw this.#broken;
      this.#log.append(batch.map(({ change }) => change));
    } catch (error) {
      this.#lose(batch, error as Error);
      return;
    }
    this.#unflushed.push(...batch);
    for (const { change } of batch) this.#publish(change);
    for (const listener of this.#onPublished) listener();
    this.#flushing ??= this.#flush();
  }

  /** One flush at a time; what is committed meanwhile shares the next one. */
  async #flush(): Promise<void> {
    while (this.#unflushed.length > 0) {
      const count = this.#unflushed.length;
      try {
        await this.#log.sync();
      } catch (error) {
        this.#broken = error as Error;
        for (const { settle } of this.#unflushed.splice(0)) settle.reject(error);
        break;
      }
      for (const { settle } of this.#unflushed.splice(0, count)) settle.resolve();
    }
    this.#flushing = undefined;
  }

  #publish(change: Change): void {
    const { storage, after } = change;
    if (change.type === 'DELETED') this.#collection(storage).delete(after.key);
    else this.#collection(storage).set(after);
    const id = stagedId(storage, after.key);
    if (this.#staged.get(id) === after || (change.type === 'DELETED' && this.#staged.get(id) === undefined)) {
      this.#staged.delete(id);
    }
    this.#revision = after.revision;
    this.#window.push(change);
    for (const listener of this.#watchers.get(storage) ?? []) listener(change);
  }

  /** Nothing of the batch was written, and what was staged after it was decided on states that never came to be. */
  #lose(batch: readonly Waiting[], error: Error): void {
    const lost = [...batch, ...this.#waiting];
    this.#waiting = [];
    this.#staged.clear();
    for (const { settle } of lost) settle.reject(error);
    for (const listener of this.#onLost) listener();
  }

  #collection(storage: string): Collection {
    const present = this.#collections.get(storage);
    if (present !== undefined) return present;
    const made = new Collection();
    this.#collections.set(storage, made);
    return made;
  }
}

/** What etcd takes: more than that is a blob, and every watcher would get it. */
const LARGEST = 1.5 * 1024 * 1024;

function assertSize(entry: Entry): void {
  if (entry.text.length <= LARGEST) return;
  throw new FairleadError('store/too-large', `The object is larger than ${LARGEST} characters as JSON`, {
    hint: 'Keep large data outside of the API.',
  });
}

/** What a dry run would have written, or what is there already. */
function keptEntry(key: string, object: ApiObject, before: Entry | undefined): Entry {
  if (before?.object === object) return before;
  return { key, revision: before?.revision ?? 0, object, text: JSON.stringify(object) };
}

const stagedId = (storage: string, key: string): string => `${storage}\n${key}`;

/** Undoes changes, newest first, on what is there now. */
function rewound(
  entries: readonly Entry[],
  changes: readonly Change[],
  scope: { storage: string; prefix: string; after: string },
): readonly Entry[] {
  const state = new Map(entries.map(entry => [entry.key, entry]));
  for (const change of changes.toReversed()) {
    const { key } = change.after;
    if (change.storage !== scope.storage || !key.startsWith(scope.prefix) || key <= scope.after) continue;
    if (change.before === undefined) state.delete(key);
    else state.set(key, change.before);
  }
  return [...state.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function parsedObject(text: string, file: string): ApiObject {
  try {
    const object: unknown = JSON.parse(text);
    if (isFields(object) && isFields(object['metadata'])) return object as ApiObject;
  } catch (error) {
    throw corrupt(file, error);
  }
  throw corrupt(file, new Error('a stored value is not an object with metadata'));
}
