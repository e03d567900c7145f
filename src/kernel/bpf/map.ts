import { closeSync } from 'node:fs';
import { FairleadError } from '../../base/errors.ts';
import { libbpf } from '../ffi/libbpf.ts';
import { BpfError, done } from './error.ts';

/** <linux/bpf.h>: struct bpf_map_info begins with type, id, key size, value size, entries, flags and the name. */
const infoLength = 88;
const perCpuTypes: ReadonlySet<number> = new Set([5, 6, 10, 21]);
/** What is read at once: large buffers would stay with the thread for long. */
const batchBytes = 65_536;
/** A bucket of a hash map is read whole. */
const smallestBatch = 64;
const noEntry = 'ENOENT';
const noBatch: ReadonlySet<string> = new Set(['ENOTSUPP', 'EINVAL', 'EOPNOTSUPP', 'errno 524']);

/** A bpf map: keys and values are bytes of fixed length. Per-CPU maps have one value after the other for each CPU. */
export class BpfMap implements Disposable {
  readonly fd: number;
  readonly name: string;
  readonly keyLength: number;
  /** In bytes, for all CPUs together. */
  readonly valueLength: number;
  readonly maxEntries: number;
  readonly #owned: boolean;
  #open = true;

  /** `owned`: closing this closes the descriptor; else it is an object's. */
  constructor(fd: number, owned: boolean) {
    const info = new Uint8Array(infoLength);
    done(libbpf().bpf_obj_get_info_by_fd(fd, info, wordOf(infoLength)), 'read about a bpf map');
    const view = new DataView(info.buffer);
    const [type, valueSize] = [view.getUint32(0, true), view.getUint32(12, true)];
    const perCpu = ((valueSize + 7) & ~7) * (perCpuTypes.has(type) ? libbpf().libbpf_num_possible_cpus() : 0);
    this.fd = fd;
    this.keyLength = view.getUint32(8, true);
    this.valueLength = perCpu || valueSize;
    this.maxEntries = view.getUint32(16, true);
    this.name = new TextDecoder().decode(info.subarray(24, 40)).replace(/\0.*$/s, '');
    this.#owned = owned;
  }

  static openPinned(path: string): BpfMap {
    return new BpfMap(done(libbpf().bpf_obj_get(path), `open the bpf map pinned at ${path}`), true);
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    const value = new Uint8Array(this.valueLength);
    const result = libbpf().bpf_map_lookup_elem(this.#use(), this.#key(key), value);
    if (result < 0 && isErrno(result, noEntry)) return undefined;
    done(result, `look up in the bpf map ${this.name}`);
    return value;
  }

  update(key: Uint8Array, value: Uint8Array): void {
    this.#length('value', value, this.valueLength);
    const result = libbpf().bpf_map_update_elem(this.#use(), this.#key(key), value, 0);
    done(result, `update the bpf map ${this.name}`);
  }

  /** Absent is fine. */
  delete(key: Uint8Array): void {
    const result = libbpf().bpf_map_delete_elem(this.#use(), this.#key(key));
    if (result < 0 && isErrno(result, noEntry)) return;
    done(result, `delete from the bpf map ${this.name}`);
  }

  /** Entries one after the other in `keys` and in `values`; one system call. Not atomic: readers may see a part. */
  updateBatch(keys: Uint8Array, values: Uint8Array): void {
    const count = this.#count(keys);
    this.#length('values', values, count * this.valueLength);
    if (count === 0) return;
    const counter = wordOf(count);
    const result = libbpf().bpf_map_update_batch(this.#use(), keys, values, counter, null);
    if (result < 0) throw this.#batchError('update', result, counter, count);
  }

  /** Every key has to be there. */
  deleteBatch(keys: Uint8Array): void {
    const count = this.#count(keys);
    if (count === 0) return;
    const counter = wordOf(count);
    const result = libbpf().bpf_map_delete_batch(this.#use(), keys, counter, null);
    if (result < 0) throw this.#batchError('delete from', result, counter, count);
  }

  /** All entries. Those that change meanwhile may come twice, or not. */
  *entries(): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    const batch = Math.max(smallestBatch, Math.floor(batchBytes / (this.keyLength + this.valueLength)));
    const keys = new Uint8Array(batch * this.keyLength);
    const values = new Uint8Array(batch * this.valueLength);
    let position: Uint8Array | null = null;
    for (;;) {
      const next = new Uint8Array(Math.max(this.keyLength, 8));
      const counter = wordOf(batch);
      const result = libbpf().bpf_map_lookup_batch(this.#use(), position, next, keys, values, counter, null);
      if (result < 0 && position === null && isErrno(result, ...noBatch)) {
        yield* this.#entriesOneByOne();
        return;
      }
      const ended = result < 0 && isErrno(result, noEntry);
      if (!ended) done(result, `read the bpf map ${this.name}`);
      for (let at = 0, count = wordIn(counter); at < count; at++)
        yield [this.#slice(keys, at, this.keyLength), this.#slice(values, at, this.valueLength)];
      if (ended) return;
      position = next;
    }
  }

  /** Keeps the map in bpffs beyond this process. */
  pin(path: string): void {
    done(libbpf().bpf_obj_pin(this.#use(), path), `pin the bpf map ${this.name} at ${path}`);
  }

  close(): void {
    if (this.#open && this.#owned) closeSync(this.fd);
    this.#open = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** For kinds of maps and kernels without batches; an entry deleted meanwhile starts the walk anew, within bounds. */
  *#entriesOneByOne(): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    let key: Uint8Array | null = null;
    for (let walked = 0; walked < 2 * this.maxEntries; walked++) {
      const next = new Uint8Array(this.keyLength);
      const result = libbpf().bpf_map_get_next_key(this.#use(), key, next);
      if (result < 0 && isErrno(result, noEntry)) return;
      done(result, `read the bpf map ${this.name}`);
      const value = this.lookup(next);
      if (value !== undefined) yield [next, value];
      key = next;
    }
  }

  #use(): number {
    if (this.#open) return this.fd;
    throw new FairleadError('kernel/bpf-closed', `The bpf map ${this.name} is closed`);
  }

  #key(key: Uint8Array): Uint8Array {
    this.#length('key', key, this.keyLength);
    return key;
  }

  #count(keys: Uint8Array): number {
    const count = keys.length / this.keyLength;
    if (!Number.isInteger(count)) this.#length('keys', keys, Math.floor(count) * this.keyLength);
    return count;
  }

  /** The kernel reads as many bytes as the map says: fewer would be somebody else's memory. */
  #length(what: string, bytes: Uint8Array, length: number): void {
    if (bytes.length === length) return;
    const sentence = `The bpf map ${this.name} needs ${length} bytes of ${what}, not ${bytes.length}`;
    throw new FairleadError('kernel/bpf-length', sentence);
  }

  #batchError(what: string, result: number, counter: Uint8Array, count: number): BpfError {
    return new BpfError(
      `${what} the bpf map ${this.name} (${wordIn(counter)} of ${count} entries are done)`,
      -result,
    );
  }

  #slice(bytes: Uint8Array, at: number, length: number): Uint8Array {
    return bytes.slice(at * length, (at + 1) * length);
  }
}

function isErrno(result: number, ...names: readonly string[]): boolean {
  return names.includes(new BpfError('', -result).errno);
}

function wordOf(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function wordIn(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}
