import type { RouteOperation } from '../kernel/netlink/index.ts';
import { KernelCallError } from '../kernel/worker/index.ts';
import type { PodKernel } from './apply-kernel.ts';
import type { NetworkProgram } from './compile-program.ts';

/** An operation that the kernel does not take; the others are done. */
export interface Refusal {
  readonly operation: RouteOperation;
  readonly sentence: string;
}

const refusalLimit = 100;

/**
 * Does all operations that the kernel takes and names the ones that it refuses: what one Node object says must not keep
 * another's pods from being reached. Operations may be repeated, except those that make links: these have to come first, and
 * their refusal is thrown, as is the one after the hundredth.
 */
export async function applyTolerant(
  kernel: PodKernel,
  operations: readonly RouteOperation[],
): Promise<readonly Refusal[]> {
  const refusals: Refusal[] = [];
  let rest = operations;
  while (rest.length > 0) {
    try {
      await kernel.netlink(undefined, rest);
      return refusals;
    } catch (error) {
      const index = error instanceof KernelCallError ? error.facts.operationIndex : undefined;
      const operation = index === undefined ? undefined : rest[index];
      if (index === undefined || operation === undefined) throw error;
      if (operation.do.startsWith('link-') || refusals.length >= refusalLimit) throw error;
      refusals.push({ operation, sentence: (error as KernelCallError).message });
      rest = rest.slice(index + 1);
    }
  }
  return refusals;
}

/** The program without what was refused: what the kernel has, so that the next change tries the rest again. */
export function inForce(program: NetworkProgram, refusals: readonly Refusal[]): NetworkProgram {
  if (refusals.length === 0) return program;
  const refused = new Set(refusals.map(({ operation }) => entryName(operation)));
  const kept = <V>(kind: string, entries: ReadonlyMap<string, V>) =>
    new Map([...entries].filter(([key]) => !refused.has(`${kind} ${key}`)));
  return {
    ...program,
    routes: kept('route', program.routes),
    neighbours: kept('neighbour', program.neighbours),
    forwarding: kept('fdb', program.forwarding),
  };
}

function entryName(operation: RouteOperation): string | undefined {
  if (operation.do === 'route-replace') return `route ${operation.dst}`;
  if (operation.do === 'neighbour-replace') return `neighbour ${operation.dev} ${operation.address}`;
  return operation.do === 'fdb-replace' ? `fdb ${operation.dev} ${operation.mac}` : undefined;
}
