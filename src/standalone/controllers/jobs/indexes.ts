/** Sets of completion indexes as a Job's status writes them: `0,2-5,9`, in order. */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...new Set(indexes)].toSorted((a, b) => a - b);
  const parts: string[] = [];
  for (let at = 0; at < sorted.length;) {
    const first = sorted[at] ?? 0;
    let last = first;
    while (sorted[at + 1] === last + 1) {
      last += 1;
      at += 1;
    }
    at += 1;
    parts.push(last === first ? String(first) : last === first + 1 ? `${first},${last}` : `${first}-${last}`);
  }
  return parts.join(',');
}

/** Indexes that are read at most: a Job with more of them runs out of other things first. */
const MOST_INDEXES = 1_000_000;

/** Those below `completions`, which stand in order; what is no set of indexes is left out. */
export function parseIndexes(text: string | undefined, completions: number): ReadonlySet<number> {
  const found = new Set<number>();
  const end = Math.min(completions, MOST_INDEXES);
  let next = 0;
  for (const [, first = '', last = first] of (text ?? '').matchAll(PART)) {
    // Each index is looked at once, however often the text names it.
    for (let index = Math.max(Number(first), next); index <= Number(last) && index < end; index++) {
      found.add(index);
      next = index + 1;
    }
  }
  return found;
}

const PART = /(?<=^|,)(\d{1,9})(?:-(\d{1,9}))?(?=,|$)/g;
