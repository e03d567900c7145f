import { existsSync } from 'node:fs';
import { BpfMap } from './map.ts';

/** Entries of a map, keys after each other and values after each other. */
export interface BpfEntries {
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

/** One step: what goes goes before what comes, so that a full map can be changed. Keys to remove may be absent. */
export interface BpfMapChange {
  readonly pin: string;
  readonly remove?: Uint8Array;
  readonly set?: BpfEntries;
}

/** Values of the keys that are there; `present` has a byte for each key, 1 or 0. */
export interface BpfFound {
  readonly present: Uint8Array;
  /** As long as for all keys; of absent ones, zeros. */
  readonly values: Uint8Array;
}

export function readPinnedMap(pin: string): BpfEntries {
  using map = BpfMap.openPinned(pin);
  const entries = [...map.entries()];
  return {
    keys: Buffer.concat(entries.map(([key]) => key)),
    values: Buffer.concat(entries.map(([, value]) => value)),
  };
}

export function lookUpPinnedMap(pin: string, keys: Uint8Array): BpfFound {
  using map = BpfMap.openPinned(pin);
  const count = Math.floor(keys.length / map.keyLength);
  const present = new Uint8Array(count);
  const values = new Uint8Array(count * map.valueLength);
  for (let index = 0; index < count; index++) {
    const value = map.lookup(keys.subarray(index * map.keyLength, (index + 1) * map.keyLength));
    if (value === undefined) continue;
    present[index] = 1;
    values.set(value, index * map.valueLength);
  }
  return { present, values };
}

/** In their order; an error leaves those before it done. */
export function changePinnedMaps(changes: readonly BpfMapChange[]): void {
  for (const { pin, remove, set } of changes) {
    using map = BpfMap.openPinned(pin);
    for (let at = 0; at < (remove?.length ?? 0); at += map.keyLength) {
      map.delete(remove?.subarray(at, at + map.keyLength) ?? new Uint8Array(0));
    }
    if (set !== undefined) map.updateBatch(set.keys, set.values);
  }
}

/** How many entries there may be; undefined where no map is pinned. */
export function capacityOfPinned(pin: string): number | undefined {
  if (!existsSync(pin)) return undefined;
  using map = BpfMap.openPinned(pin);
  return map.maxEntries;
}
