import type { ProgramChange } from './compile-program.ts';

/**
 * The addresses whose connections a change may concern: those whose verdict or identity is another one, and the pods of
 * groups that allow something else. `addressesOf` tells those of a group, by its name.
 */
export function affectedAddresses(
  { before, after }: ProgramChange,
  addressesOf: (group: string) => Iterable<string>,
): ReadonlySet<string> {
  const affected = new Set<string>();
  const groups = new Set<string>();
  for (const name of new Set([...before.sets.keys(), ...after.sets.keys()])) {
    if (!isByAddress(name)) {
      groups.add(groupOf(name));
      continue;
    }
    const [old, young] = [before.sets.get(name)?.elements, after.sets.get(name)?.elements];
    for (const key of [...(old?.keys() ?? []), ...(young?.keys() ?? [])])
      if (old?.get(key) !== young?.get(key)) affected.add(key);
  }
  for (const name of new Set([...before.chains.keys(), ...after.chains.keys()])) groups.add(groupOf(name));
  for (const group of groups) for (const address of addressesOf(group)) affected.add(address);
  return affected;
}

const isByAddress = (name: string): boolean => /^(identity|egress|ingress)[46]$/.test(name);

/** `egress-0badcafe-ports` → `egress-0badcafe` */
const groupOf = (name: string): string => name.split('-').slice(0, 2).join('-');
