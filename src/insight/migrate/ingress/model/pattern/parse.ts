import { escapedClass, escapedOctet, posixClass } from './octet-classes.ts';
import { complement, emptySet, foldCase, setOf } from './syntax.ts';
import type { OctetSet, PatternNode } from './syntax.ts';

export interface ParsedPattern {
  readonly node: PatternNode;
  /** Groups that take what they match, without the whole. */
  readonly groups: number;
}

/** Longer patterns are not judged. */
const LONGEST_PATTERN = 2048;
const DEEPEST_NESTING = 60;
/** PCRE's own bound of a count. */
const LARGEST_COUNT = 65_535;

/** Why a pattern is not judged: `isBroken` where PCRE would not take it either. */
export class PatternProblem extends Error {
  readonly isBroken: boolean;

  constructor(sentence: string, isBroken = false) {
    super(sentence);
    this.isBroken = isBroken;
  }
}

/**
 * PCRE's syntax (pcre2pattern), as far as it says a regular language: no look-around, no back references, no atomic or
 * possessive groups, no recursion. Whatever else is met is a PatternProblem: the caller says that it cannot tell.
 */
export function parsePattern(text: string, ignoresCase: boolean): ParsedPattern {
  if (text.length > LONGEST_PATTERN)
    throw new PatternProblem(`the pattern has more than ${LONGEST_PATTERN} characters`);
  const parser = new Parser(Buffer.from(text, 'utf8').toString('latin1'), ignoresCase);
  return parser.whole();
}

interface Flags {
  readonly ignoresCase: boolean;
  readonly dotTakesNewline: boolean;
  readonly byLine: boolean;
}

class Parser {
  readonly #text: string;
  #at = 0;
  #groups = 0;
  #flags: Flags;

  constructor(text: string, ignoresCase: boolean) {
    this.#text = text;
    this.#flags = { ignoresCase, dotTakesNewline: false, byLine: false };
  }

