/** eBPF by libbpf: objects, maps, pins, and where programs are attached. Of one thread of a process only. */
export { BpfObject } from './object.ts';
export type { BpfProgram, LoadOptions } from './object.ts';
export { BpfMap } from './map.ts';
export { BpfError } from './error.ts';
export { attachedToTc, attachToCgroup, attachToTc, detachFromTc, unpin } from './attach.ts';
export type { TcHook } from './attach.ts';
export { attachPinnedToLinks, detachFromLinks } from './links.ts';
export type { AttachedLink } from './links.ts';
export { createHashMap, openNested, putNested } from './nested.ts';
export type { HashMapShape } from './nested.ts';
export { testRun } from './test-run.ts';
export type { TestRun } from './test-run.ts';
export { installBpf } from './install.ts';
export type { BpfInstallation } from './install.ts';
export { capacityOfPinned, changePinnedMaps, lookUpPinnedMap, readPinnedMap } from './pinned.ts';
export type { BpfEntries, BpfFound, BpfMapChange } from './pinned.ts';
