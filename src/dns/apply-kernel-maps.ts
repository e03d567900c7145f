import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BpfMap, createHashMap, openNested, putNested } from '../kernel/bpf/index.ts';
import { lengths } from './compile-kernel.ts';
import type { KernelName } from './compile-kernel.ts';

/** The maps' names, which are their pins' too; `works` is the program's own. */
export const kernelMaps = ['names', 'many', 'settings', 'state', 'pods', 'clients', 'counts'] as const;

const smallest = 1024;
/** A hash map takes 16 octets for each entry that it may have. */
const largest = 1 << 20;
const first = new Uint8Array(4);

/** One generation of names: two maps that are swapped in whole, and changed one name at a time. */
export class Generation implements Disposable {
  readonly #names: BpfMap;
  readonly #many: BpfMap;
  readonly #hasMany = new Set<string>();
  #size = 0;

  /** For so many names there is room, and for growing. */
  constructor(count: number) {
    const maxEntries = Math.min(largest, Math.max(smallest, 2 ** Math.ceil(Math.log2(count * 1.5 + 1))));
    const shape = { keyLength: lengths.hash, maxEntries };
    this.#names = createHashMap({ ...shape, name: 'names', valueLength: lengths.name });
    this.#many = createHashMap({ ...shape, name: 'many', valueLength: lengths.addresses });
  }

  static fits(count: number): boolean {
    return count <= largest;
  }

  get size(): number {
    return this.#size;
  }

  /** Its next name may not fit. */
  get isFull(): boolean {
    return this.#size >= this.#names.maxEntries * 0.95 && this.#names.maxEntries < largest;
  }

  /** Of names that are not there yet. */
  fill(entries: readonly KernelName[]): void {
    const many = entries.flatMap(entry => (entry.many === undefined ? [] : [{ ...entry, many: entry.many }]));
    this.#many.updateBatch(
      Buffer.concat(many.map(({ hash }) => hash)),
      Buffer.concat(many.map(({ many: value }) => value)),
    );
    this.#names.updateBatch(
      Buffer.concat(entries.map(({ hash }) => hash)),
      Buffer.concat(entries.map(({ name }) => name)),
    );
    for (const { hash } of many) this.#hasMany.add(textOf(hash));
    this.#size += entries.length;
  }

  /** A question meets what was or what will be: what a name leads to comes before it, and goes after. */
  set({ hash, name, many }: KernelName): void {
    if (many !== undefined) {
      this.#many.update(hash, many);
      this.#hasMany.add(textOf(hash));
    }
    if (this.#names.lookup(hash) === undefined) this.#size++;
    this.#names.update(hash, name);
    if (many === undefined) this.#forgetMany(hash);
  }

  remove(hash: Uint8Array): void {
    if (this.#names.lookup(hash) === undefined) return;
    this.#names.delete(hash);
    this.#forgetMany(hash);
    this.#size--;
  }

  [Symbol.dispose](): void {
    this.#names.close();
    this.#many.close();
  }

  /** From now on it is this one that is answered from. */
  putInto(maps: PinnedMaps): void {
    putNested(maps.many, 0, this.#many);
    putNested(maps.names, 0, this.#names);
  }

  #forgetMany(hash: Uint8Array): void {
    if (!this.#hasMany.delete(textOf(hash))) return;
    this.#many.delete(hash);
  }
}

/** What the agent has pinned, open. */
export class PinnedMaps implements Disposable {
  readonly names: BpfMap;
  readonly many: BpfMap;
  readonly settings: BpfMap;
  readonly state: BpfMap;
  readonly counts: BpfMap;
  readonly clients: BpfMap;
  readonly #directory: string;
  readonly #identity: string;

  constructor(directory: string) {
    const open = (name: (typeof kernelMaps)[number]) => BpfMap.openPinned(join(directory, name));
    this.#directory = directory;
    this.#identity = identityOf(directory);
    this.names = open('names');
    this.many = open('many');
    this.settings = open('settings');
    this.state = open('state');
    this.counts = open('counts');
    this.clients = open('clients');
  }

  static arePinned(directory: string): boolean {
    return kernelMaps.every(name => existsSync(join(directory, name)));
  }

  /** The pins still are these maps: another agent may have made others. */
  get isCurrent(): boolean {
    return PinnedMaps.arePinned(this.#directory) && identityOf(this.#directory) === this.#identity;
  }

  readSettings(): Uint8Array {
    return this.settings.lookup(first) ?? new Uint8Array(lengths.settings);
  }

  writeSettings(bytes: Uint8Array): void {
    this.settings.update(first, bytes);
  }

  /** Milliseconds since the epoch, 0 for never; and how many names there are. */
  writeState(confirmedAt: number, names: number): void {
    const bytes = new Uint8Array(BigUint64Array.of(BigInt(Math.floor(confirmedAt)), BigInt(names)).buffer);
    this.state.update(first, bytes);
  }

  /** Has it ever been filled? */
  hasNames(): boolean {
    using inner = openNested(this.names, 0);
    return inner !== undefined;
  }

  [Symbol.dispose](): void {
    for (const map of [this.names, this.many, this.settings, this.state, this.counts, this.clients])
      map.close();
  }
}

/** A pin that is made anew is another file. */
const identityOf = (directory: string): string =>
  kernelMaps.map(name => statSync(join(directory, name)).ino).join(' ');

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
