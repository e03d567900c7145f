import { deltaOf } from './compile-delta.ts';
import type { GroupDelta } from './compile-delta.ts';
import type { Element, ElementGroup, SetName } from './compile-nft.ts';
import { elementTypes } from './compile-table.ts';

/** Everything of all groups, for a table that has no elements. */
export function* wholeOf(groups: ReadonlyMap<string, ElementGroup>): Generator<GroupDelta> {
  for (const [key, group] of groups) yield deltaOf(key, [], group);
}

/** The sets that grow with the cluster one by one, the rest together. */
export function readTogether(): readonly ReturnType<typeof elementTypes>[] {
  const large = /^(counters|frontends|endpoints|ids|addresses)/;
  const [some, rest] = [true, false].map(isLarge =>
    [...elementTypes()].filter(([name]) => large.test(name) === isLarge),
  );
  return [...(some ?? []).map(one => new Map([one])), new Map(rest)];
}

/** The difference of one group; its elements are taken out of those that were read. */
export function takeDelta(
  key: string,
  group: ElementGroup,
  left: ReadonlyMap<string, Map<string, string>>,
): GroupDelta {
  const before = group.elements.flatMap((element): Element[] => {
    const value = left.get(element.set)?.get(element.key);
    if (value === undefined) return [];
    left.get(element.set)?.delete(element.key);
    return [{ ...element, value }];
  });
  return deltaOf(key, before, group);
}

/** Elements that no group asks for. */
export function strayIn(left: ReadonlyMap<string, ReadonlyMap<string, string>>): readonly Element[] {
  return [...left].flatMap(([set, elements]) =>
    [...elements].map(([key, value]) => ({ set: set as SetName, key, value })),
  );
}
