import { libbpf } from '../ffi/libbpf.ts';
import { done } from './error.ts';
import { BpfMap } from './map.ts';

export interface HashMapShape {
  readonly name: string;
  readonly keyLength: number;
  readonly valueLength: number;
  readonly maxEntries: number;
}

/** <linux/bpf.h>: BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC */
const hashMap = 1;
const noPreallocation = 1;

/** A hash map that is nowhere yet: put into a map of maps it lives as long as that; else as long as it is open. */
export function createHashMap({ name, keyLength, valueLength, maxEntries }: HashMapShape): BpfMap {
  // struct bpf_map_create_opts { size_t sz; __u32 btf_fd, …, inner_map_fd, map_flags; … }
  const options = new Uint8Array(48);
  const view = new DataView(options.buffer);
  view.setBigUint64(0, BigInt(options.length), true);
  view.setUint32(28, noPreallocation, true);
  const fd = libbpf().bpf_map_create(hashMap, name, keyLength, valueLength, maxEntries, options);
  return new BpfMap(done(fd, `make the bpf map ${name} for ${maxEntries} entries`), true);
}

/** Puts a map at the place of a map of maps: who looks it up from now on finds this one. */
export function putNested(outer: BpfMap, index: number, inner: BpfMap): void {
  outer.update(wordOf(index), wordOf(inner.fd));
}

/** The map at the place of a map of maps, open; undefined where there is none. */
export function openNested(outer: BpfMap, index: number): BpfMap | undefined {
  const id = outer.lookup(wordOf(index));
  if (id === undefined) return undefined;
  const fd = libbpf().bpf_map_get_fd_by_id(new DataView(id.buffer).getUint32(0, true));
  return new BpfMap(done(fd, `open a map of ${outer.name}`), true);
}

const wordOf = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
