import { attachToCgroup, attachToTc } from './attach.ts';
import type { TcHook } from './attach.ts';
import { BpfMap } from './map.ts';
import { BpfObject } from './object.ts';
import type { LoadOptions } from './object.ts';

/** What of an object file has to be in the kernel, as plain data. Pins and attachments keep it there. */
export interface BpfInstallation {
  /** The compiled object. */
  readonly file: string;
  readonly maps: NonNullable<LoadOptions['maps']>;
  readonly attachments: readonly (
    | { readonly program: string; readonly to: 'cgroup'; readonly directory: string; readonly pin: string }
    | ({ readonly program: string; readonly to: 'tc' } & TcHook)
  )[];
}

/** Loads, pins and attaches; may be repeated: maps keep their entries, and programs are replaced in one step each. */
export function installBpf(installation: BpfInstallation): void {
  const programs = [...new Set(installation.attachments.map(attachment => attachment.program))];
  using object = BpfObject.load(installation.file, { maps: installation.maps, programs });
  for (const attachment of installation.attachments) {
    const program = object.program(attachment.program);
    if (attachment.to === 'cgroup') attachToCgroup(program, attachment.directory, attachment.pin);
    else attachToTc(program, attachment);
  }
}

/** Entries of a map, keys after each other and values after each other. */
export interface BpfEntries {
  readonly keys: Uint8Array;
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

/** Deletes before it adds, so that a full map can be changed. Keys to delete that are absent are fine. */
export function changePinnedMap(
  pin: string,
  change: { readonly remove: Uint8Array; readonly set: BpfEntries },
): void {
  using map = BpfMap.openPinned(pin);
  for (let at = 0; at < change.remove.length; at += map.keyLength) {
    map.delete(change.remove.subarray(at, at + map.keyLength));
  }
  map.updateBatch(change.set.keys, change.set.values);
}
