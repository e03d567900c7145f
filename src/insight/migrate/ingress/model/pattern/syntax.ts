/** What a pattern says, as a tree. A character is an octet: nginx asks PCRE without its UTF mode. */
export type PatternNode =
  | { readonly type: 'empty' }
  | { readonly type: 'set'; readonly members: OctetSet }
  | { readonly type: 'sequence'; readonly nodes: readonly PatternNode[] }
  | { readonly type: 'choice'; readonly nodes: readonly PatternNode[] }
  | {
      readonly type: 'repeat';
      readonly node: PatternNode;
      readonly least: number;
      /** Infinity for no bound. */
      readonly most: number;
      readonly isLazy: boolean;
    }
  | { readonly type: 'group'; readonly index: number; readonly name?: string; readonly node: PatternNode }
  | { readonly type: 'assertion'; readonly at: Assertion };

export type Assertion =
  | 'start'
  | 'end'
  | 'end-or-final-newline'
  | 'line-start'
  | 'line-end'
  | 'word-boundary'
  | 'no-word-boundary';

/** 256 entries, 1 for a member. */
export type OctetSet = Uint8Array;

export const emptySet = (): OctetSet => new Uint8Array(256);

export function setOf(holds: (octet: number) => boolean): OctetSet {
  const set = emptySet();
  for (let octet = 0; octet < 256; octet++) if (holds(octet)) set[octet] = 1;
  return set;
}

export const complement = (set: OctetSet): OctetSet => set.map(member => 1 - member);

/** Both cases of the letters that are in it: PCRE's tables of the C locale know those of ASCII. */
export function foldCase(set: OctetSet): OctetSet {
  const folded = Uint8Array.from(set);
  for (let upper = 0x41; upper <= 0x5a; upper++) {
    const lower = upper + 0x20;
    if (set[upper] === 1 || set[lower] === 1) {
      folded[upper] = 1;
      folded[lower] = 1;
    }
  }
  return folded;
}

export const isWord = (octet: number | undefined): boolean =>
  octet !== undefined &&
  ((octet >= 0x30 && octet <= 0x39) ||
    (octet >= 0x41 && octet <= 0x5a) ||
    (octet >= 0x61 && octet <= 0x7a) ||
    octet === 0x5f);
