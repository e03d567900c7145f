import type { Change, ChangeType } from '../store/entry.ts';

/** One line of a watch. */
export const frame = (type: ChangeType | 'BOOKMARK' | 'ERROR', objectText: string): string =>
  `{"type":"${type}","object":${objectText}}\n`;

/** The line of a change, written once for all watchers that see the change as it is. */
export class FrameCache {
  readonly #frames = new WeakMap<Change, Buffer>();

  of(change: Change): Buffer {
    const present = this.#frames.get(change);
    if (present !== undefined) return present;
    const made = Buffer.from(frame(change.type, change.after.text));
    this.#frames.set(change, made);
    return made;
  }
}
