import { closeSync, existsSync, mkdirSync, openSync, unlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { tc } from '../contract.ts';
import { lastErrorNumber } from '../ffi/errno.ts';
import { capturingLog, libbpf } from '../ffi/libbpf.ts';
import type { BpfLinkPointer } from '../ffi/libbpf.ts';
import { inNamespace } from '../ns/enter.ts';
import { BpfError, done } from './error.ts';
import type { BpfProgram } from './object.ts';

/**
 * Attaches a program to a control group (`directory` is its full path) by a link that is pinned at `pin`, so that it
 * stays without this process. Where the pin exists, its program is replaced in one step: no packet passes without.
 */
export function attachToCgroup(program: BpfProgram, directory: string, pin: string): void {
  capturingLog(log => {
    if (existsSync(pin) && replaceLink(program, pin, log)) return;
    unpin(pin);
    createLink(program, directory, pin, log);
  });
}

/** Takes a pin away: what it kept (a link, a map, a program) ends with its last user. Absent is fine. */
export function unpin(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Where on a link: `ingress` is what comes in from it. */
export interface TcHook {
  readonly linkIndex: number;
  readonly direction: 'ingress' | 'egress';
  /** The network namespace of the link; default: the process's own. */
  readonly namespacePath?: string;
}

/** Attaches (or replaces, in one step) a direct-action program at the contract's place of the link's clsact. */
export function attachToTc(program: Pick<BpfProgram, 'name' | 'fd'>, hook: TcHook): void {
  atHook(hook, (bytes, log) => {
    const created = libbpf().bpf_tc_hook_create(bytes);
    const exists = -17;
    if (created !== exists) done(created, `make clsact on link ${hook.linkIndex}`, log);
    const attached = libbpf().bpf_tc_attach(bytes, tcOptions({ program: program.fd, replace: true }));
    done(attached, `attach the program ${program.name} to ${hook.direction} of link ${hook.linkIndex}`, log);
  });
}

/** Absent is fine, the link too. */
export function detachFromTc(hook: TcHook): void {
  atHook(hook, (bytes, log) => {
    const result = libbpf().bpf_tc_detach(bytes, tcOptions({}));
    if (result < 0 && absent.has(-result)) return;
    done(result, `detach from ${hook.direction} of link ${hook.linkIndex}`, log);
  });
}

/** The id of the program at the contract's place; undefined when there is none. */
export function attachedToTc(hook: TcHook): number | undefined {
  return atHook(hook, (bytes, log) => {
    const options = tcOptions({});
    const result = libbpf().bpf_tc_query(bytes, options);
    if (result < 0 && absent.has(-result)) return undefined;
    done(result, `read ${hook.direction} of link ${hook.linkIndex}`, log);
    return new DataView(options.buffer).getUint32(16, true);
  });
}

/** ENOENT, EINVAL (no clsact), ENODEV */
const absent: ReadonlySet<number> = new Set([2, 22, 19]);

function createLink(program: BpfProgram, directory: string, pin: string, log: readonly string[]): void {
  mkdirSync(dirname(pin), { recursive: true });
  const cgroup = openSync(directory, 'r');
  try {
    const link = libbpf().bpf_program__attach_cgroup(program.pointer, cgroup);
    if (link === null)
      throw new BpfError(`attach the program ${program.name} to ${directory}`, lastErrorNumber(), log);
    closing(link, () => done(libbpf().bpf_link__pin(link, pin), `pin a link at ${pin}`, log));
  } finally {
    closeSync(cgroup);
  }
}

/** False for a link that ended with its group: the group of now is another one. */
function replaceLink(program: BpfProgram, pin: string, log: readonly string[]): boolean {
  const link = libbpf().bpf_link__open(pin);
  if (link === null) throw new BpfError(`open the link pinned at ${pin}`, lastErrorNumber(), log);
  let isAlive = true;
  closing(link, () => {
    const result = libbpf().bpf_link__update_program(link, program.pointer);
    isAlive = result !== -constants.errno.ENOLINK;
    if (isAlive) done(result, `replace the program of the link at ${pin}`, log);
  });
  return isAlive;
}

function closing(link: BpfLinkPointer, work: () => void): void {
  try {
    work();
  } finally {
    libbpf().bpf_link__destroy(link); // closes the descriptor; the pin keeps the link
  }
}

function atHook<T>(hook: TcHook, work: (bytes: Uint8Array, log: readonly string[]) => T): T {
  const run = () => capturingLog(log => work(tcHook(hook), log));
  return hook.namespacePath === undefined ? run() : inNamespace(hook.namespacePath, run);
}

/** struct bpf_tc_hook { size_t sz; int ifindex; enum attach_point; __u32 parent; } */
function tcHook(hook: TcHook): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, 24n, true);
  view.setInt32(8, hook.linkIndex, true);
  view.setUint32(12, hook.direction === 'ingress' ? 1 : 2, true);
  return bytes;
}

/** struct bpf_tc_opts { size_t sz; int prog_fd; __u32 flags; __u32 prog_id; __u32 handle; __u32 priority; } */
function tcOptions(options: { readonly program?: number; readonly replace?: boolean }): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, 32n, true);
  view.setInt32(8, options.program ?? 0, true);
  view.setUint32(12, options.replace === true ? 1 : 0, true);
  view.setUint32(20, tc.handle, true);
  view.setUint32(24, tc.priority, true);
  return bytes;
}
