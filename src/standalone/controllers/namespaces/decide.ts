import type { Namespace, NamespaceCondition } from '../../../kube/types/config.ts';
import { withCondition } from '../conditions.ts';
import { timestampOf } from '../../../kube/timestamps.ts';

/** What one pass over a terminating namespace found. */
export interface Emptying {
  /** Kinds that the server could not be asked for. */
  readonly discoveryFailures: readonly string[];
  /** What could not be listed or deleted. */
  readonly contentFailures: readonly string[];
  /** Resource (`pods`, `deployments.apps`) → how many are left, without those that are 0. */
  readonly remaining: ReadonlyMap<string, number>;
  /** Finalizer → how many of the objects that are left wait for it. */
  readonly finalizers: ReadonlyMap<string, number>;
}

/** Only then may the namespace itself go: nothing is left, and nothing is unknown. */
export function isEmptied(found: Emptying): boolean {
  return (
    found.discoveryFailures.length === 0 && found.contentFailures.length === 0 && found.remaining.size === 0
  );
}

/** `kubectl describe namespace` shows these: what holds the deletion up. The same list when nothing changed. */
export function conditionsOf(
  namespace: Namespace,
  found: Emptying,
  now: number,
): readonly NamespaceCondition[] {
  const told = [
    condition(
      'NamespaceDeletionDiscoveryFailure',
      found.discoveryFailures.length > 0,
      ['DiscoveryFailed', `Some kinds could not be discovered: ${found.discoveryFailures.join('; ')}`],
      ['ResourcesDiscovered', 'All kinds were discovered.'],
    ),
    condition(
      'NamespaceDeletionContentFailure',
      found.contentFailures.length > 0,
      ['ContentDeletionFailed', `Some content could not be deleted: ${found.contentFailures.join('; ')}`],
      ['ContentDeleted', 'All content was told to go.'],
    ),
    condition(
      'NamespaceContentRemaining',
      found.remaining.size > 0,
      ['SomeResourcesRemain', `Some resources are remaining: ${counted(found.remaining)}`],
      ['ContentRemoved', 'All content is gone.'],
    ),
    condition(
      'NamespaceFinalizersRemaining',
      found.finalizers.size > 0,
      ['SomeFinalizersRemain', `Some remaining content waits for finalizers: ${counted(found.finalizers)}`],
      ['ContentHasNoFinalizers', 'No content waits for a finalizer.'],
    ),
  ];
  let conditions: readonly NamespaceCondition[] = namespace.status?.conditions ?? [];
  for (const each of told) {
    conditions = withCondition(conditions, { ...each, lastTransitionTime: timestampOf(now) });
  }
  return conditions;
}

type Words = readonly [reason: string, message: string];

function condition(type: string, holds: boolean, bad: Words, good: Words): NamespaceCondition {
  const [reason, message] = holds ? bad : good;
  return { type, status: holds ? 'True' : 'False', reason, message: message.slice(0, 1024) };
}

function counted(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .map(([what, count]) => `${what} (${count})`)
    .sort()
    .join(', ');
}
