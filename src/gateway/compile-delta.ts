import type { RouteTable, TableChange } from './table.ts';

const sections = ['listeners', 'hosts', 'certificates', 'backends'] as const;
type Section = (typeof sections)[number];
type Entries = Readonly<Record<string, unknown>>;

export const emptyTable: RouteTable = { listeners: {}, hosts: {}, certificates: {}, backends: {} };

/** What turns `before` into `after`, in whole entries; undefined where they are the same. */
export function diffTables(before: RouteTable, after: RouteTable): TableChange | undefined {
  const put: Partial<Record<Section, Entries>> = {};
  const remove: Partial<Record<Section, readonly string[]>> = {};
  for (const section of sections) {
    const [old, next]: readonly Entries[] = [before[section], after[section]];
    if (old === undefined || next === undefined || old === next) continue;
    const changed = Object.entries(next).filter(([key, entry]) => !isSameEntry(old[key], entry));
    const gone = Object.keys(old).filter(key => !Object.hasOwn(next, key));
    if (changed.length > 0) put[section] = Object.fromEntries(changed);
    if (gone.length > 0) remove[section] = gone;
  }
  if (Object.keys(put).length + Object.keys(remove).length === 0) return undefined;
  // Entries of a section of `after` are of that section's type.
  return { put: put as TableChange['put'], remove };
}

/** `applyChange(a, diffTables(a, b))` equals `b`. Keys that are not there are removed without a word. */
export function applyChange(table: RouteTable, { put, remove }: TableChange): RouteTable {
  const changed = (section: Section): Entries => {
    const [added, gone] = [put[section], remove[section]];
    if (added === undefined && gone === undefined) return table[section];
    // A copy as a whole is several times as quick as one entry by entry: tables have thousands.
    const entries: Record<string, unknown> = { ...table[section] };
    for (const key of gone ?? []) delete entries[key];
    return Object.assign(entries, added);
  };
  // Both sides hold entries of the section's type.
  return Object.fromEntries(sections.map(section => [section, changed(section)])) as unknown as RouteTable;
}

/** Entries are plain data; one that was not compiled anew is the same object. */
export function isSameEntry(a: unknown, b: unknown): boolean {
  return a === b || (a !== undefined && JSON.stringify(a) === JSON.stringify(b));
}

/** One change that does what the two do one after the other. */
export function mergeChanges(first: TableChange, second: TableChange): TableChange {
  const put: Partial<Record<Section, Entries>> = {};
  const remove: Partial<Record<Section, readonly string[]>> = {};
  for (const section of sections) {
    const added = new Map<string, unknown>(Object.entries(first.put[section] ?? {}));
    const gone = new Set(first.remove[section]);
    for (const key of second.remove[section] ?? []) {
      added.delete(key);
      gone.add(key);
    }
    for (const [key, entry] of Object.entries(second.put[section] ?? {})) {
      added.set(key, entry);
      gone.delete(key);
    }
    if (added.size > 0) put[section] = Object.fromEntries(added);
    if (gone.size > 0) remove[section] = [...gone];
  }
  // Entries of a section are of that section's type.
  return { put: put as TableChange['put'], remove };
}
