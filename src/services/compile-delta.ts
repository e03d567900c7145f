import { nft } from '../kernel/contract.ts';
import type { Element, ElementGroup } from './compile-nft.ts';

/** What turns one group from what the kernel has into what it is to be. */
export interface GroupDelta {
  readonly key: string;
  /** Absent: nobody asks for these elements. */
  readonly group: ElementGroup | undefined;
  readonly remove: readonly Element[];
  readonly add: readonly Element[];
}

const table = `inet ${nft.tables.services}`;

export function deltaOf(
  key: string,
  before: readonly Element[],
  group: ElementGroup | undefined,
): GroupDelta {
  const after = group?.elements ?? [];
  // Most are new or go whole: nothing has to be looked up for them.
  if (before.length === 0 || after.length === 0) return { key, group, remove: before, add: after };
  const has = (elements: readonly Element[]) => {
    const texts = new Set(elements.map(textOf));
    return (element: Element) => texts.has(textOf(element));
  };
  const [isAfter, isBefore] = [has(after), has(before)];
  return {
    key,
    group,
    remove: before.filter(element => !isAfter(element)),
    add: after.filter(element => !isBefore(element)),
  };
}

const textOf = ({ set, key, value }: Element): string => `${set} ${key} ${value}`;

export const isNothing = (delta: GroupDelta): boolean => delta.add.length + delta.remove.length === 0;

/** Elements of one transaction: what is written at once has to stand in memory at once. */
const elementsAtOnce = 2000;

/** Whole deltas, in transactions of a bounded size. */
export function* chunksOf(deltas: Iterable<GroupDelta>): Generator<readonly GroupDelta[]> {
  let chunk: GroupDelta[] = [];
  let size = 0;
  for (const delta of deltas) {
    const length = delta.add.length + delta.remove.length;
    if (chunk.length > 0 && size + length > elementsAtOnce) {
      yield chunk;
      chunk = [];
      size = 0;
    }
    chunk.push(delta);
    size += length;
  }
  if (chunk.length > 0) yield chunk;
}

/** Commands for all of them; a key whose value changes is taken out before it is put in. */
export function renderDeltas(deltas: readonly GroupDelta[]): string {
  return [
    ...elementLines(
      'delete',
      deltas.flatMap(delta => delta.remove),
    ),
    ...elementLines(
      'add',
      deltas.flatMap(delta => delta.add),
    ),
  ].join('');
}

/** A line an element: when nftables refuses one, it says which. */
function elementLines(verb: 'add' | 'delete', elements: readonly Element[]): readonly string[] {
  const bySet = Map.groupBy(elements, element => element.set);
  return [...bySet].map(([set, members]) => {
    const list = members.map(({ key, value }) =>
      value === '' || verb === 'delete' ? key : `${key} : ${value}`,
    );
    return `${verb} element ${table} ${set} {\n${list.join(',\n')}\n}\n`;
  });
}
