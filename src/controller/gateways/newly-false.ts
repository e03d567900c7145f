import type { Condition } from '../../kube/types/meta.ts';

/** Waiting for something is no news: it is what every Gateway begins with. */
const WAITING = ['Pending', 'AddressNotAssigned', 'NoConflicts'];

/**
 * Conditions that did not hold before for the same reason: what an Event is worth. Each list is one object's (a Gateway,
 * a listener, a parent), before and after in the same order.
 */
export function newlyFalse(
  before: readonly (readonly Condition[])[],
  after: readonly (readonly Condition[])[],
): readonly Condition[] {
  const told = new Set<string>();
  const keyOf = ({ type, reason, message }: Condition) => `${type} ${reason} ${message}`;
  const known = new Set(before.flat().map(keyOf));
  return after.flat().filter(condition => {
    if (condition.status !== 'False' || WAITING.includes(condition.reason)) return false;
    // One cause makes several conditions false.
    const sentence = `${condition.reason} ${condition.message}`;
    if (known.has(keyOf(condition)) || told.has(sentence)) return false;
    told.add(sentence);
    return true;
  });
}
