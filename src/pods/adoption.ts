import type { Address } from '../base/ip.ts';
import { bitsOf } from '../base/ip.ts';
import type { KernelState } from './apply-read.ts';
import { hostInterfaceOf } from './attachment.ts';
import type { Allocation } from './ipam/ipam.ts';
import type { AttachmentKey, PodReference } from './model.ts';

/** What has to be done so that the store and the kernel tell the same after a restart. */
export interface AdoptionPlan {
  /** Veths whose attachment the store has lost, with the addresses that lead to them. */
  readonly adopt: readonly (AttachmentKey & {
    readonly pod: PodReference;
    readonly addresses: readonly Address[];
  })[];
  /** Veths that no ADD has finished. */
  readonly deleteLinks: readonly string[];
  /** Reservations that no ADD has finished: the runtime was told of a failure, or will ask again. */
  readonly release: readonly AttachmentKey[];
}

/** `running` are the hosts' ends of operations that are not yet through; `now` is compared with deadlines. */
export function planAdoption(
  allocations: readonly Allocation[],
  state: Pick<KernelState, 'podLinks' | 'routes'>,
  running: ReadonlySet<string>,
  now: number,
): AdoptionPlan {
  const known = new Map(allocations.map(allocation => [hostInterfaceOf(allocation), allocation]));
  const adopt: AdoptionPlan['adopt'][number][] = [];
  const deleteLinks: string[] = [];
  for (const [name, link] of state.podLinks) {
    if (known.has(name) || running.has(name)) continue;
    const addresses = state.routes
      .filter(route => route.device === name && route.destination.length === bitsOf(route.destination.family))
      .map(({ destination }) => ({ family: destination.family, value: destination.value }));
    const { content } = link;
    // A link that was not made for what its alias says is not one of ours to adopt.
    if (content === undefined || hostInterfaceOf(content) !== name) continue;
    if (addresses.length === 0) deleteLinks.push(name);
    else adopt.push({ ...content, addresses });
  }
  const stale = allocations.filter(
    allocation =>
      allocation.state === 'reserving' &&
      allocation.deadline <= now &&
      !running.has(hostInterfaceOf(allocation)),
  );
  deleteLinks.push(...stale.map(hostInterfaceOf).filter(name => state.podLinks.has(name)));
  return { adopt, deleteLinks, release: stale };
}

/**
 * Attachments that nobody will ever DEL: the veth is gone from the kernel, which happens when the pod's namespace ends,
 * and so is the path of the namespace. Young ones are left alone: a runtime may be between two steps.
 */
export function leakedAllocations(
  allocations: readonly Allocation[],
  podLinks: KernelState['podLinks'],
  sandboxExists: (path: string) => boolean,
  now: number,
): readonly Allocation[] {
  return allocations.filter(
    allocation =>
      allocation.state === 'assigned' &&
      now - allocation.created > graceMilliseconds &&
      !podLinks.has(hostInterfaceOf(allocation)) &&
      (allocation.sandbox === '' || !sandboxExists(allocation.sandbox)),
  );
}

const graceMilliseconds = 60_000;
