import type { AttachedLink, BpfEntries, BpfFound, BpfInstallation, BpfMapChange } from '../bpf/index.ts';

/** What the worker does with eBPF; the library is loaded by the first of them. */
export const bpfCalls = {
  async installBpf(installation: BpfInstallation): Promise<void> {
    (await import('../bpf/index.ts')).installBpf(installation);
  },
  async readBpfMap(pin: string): Promise<BpfEntries> {
    return (await import('../bpf/index.ts')).readPinnedMap(pin);
  },
  async lookUpBpfMap(pin: string, keys: Uint8Array): Promise<BpfFound> {
    return (await import('../bpf/index.ts')).lookUpPinnedMap(pin, keys);
  },
  async changeBpfMaps(changes: readonly BpfMapChange[]): Promise<void> {
    (await import('../bpf/index.ts')).changePinnedMaps(changes);
  },
  async bpfMapCapacity(pin: string): Promise<number | undefined> {
    return (await import('../bpf/index.ts')).capacityOfPinned(pin);
  },
  async attachBpfToLinks(pin: string, names: readonly string[]): Promise<readonly AttachedLink[]> {
    return (await import('../bpf/index.ts')).attachPinnedToLinks(pin, names);
  },
  async detachBpfFromLinks(names: readonly string[]): Promise<void> {
    (await import('../bpf/index.ts')).detachFromLinks(names);
  },
  async unpinBpf(pins: readonly string[]): Promise<void> {
    const { unpin } = await import('../bpf/index.ts');
    for (const pin of pins) unpin(pin);
  },
};
