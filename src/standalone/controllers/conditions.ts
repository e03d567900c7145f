/** The part of a condition that all kinds share. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string | null;
}

export function conditionOf<C extends Condition>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find(condition => condition.type === type);
}

/**
 * The list with `next` in it, in its type's place. The transition time is kept while the status stays; an unchanged
 * condition gives the same list, so that callers can tell by identity whether a write is due.
 */
export function withCondition<C extends Condition>(
  conditions: readonly C[] | undefined,
  next: C,
): readonly C[] {
  const list = conditions ?? [];
  const at = list.findIndex(condition => condition.type === next.type);
  const before = list[at];
  if (before === undefined) return [...list, next];
  if (before.status === next.status) {
    if (before.reason === next.reason && before.message === next.message) return list;
    const kept = before.lastTransitionTime;
    const merged = kept === undefined || kept === null ? next : { ...next, lastTransitionTime: kept };
    return list.with(at, merged);
  }
  return list.with(at, next);
}

export function withoutCondition<C extends Condition>(
  conditions: readonly C[] | undefined,
  type: string,
): readonly C[] {
  const list = conditions ?? [];
  return list.some(condition => condition.type === type)
    ? list.filter(condition => condition.type !== type)
    : list;
}
