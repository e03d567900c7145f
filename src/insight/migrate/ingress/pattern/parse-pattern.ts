/**
 * The part of PCRE that paths of Ingresses are mostly made of, as a tree. What is beyond it is `opaque`: nothing is
 * guessed of it, and nothing is ever matched by a backtracking engine.
 */
export type PatternNode =
  | { readonly is: 'text'; readonly text: string }
  /** `.`: any one character. */
  | { readonly is: 'any' }
  | { readonly is: 'end' }
  | { readonly is: 'sequence'; readonly nodes: readonly PatternNode[] }
  | { readonly is: 'choice'; readonly nodes: readonly PatternNode[] }
  /** `number` of a capturing group, from 1. */
  | { readonly is: 'group'; readonly number: number | undefined; readonly node: PatternNode }
  | {
      readonly is: 'repeat';
      readonly node: PatternNode;
      readonly least: number;
      readonly most: number;
      readonly lazy: boolean;
    }
  | { readonly is: 'opaque'; readonly why: string };

const mostLetters = 1000;
const deepest = 20;

/** Never throws: a pattern that is broken, too long or too deep is `opaque`, with the reason. */
export function parsePattern(pattern: string): PatternNode {
  if (pattern.length > mostLetters) return opaque('it is very long');
  const reader = new Reader(pattern);
  const node = choice(reader, 0);
  return reader.done ? node : opaque('a group is closed that was not opened');
}

class Reader {
  readonly #text: string;
  #at = 0;
  #groups = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  get next(): string {
    return this.#text[this.#at] ?? '';
  }

  take(): string {
    return this.#text[this.#at++] ?? '';
  }

  /** Takes a text if it stands here. */
  skip(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  /** Takes what a sticky pattern without alternatives of its own finds here. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    if (found !== undefined) this.#at += found[0].length;
    return found;
  }

  newGroup(): number {
    return ++this.#groups;
  }
}

const opaque = (why: string): PatternNode => ({ is: 'opaque', why });

function choice(reader: Reader, depth: number): PatternNode {
  if (depth > deepest) {
    while (!reader.done) reader.take();
    return opaque('its groups are too deep');
  }
  const nodes = [sequence(reader, depth)];
  while (reader.skip('|')) nodes.push(sequence(reader, depth));
  return nodes.length === 1 ? (nodes[0] ?? opaque('it is empty')) : { is: 'choice', nodes };
}

function sequence(reader: Reader, depth: number): PatternNode {
  const nodes: PatternNode[] = [];
  while (!reader.done && reader.next !== '|' && reader.next !== ')')
    nodes.push(repeated(reader, atom(reader, depth)));
  return { is: 'sequence', nodes };
}

function atom(reader: Reader, depth: number): PatternNode {
  const letter = reader.take();
  switch (letter) {
    case '(':
      return group(reader, depth);
    case '[':
      return oneOf(reader);
    case '.':
      return { is: 'any' };
    case '$':
      return { is: 'end' };
    case '^':
      // The controller writes one before the path: a second one at its start changes nothing.
      return { is: 'text', text: '' };
    case '\\':
      return escape(reader);
    case '*':
    case '+':
    case '?':
      return opaque('something is repeated that is not there');
    default:
      return { is: 'text', text: letter };
  }
}

function group(reader: Reader, depth: number): PatternNode {
  let number: number | undefined;
  if (reader.skip('?')) {
    const named = reader.match(/P?<[A-Za-z_]\w*>/y) !== undefined;
    if (named) number = reader.newGroup();
    else if (!reader.skip(':')) {
      // Case is folded anyway.
      if (reader.skip('i)')) return { is: 'text', text: '' };
      return skipGroup(reader, 'a look-around or an option');
    }
  } else number = reader.newGroup();
  const node = choice(reader, depth + 1);
  if (!reader.skip(')')) return opaque('a group is not closed');
  return { is: 'group', number, node };
}

/** What follows is not understood, so that nothing of it is. */
function skipGroup(reader: Reader, what: string): PatternNode {
  while (!reader.done) reader.take();
  return opaque(`it has ${what}`);
}

function oneOf(reader: Reader): PatternNode {
  const found = reader.match(/\^?\]?(?:\\[^]|\[:\w+:\]|[^\]\\])*\]/y)?.[0];
  if (found === undefined) return opaque('a set of characters is not closed');
  const inside = found.slice(0, -1);
  const single = /^\\?([./_~-])$/.exec(inside)?.[1];
  return single === undefined ? opaque('it has a set of characters') : { is: 'text', text: single };
}

function escape(reader: Reader): PatternNode {
  if (reader.done) return opaque('it ends with a backslash');
  const letter = reader.take();
  if (letter === 'z' || letter === 'Z') return { is: 'end' };
  return /[A-Za-z0-9]/.test(letter) ? opaque(`it has \\${letter}`) : { is: 'text', text: letter };
}

function repeated(reader: Reader, node: PatternNode): PatternNode {
  const bounds = boundsOf(reader);
  if (bounds === undefined) return node;
  const [least, most] = bounds;
  if (reader.skip('+')) return opaque('it has a possessive repetition');
  return { is: 'repeat', node, least, most, lazy: reader.skip('?') };
}

function boundsOf(reader: Reader): readonly [number, number] | undefined {
  if (reader.skip('*')) return [0, Infinity];
  if (reader.skip('+')) return [1, Infinity];
  if (reader.skip('?')) return [0, 1];
  const found = reader.match(/\{(\d{1,3})(,?)(\d{0,3})\}/y);
  if (found === undefined) return undefined;
  const least = Number(found[1]);
  if (found[2] === '') return [least, least];
  return [least, found[3] === '' ? Infinity : Number(found[3])];
}
