import { parsePattern } from './parse-pattern.ts';
import type { PatternNode } from './parse-pattern.ts';

/** A piece of a path: its own text, or `undefined` for all that follows it in the request. */
export type Piece = string | undefined;

/** One way to match a pattern: a text from the start of the path, and what may follow. */
export interface Branch {
  readonly text: string;
  /** `end`: nothing follows; `rest`: anything; `more`: at least one character. */
  readonly follows: 'end' | 'rest' | 'more';
  /** By the group's number; a group that takes no part is absent. */
  readonly captures: ReadonlyMap<number, readonly Piece[]>;
  /** A dot that stands for any character is read as a dot. */
  readonly dots: boolean;
}

export type Expansion =
  | { readonly branches: readonly Branch[]; readonly why?: never }
  | { readonly branches?: never; readonly why: string };

const mostBranches = 32;
const mostCharacters = 2000;

interface Draft {
  readonly text: string;
  readonly follows: Branch['follows'] | undefined;
  readonly captures: ReadonlyMap<number, readonly Piece[]>;
  readonly dots: boolean;
}

class NotPlain extends Error {}

/**
 * A pattern as a short list of texts with or without a tail, in the order in which a regular expression would try them;
 * or why it is none. Anchored at the start, open at the end, as the controller writes it.
 */
export function expandPattern(pattern: string): Expansion {
  try {
    const empty: Draft = { text: '', follows: undefined, captures: new Map(), dots: false };
    const node = parsePattern(pattern);
    // `^` stands before the first alternative alone.
    if (node.is === 'choice')
      throw new NotPlain('alternatives outside of a group are not bound to the start');
    const drafts = expand(node, [empty]);
    return { branches: drafts.map(draft => ({ ...draft, follows: draft.follows ?? 'rest' })) };
  } catch (error) {
    if (error instanceof NotPlain) return { why: error.message };
    throw error;
  }
}

function expand(node: PatternNode, drafts: readonly Draft[]): readonly Draft[] {
  const grown = grow(node, drafts);
  if (grown.length > mostBranches) throw new NotPlain('it matches in too many ways');
  if (grown.reduce((sum, { text }) => sum + text.length, 0) > mostCharacters)
    throw new NotPlain('it is very long');
  return grown;
}

function grow(node: PatternNode, drafts: readonly Draft[]): readonly Draft[] {
  switch (node.is) {
    case 'text':
      return drafts.flatMap(draft => append(draft, node.text));
    case 'any':
      return drafts.flatMap(draft => append(draft, '.').map(grown => ({ ...grown, dots: true })));
    case 'end':
      return drafts.map(draft => ({ ...draft, follows: draft.follows ?? 'end' }));
    case 'sequence':
      return node.nodes.reduce((all, one) => expand(one, all), drafts);
    case 'choice':
      // Each way of before with each alternative: in the order in which they are tried.
      return drafts.flatMap(draft => node.nodes.flatMap(one => expand(one, [draft])));
    case 'group':
      return drafts.flatMap(draft =>
        expand(node.node, [draft]).map(grown => captured(grown, draft, node.number)),
      );
    case 'repeat':
      return repeat(node, drafts);
    case 'opaque':
      throw new NotPlain(node.why);
  }
}

/** Text after the end of a path matches nothing; after anything it is not plain. */
function append(draft: Draft, text: string): readonly Draft[] {
  if (text === '') return [draft];
  if (draft.follows === 'end') return [];
  if (draft.follows !== undefined) throw new NotPlain('something follows what matches anything');
  return [{ ...draft, text: draft.text + text }];
}

function captured(grown: Draft, before: Draft, number: number | undefined): Draft {
  if (number === undefined) return grown;
  const own = grown.text.slice(before.text.length);
  const tail = before.follows === undefined && (grown.follows === 'rest' || grown.follows === 'more');
  const pieces: readonly Piece[] = [...(own === '' ? [] : [own]), ...(tail ? [undefined] : [])];
  return { ...grown, captures: new Map([...grown.captures, [number, pieces]]) };
}

function repeat(
  { lazy, least, most, node }: PatternNode & { is: 'repeat' },
  drafts: readonly Draft[],
): readonly Draft[] {
  if (node.is === 'any' && most === Infinity && least <= 1) {
    if (lazy) throw new NotPlain('it has a lazy repetition');
    return drafts.flatMap(draft => tail(draft, least === 0 ? 'rest' : 'more'));
  }
  if (node.is === 'text' && node.text === '/' && most === Infinity && least <= 1) {
    // Slashes are merged before a path is matched, so that there is never a second one.
    return repeat({ is: 'repeat', lazy, least, most: 1, node }, drafts);
  }
  if (most > 1) {
    if (least === most && most <= 4)
      return Array.from({ length: most }).reduce<readonly Draft[]>(all => expand(node, all), drafts);
    throw new NotPlain('something is repeated');
  }
  const without = (draft: Draft): readonly Draft[] => (least === 0 ? [draft] : []);
  return drafts.flatMap(draft =>
    lazy ? [...without(draft), ...expand(node, [draft])] : [...expand(node, [draft]), ...without(draft)],
  );
}

function tail(draft: Draft, follows: 'rest' | 'more'): readonly Draft[] {
  if (draft.follows === undefined) return [{ ...draft, follows }];
  // At the end there is nothing left, and a first `.*` has taken everything.
  return follows === 'rest' ? [draft] : [];
}
