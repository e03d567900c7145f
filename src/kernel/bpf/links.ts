import { closeSync } from 'node:fs';
import { libc } from '../ffi/libc.ts';
import { libbpf } from '../ffi/libbpf.ts';
import { attachToTc, attachedToTc, detachFromTc } from './attach.ts';
import { done } from './error.ts';

/** A link by its name, and where it is; undefined: there is no such link (any more). */
export interface AttachedLink {
  readonly name: string;
  readonly linkIndex: number | undefined;
  /** Something else, or nothing, was attached before. */
  readonly isNew: boolean;
}

/** Attaches the program pinned at `pin` to what comes in from each link of the process's own network namespace. */
export function attachPinnedToLinks(pin: string, names: readonly string[]): readonly AttachedLink[] {
  const fd = done(libbpf().bpf_obj_get(pin), `open the program pinned at ${pin}`);
  try {
    const id = programId(fd);
    return names.map(name => {
      const linkIndex = linkIndexOf(name);
      if (linkIndex === undefined) return { name, linkIndex, isNew: false };
      const hook = { linkIndex, direction: 'ingress' } as const;
      const isNew = attachedToTc(hook) !== id;
      if (isNew) attachToTc({ name: pin, fd }, hook);
      return { name, linkIndex, isNew };
    });
  } finally {
    closeSync(fd);
  }
}

/** Takes away what comes first at what comes in from each link; absent is fine, the link too. */
export function detachFromLinks(names: readonly string[]): void {
  for (const name of names) {
    const linkIndex = linkIndexOf(name);
    if (linkIndex !== undefined) detachFromTc({ linkIndex, direction: 'ingress' });
  }
}

function linkIndexOf(name: string): number | undefined {
  const index = libc().if_nametoindex(name);
  return index === 0 ? undefined : index;
}

/** struct bpf_prog_info begins with type and id. */
function programId(fd: number): number {
  const info = new Uint8Array(40);
  const length = new Uint8Array(Uint32Array.of(info.length).buffer);
  done(libbpf().bpf_obj_get_info_by_fd(fd, info, length), 'read about a program');
  return new DataView(info.buffer).getUint32(4, true);
}
