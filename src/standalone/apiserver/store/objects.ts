import type { Kind, StorageView } from '../kind.ts';
import { storageOf } from '../kind.ts';
import type { Change, Entry } from './entry.ts';
import type { Decision, Snapshot, Store, Written } from './store.ts';

/** The objects of one kind in the store, in the form that the kind shows (its own storage, or a view of another's). */
export class Objects {
  readonly #store: Store;
  readonly #storage: string;
  readonly #view: StorageView | undefined;

  constructor(store: Store, kind: Kind) {
    this.#store = store;
    this.#storage = storageOf(kind);
    this.#view = kind.view;
  }

  get(key: string): Entry | undefined {
    return this.#shown(this.#store.get(this.#storage, key));
  }

  newest(key: string): Entry | undefined {
    return this.#shown(this.#store.newest(this.#storage, key));
  }

  /** As `Store.list`. */
  list(prefix: string, after?: string, revision?: number): Snapshot | undefined {
    const snapshot = this.#store.list(this.#storage, prefix, after, revision);
    if (this.#view === undefined || snapshot === undefined) return snapshot;
    return { revision: snapshot.revision, entries: snapshot.entries.map(entry => this.#shown(entry)) };
  }

  since(revision: number): readonly Change[] | undefined {
    const changes = this.#store.since(this.#storage, revision);
    return this.#view === undefined ? changes : changes?.map(change => this.#shownChange(change));
  }

  watch(listener: (change: Change) => void): () => void {
    if (this.#view === undefined) return this.#store.watch(this.#storage, listener);
    return this.#store.watch(this.#storage, change => listener(this.#shownChange(change)));
  }

  async write(key: string, decide: (current: Entry | undefined) => Decision): Promise<Written> {
    const view = this.#view;
    if (view === undefined) return this.#store.write(this.#storage, key, decide);
    const written = await this.#store.write(this.#storage, key, current => {
      const decision = decide(this.#shown(current));
      return { ...decision, object: view.toStorage(decision.object) };
    });
    return { did: written.did, entry: this.#shown(written.entry) };
  }

  #shownChange(change: Change): Change {
    return { ...change, before: this.#shown(change.before), after: this.#shown(change.after) };
  }

  #shown(entry: Entry): Entry;
  #shown(entry: Entry | undefined): Entry | undefined;
  #shown(entry: Entry | undefined): Entry | undefined {
    if (this.#view === undefined || entry === undefined) return entry;
    const object = this.#view.fromStorage(entry.object);
    return { ...entry, object, text: JSON.stringify(object) };
  }
}
