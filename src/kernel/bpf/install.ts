import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { bpf } from '../contract.ts';
import { mountFileSystem, mounts } from '../mount/index.ts';
import { libbpf } from '../ffi/libbpf.ts';
import { attachToCgroup, attachToTc, unpin } from './attach.ts';
import type { TcHook } from './attach.ts';
import { done } from './error.ts';
import { BpfObject } from './object.ts';
import type { LoadOptions } from './object.ts';

/** What of an object file has to be in the kernel, as plain data. Pins and attachments keep it there. */
export interface BpfInstallation {
  /** The compiled object. */
  readonly file: string;
  readonly maps: NonNullable<LoadOptions['maps']>;
  /** Where programs are pinned, by their names: those that others attach. One that is pinned there already is replaced. */
  readonly programs?: Readonly<Record<string, string>>;
  readonly attachments: readonly (
    | { readonly program: string; readonly to: 'cgroup'; readonly directory: string; readonly pin: string }
    | ({ readonly program: string; readonly to: 'tc' } & TcHook)
  )[];
}

/** Loads, pins and attaches; may be repeated: maps keep their entries, and programs are replaced in one step each. */
export function installBpf(installation: BpfInstallation): void {
  const { programs: pinned = {} } = installation;
  const pins = Object.values(installation.maps).flatMap(({ pin }) => pin ?? []);
  if (pins.some(pin => pin.startsWith(`${bpf.mount}/`))) ensureBpfFileSystem();
  const attached = installation.attachments.map(attachment => attachment.program);
  const programs = [...new Set([...attached, ...Object.keys(pinned)])];
  using object = BpfObject.load(installation.file, { maps: installation.maps, programs });
  for (const [name, pin] of Object.entries(pinned)) {
    mkdirSync(dirname(pin), { recursive: true });
    unpin(pin);
    done(libbpf().bpf_obj_pin(object.program(name).fd, pin), `pin the program ${name} at ${pin}`);
  }
  for (const attachment of installation.attachments) {
    const program = object.program(attachment.program);
    if (attachment.to === 'cgroup') attachToCgroup(program, attachment.directory, attachment.pin);
    else attachToTc(program, attachment);
  }
}

/** Most systems mount it when they start; where nobody did, pins would be plain files. */
function ensureBpfFileSystem(): void {
  if (mounts().some(({ type, path }) => type === 'bpf' && path === bpf.mount)) return;
  mkdirSync(dirname(bpf.mountMarker), { recursive: true });
  writeFileSync(bpf.mountMarker, '');
  mountFileSystem('bpf', bpf.mount);
}
