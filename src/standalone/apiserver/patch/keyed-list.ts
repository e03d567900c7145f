import { isFields } from '../object.ts';
import type { Fields } from '../object.ts';
import { StrategicPatchError } from './strategic-patch-error.ts';

/**
 * A list of objects, found by the value of one field. Several items may share a value (a Service's port for two
 * protocols): the first is found, all are removed, the others stay as they are.
 */
export class KeyedList {
  readonly #mergeKey: string;
  readonly #items: (readonly [unknown] | undefined)[];
  readonly #positions = new Map<string, number[]>();

  constructor(items: readonly unknown[], mergeKey: string) {
    this.#mergeKey = mergeKey;
    this.#items = items.map(item => [item]);
    for (const [index, item] of items.entries()) {
      if (isFields(item) && item[mergeKey] !== undefined) this.#positionsOf(item).push(index);
    }
  }

  get(like: Fields): Fields | undefined {
    const at = this.#positionsOf(like)[0];
    const found = at === undefined ? undefined : this.#items[at]?.[0];
    return isFields(found) ? found : undefined;
  }

  set(like: Fields, item: Fields): void {
    const positions = this.#positionsOf(like);
    const at = positions[0];
    if (at !== undefined) this.#items[at] = [item];
    else positions.push(this.#items.push([item]) - 1);
  }

  remove(like: Fields): void {
    for (const at of this.#positionsOf(like).splice(0)) this.#items[at] = undefined;
  }

  items(): readonly unknown[] {
    return this.#items.filter(item => item !== undefined).map(([item]) => item);
  }

  #positionsOf(item: Fields): number[] {
    const key = item[this.#mergeKey];
    if (key === undefined) {
      throw new StrategicPatchError(
        `map: ${JSON.stringify(item)} does not contain declared merge key: ${this.#mergeKey}`,
      );
    }
    const text = JSON.stringify(key);
    const present = this.#positions.get(text);
    if (present !== undefined) return present;
    const made: number[] = [];
    this.#positions.set(text, made);
    return made;
  }
}
