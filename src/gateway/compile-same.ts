/** What is wanted; undefined where it is there already, so that nothing is written twice. */
export function unlessSame<T>(present: T | undefined, wanted: T): T | undefined {
  return present !== undefined && canonical(present) === canonical(wanted) ? undefined : wanted;
}

/** The same whatever the order of keys, and of lists whose members have a type or a name. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (Array.isArray(member)) return member.toSorted((a, b) => compare(keyOf(a), keyOf(b)));
    if (typeof member !== 'object' || member === null) return member;
    return Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => compare(a, b)));
  });
}

function keyOf(member: unknown): string {
  const { type, name } = (member ?? {}) as { readonly type?: unknown; readonly name?: unknown };
  if (typeof type === 'string') return type;
  return typeof name === 'string' ? name : '';
}

const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