  whole(): ParsedPattern {
    const node = this.#choice(0);
    if (this.#at < this.#text.length) throw new PatternProblem('a closing parenthesis opens nowhere', true);
    return { node, groups: this.#groups };
  }

  #choice(depth: number): PatternNode {
    if (depth > DEEPEST_NESTING) throw new PatternProblem('the pattern is nested too deeply');
    const outer = this.#flags;
    const nodes = [this.#sequence(depth)];
    while (this.#take('|')) nodes.push(this.#sequence(depth));
    this.#flags = outer;
    return nodes.length === 1 ? (nodes[0] as PatternNode) : { type: 'choice', nodes };
  }

  #sequence(depth: number): PatternNode {
    const nodes: PatternNode[] = [];
    while (this.#at < this.#text.length && this.#peek() !== '|' && this.#peek() !== ')') {
      const atom = this.#atom(depth);
      if (atom !== undefined) nodes.push(this.#quantified(atom));
    }
    return nodes.length === 1 ? (nodes[0] as PatternNode) : { type: 'sequence', nodes };
  }

  #atom(depth: number): PatternNode | undefined {
    const character = this.#next();
    switch (character) {
      case '^':
        return { type: 'assertion', at: this.#flags.byLine ? 'line-start' : 'start' };
      case '$':
        return { type: 'assertion', at: this.#flags.byLine ? 'line-end' : 'end-or-final-newline' };
      case '.':
        return set(setOf(octet => this.#flags.dotTakesNewline || octet !== 10));
      case '[':
        return set(this.#class());
      case '(':
        return this.#group(depth);
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        throw new PatternProblem(`${character} repeats nothing`, true);
      default:
        return this.#literal(character.charCodeAt(0));
    }
  }

  #literal(octet: number): PatternNode {
    const members = setOf(other => other === octet);
    return set(this.#flags.ignoresCase ? foldCase(members) : members);
  }

  #quantified(node: PatternNode): PatternNode {
    let result = node;
    for (let times = 0; ; times++) {
      const bounds = this.#bounds();
      if (bounds === undefined) return result;
      if (times > 0) throw new PatternProblem('a repetition is repeated', true);
      const isLazy = this.#take('?');
      if (!isLazy && this.#take('+')) throw new PatternProblem('possessive repetitions are not judged');
      result = { type: 'repeat', node: result, least: bounds[0], most: bounds[1], isLazy };
    }
  }

  #bounds(): readonly [number, number] | undefined {
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (this.#take('?')) return [0, 1];
    const [all, least = '', comma, most = ''] =
      /^\{(\d{1,9})(,(\d{0,9}))?\}/.exec(this.#text.slice(this.#at, this.#at + 24)) ?? [];
    if (all === undefined) return undefined; // a brace that is no count stands for itself
    this.#at += all.length;
    const from = Number(least);
    const to = comma === undefined ? from : most === '' ? Infinity : Number(most);
    if (from > LARGEST_COUNT || (to !== Infinity && to > LARGEST_COUNT) || to < from)
      throw new PatternProblem(`${all} is no count`, true);
    return [from, to];
  }

  #group(depth: number): PatternNode | undefined {
    if (!this.#take('?')) return this.#capture(depth);
    const rest = this.#text.slice(this.#at, this.#at + 80);
    const name = /^(?:P?<([A-Za-z_]\w{0,31})>|'([A-Za-z_]\w{0,31})')/.exec(rest);
    if (name !== null) {
      this.#at += name[0].length;
      return this.#capture(depth, name[1] ?? name[2] ?? '');
    }
    if (/^(?:[=!>|&]|<[=!])/.test(rest)) throw new PatternProblem(`(?${rest[0] ?? ''}…) is not judged`);
    const [all, on = '', off = '', end] = /^([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/.exec(rest) ?? [];
    if (all === undefined) throw new PatternProblem(`(?${rest[0] ?? ''}…) is not judged`);
    this.#at += all.length;
    const outer = this.#flags;
    this.#flags = withFlags(outer, on, off);
    if (end === ')') return undefined; // to the end of the group that it stands in
    const node = this.#closed(depth);
    this.#flags = outer;
    return node;
  }

  #capture(depth: number, name?: string): PatternNode {
    const index = ++this.#groups;
    return { type: 'group', index, ...(name === undefined ? {} : { name }), node: this.#closed(depth) };
  }

  #closed(depth: number): PatternNode {
    const node = this.#choice(depth + 1);
    if (!this.#take(')')) throw new PatternProblem('a parenthesis is not closed', true);
    return node;
  }

  #escape(): PatternNode {
    const letter = this.#next();
    switch (letter) {
      case 'b':
        return { type: 'assertion', at: 'word-boundary' };
      case 'B':
        return { type: 'assertion', at: 'no-word-boundary' };
      case 'A':
        return { type: 'assertion', at: 'start' };
      case 'z':
        return { type: 'assertion', at: 'end' };
      case 'Z':
        return { type: 'assertion', at: 'end-or-final-newline' };
      default: {
        const members = escapedClass(letter);
        return members === undefined ? this.#literal(this.#escapedOctet(letter)) : set(members);
      }
    }
  }

  #escapedOctet(letter: string): number {
    const octet = escapedOctet(letter);
    if (octet !== undefined) return octet;
    if (letter === 'x') {
      const [all, short, long] =
        /^(?:([0-9A-Fa-f]{1,2})|\{([0-9A-Fa-f]{1,2})\})/.exec(this.#text.slice(this.#at, this.#at + 4)) ?? [];
      if (all === undefined) throw new PatternProblem(String.raw`\x without two digits is not judged`);
      this.#at += all.length;
      return Number.parseInt(short ?? long ?? '', 16);
    }
    if (/[A-Za-z0-9]/.test(letter)) throw new PatternProblem(`\\${letter} is not judged`);
    return letter.charCodeAt(0);
  }

  #class(): OctetSet {
    const members = emptySet();
    const isNegative = this.#take('^');
    let isFirst = true;
    while (isFirst || this.#peek() !== ']') {
      isFirst = false;
      const from = this.#classMember(members);
      if (from === undefined) continue;
      if (this.#peek() !== '-' || this.#text[this.#at + 1] === ']') {
        members[from] = 1;
        continue;
      }
      this.#at++;
      const to = this.#classMember(members);
      if (to === undefined) {
        members[from] = 1;
        members[0x2d] = 1; // a hyphen before a class stands for itself
        continue;
      }
      if (to < from) throw new PatternProblem('a range of a class is upside down', true);
      members.fill(1, from, to + 1);
    }
    this.#at++;
    const folded = this.#flags.ignoresCase ? foldCase(members) : members;
    return isNegative ? complement(folded) : folded;
  }

  /** The octet that stands next; undefined where a whole class stood, which is added. */
  #classMember(members: OctetSet): number | undefined {
    if (this.#at >= this.#text.length) throw new PatternProblem('a class is not closed', true);
    const posix = /^\[:(\^?[a-z]{1,8}):\]/.exec(this.#text.slice(this.#at, this.#at + 14));
    if (posix !== null) {
      this.#at += posix[0].length;
      return addAll(members, posixClass(posix[1] ?? ''));
    }
    const character = this.#next();
    if (character !== '\\') return character.charCodeAt(0);
    const letter = this.#next();
    if (letter === 'b') return 8;
    const escaped = escapedClass(letter);
    return escaped === undefined ? this.#escapedOctet(letter) : addAll(members, escaped);
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #next(): string {
    const character = this.#text[this.#at++];
    if (character === undefined) throw new PatternProblem('the pattern ends too early', true);
    return character;
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }
}

const set = (members: OctetSet): PatternNode => ({ type: 'set', members });

function addAll(members: OctetSet, added: OctetSet | undefined): undefined {
  if (added === undefined) throw new PatternProblem('a class has a name that is none', true);
  for (let octet = 0; octet < 256; octet++) if (added[octet] === 1) members[octet] = 1;
  return undefined;
}

function withFlags(flags: Flags, on: string, off: string): Flags {
  let changed = flags;
  for (const [letters, value] of [
    [on, true],
    [off, false],
  ] as const)
    for (const letter of letters) {
      if (letter === 'i') changed = { ...changed, ignoresCase: value };
      else if (letter === 's') changed = { ...changed, dotTakesNewline: value };
      else if (letter === 'm') changed = { ...changed, byLine: value };
      else throw new PatternProblem(`the flag ${letter} is not judged`);
    }
  return changed;
}
