/** eBPF by libbpf: objects, maps, pins, and where programs are attached. Of one thread of a process only. */
export { BpfObject } from './object.ts';
export type { BpfProgram, LoadOptions } from './object.ts';
export { BpfMap } from './map.ts';
export { BpfError } from './error.ts';
export { attachedToTc, attachToCgroup, attachToTc, detachFromTc, unpin } from './attach.ts';
export type { TcHook } from './attach.ts';
export { changePinnedMap, installBpf, readPinnedMap } from './install.ts';
export type { BpfEntries, BpfInstallation } from './install.ts';
