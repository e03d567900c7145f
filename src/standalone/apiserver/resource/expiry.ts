import type { Context } from '../context.ts';
import { Objects } from '../store/objects.ts';
import type { Kind } from '../kind.ts';
import type { Entry } from '../store/entry.ts';

/**
 * Removes objects of kinds with a time to live. Nothing about time is stored: each sweep marks the revision that was
 * reached, and what is older than a mark of long enough ago has expired. A restart starts the marks anew.
 */
export class Expiry {
  readonly #context: Context;
  #marks: readonly { readonly at: number; readonly revision: number }[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  /** Returns how many objects went. */
  async sweep(): Promise<number> {
    const { registry, clock, store } = this.#context;
    const now = clock.now();
    const mortal = registry.all().filter(kind => kind.strategy.timeToLiveSeconds !== undefined);
    const longest = Math.max(0, ...mortal.map(lifetime));
    const past = this.#marks.findLast(mark => now - mark.at >= longest);
    this.#marks = [
      ...this.#marks.filter(mark => mark === past || now - mark.at < longest),
      { at: now, revision: store.revision },
    ];
    let removed = 0;
    for (const kind of mortal) removed += await this.#sweepKind(kind, now);
    return removed;
  }

  async #sweepKind(kind: Kind, now: number): Promise<number> {
    const mark = this.#marks.findLast(({ at }) => now - at >= lifetime(kind));
    if (mark === undefined) return 0;
    const objects = new Objects(this.#context.store, kind);
    const expired = (objects.list('')?.entries ?? []).filter(entry => entry.revision <= mark.revision);
    const outcomes = await Promise.all(expired.map(entry => removeIfUnchanged(objects, entry)));
    return outcomes.filter(Boolean).length;
  }
}

const lifetime = (kind: Kind): number => (kind.strategy.timeToLiveSeconds ?? 0) * 1000;

async function removeIfUnchanged(objects: Objects, entry: Entry): Promise<boolean> {
  const written = await objects.write(entry.key, current => {
    const isSame = current !== undefined && current.revision === entry.revision;
    return { do: isSame ? 'remove' : 'keep', object: current?.object ?? entry.object };
  });
  return written.did === 'remove';
}
