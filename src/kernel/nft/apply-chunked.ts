import type { NftError } from './error.ts';

/** The commands of one object, which are taken or refused together; they may need those of changes before it. */
export interface NftChange<P> {
  readonly commands: string;
  /** What they are made from: a person's object and field. */
  readonly provenance: P;
}

export interface NftOutcome<P> {
  readonly applied: number;
  readonly refused: readonly { readonly provenance: P; readonly error: NftError }[];
}

/** The part of Nft that this needs. */
export interface Transactions {
  run(commands: string): void;
  check(commands: string): NftError | undefined;
}

/** 128 KiB of commands are some 1,500 elements: 10 ms, and little of the library's memory. */
const defaultCharactersAtOnce = 131_072;

/**
 * Applies changes in order, in transactions of a bounded size. When the kernel refuses one, the changes at fault are
 * found by dry runs and left out, and the rest of that transaction is applied in one step.
 */
export function applyChunked<P>(
  nft: Transactions,
  changes: readonly NftChange<P>[],
  options: { readonly charactersAtOnce?: number } = {},
): NftOutcome<P> {
  const refused: { provenance: P; error: NftError }[] = [];
  for (const chunk of chunksOf(changes, options.charactersAtOnce ?? defaultCharactersAtOnce)) {
    const commands = join(chunk);
    if (nft.check(commands) === undefined) {
      nft.run(commands);
      continue;
    }
    const { good, bad } = separate(nft, chunk);
    refused.push(...bad);
    if (good.length > 0) nft.run(join(good));
  }
  return { applied: changes.length - refused.length, refused };
}

/** Changes in runs whose commands stay below a length; a longer one is alone. */
export function chunksOf<P>(
  changes: readonly NftChange<P>[],
  charactersAtOnce: number,
): readonly NftChange<P>[][] {
  const chunks: NftChange<P>[][] = [];
  let length = Number.POSITIVE_INFINITY;
  for (const change of changes) {
    if (length + change.commands.length > charactersAtOnce) {
      chunks.push([]);
      length = 0;
    }
    chunks.at(-1)?.push(change);
    length += change.commands.length + 1;
  }
  return chunks;
}

/**
 * The shortest prefix that is refused ends with a change at fault: it is left out, and the search goes on behind it.
 * Prefixes grow by doubling, so many faults cost a dry run each, and one among n costs 2 log n.
 */
function separate<P>(
  nft: Transactions,
  chunk: readonly NftChange<P>[],
): { good: NftChange<P>[]; bad: { provenance: P; error: NftError }[] } {
  const good: NftChange<P>[] = [];
  const bad: { provenance: P; error: NftError }[] = [];
  let rest = chunk;
  while (rest.length > 0) {
    const tried = rest;
    const found = firstRefused(rest.length, count => nft.check(join([...good, ...tried.slice(0, count)])));
    if (found === undefined) {
      good.push(...rest);
      break;
    }
    good.push(...rest.slice(0, found.count - 1));
    const culprit = rest[found.count - 1];
    if (culprit !== undefined) bad.push({ provenance: culprit.provenance, error: found.error });
    rest = rest.slice(found.count);
  }
  return { good, bad };
}

/** The smallest count of 1..length that is refused, where every greater count is refused too. */
function firstRefused(
  length: number,
  check: (count: number) => NftError | undefined,
): { readonly count: number; readonly error: NftError } | undefined {
  let taken = 0;
  let refused: { count: number; error: NftError } | undefined;
  for (let step = 1; refused === undefined && taken < length; step *= 2) {
    const count = Math.min(length, taken + step);
    const error = check(count);
    if (error === undefined) taken = count;
    else refused = { count, error };
  }
  while (refused !== undefined && refused.count - taken > 1) {
    const middle = (taken + refused.count) >> 1;
    const error = check(middle);
    if (error === undefined) taken = middle;
    else refused = { count: middle, error };
  }
  return refused;
}

const join = (changes: readonly { readonly commands: string }[]): string =>
  changes.map(change => change.commands).join('\n');
