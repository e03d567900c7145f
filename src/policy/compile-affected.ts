import type { TableState } from './compile-delta.ts';

/**
 * The addresses whose connections a change may concern: those whose verdict or identity is another one, and the pods of
 * groups that allow something else. Empty when nothing was there before: new tables have no old connections.
 */
export function affectedAddresses(before: TableState, after: TableState): ReadonlySet<string> {
  const affected = new Set<string>();
  const groups = new Set<string>();
  for (const name of new Set([...before.sets.keys(), ...after.sets.keys()])) {
    const [old, young] = [before.sets.get(name)?.elements, after.sets.get(name)?.elements];
    if (old === young) continue;
    const changed = [...(old ?? []), ...(young ?? [])].filter(
      ([key, value]) => old?.get(key) !== value || young?.get(key) !== value,
    );
    if (changed.length === 0) continue;
    if (isByAddress(name)) for (const [key] of changed) affected.add(key);
    else groups.add(groupOf(name));
  }
  for (const name of new Set([...before.chains.keys(), ...after.chains.keys()]))
    if (before.chains.get(name)?.join() !== after.chains.get(name)?.join()) groups.add(groupOf(name));
  for (const state of [before, after])
    for (const [name, { elements }] of state.sets)
      if (isByAddress(name))
        for (const [key, value] of elements) if (groups.has(value.slice('jump '.length))) affected.add(key);
  return affected;
}

const isByAddress = (name: string): boolean => /^(identity|egress|ingress)[46]$/.test(name);

/** `egress-0badcafe-ports` → `egress-0badcafe` */
const groupOf = (name: string): string => name.split('-').slice(0, 2).join('-');
