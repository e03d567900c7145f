/**
 * Patterns whose time grows with the text alone, as RE2's does: all ways through the pattern are followed at once (Thompson).
 * For patterns that the engine of V8 that does not backtrack refuses: a group that is counted, letters of either case.
 */
export class LinearPattern {
  readonly #program: readonly Instruction[];

  /** Throws an Error for a pattern that is larger than the limit once its repetitions are written out. */
  constructor(pattern: string, flags: string, mostInstructions = MOST_INSTRUCTIONS) {
    const compiler = new Compiler(mostInstructions);
    compiler.compile(new Parser(pattern, flags).parse());
    this.#program = compiler.finish();
  }

  /** Whether the pattern matches anywhere in the text. */
  test(text: string): boolean {
    let current = new Threads(this.#program, text);
    let next = new Threads(this.#program, text);
    for (let at = 0; at <= text.length; at++) {
      if (current.add(0, at)) return true;
      const char = text[at];
      if (char === undefined) return false;
      next.clear();
      for (const index of current.waiting) {
        const instruction = this.#program[index];
        if (instruction?.is !== 'char' || !instruction.set.has(char)) continue;
        if (next.add(index + 1, at + 1)) return true;
      }
      [current, next] = [next, current];
    }
    return false;
  }
}

type Instruction =
  | { readonly is: 'char'; readonly set: CharacterSet }
  | { readonly is: 'split'; readonly to: readonly number[] }
  | { readonly is: 'assert'; readonly holds: Assertion }
  | { readonly is: 'match' };

type Assertion = (text: string, at: number) => boolean;

/** The instructions that are reached at one place in the text, each once. */
class Threads {
  readonly #program: readonly Instruction[];
  readonly #text: string;
  readonly #seen: Uint8Array;
  waiting: number[] = [];
  #reached: number[] = [];

  constructor(program: readonly Instruction[], text: string) {
    this.#program = program;
    this.#text = text;
    this.#seen = new Uint8Array(program.length);
  }

  clear(): void {
    for (const index of this.#reached) this.#seen[index] = 0;
    this.#reached = [];
    this.waiting = [];
  }

  /** Follows what takes no character; true once the end of the pattern is reached. */
  add(from: number, at: number): boolean {
    const stack = [from];
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      if (this.#seen[index] === 1) continue;
      this.#seen[index] = 1;
      this.#reached.push(index);
      const instruction = this.#program[index];
      if (instruction === undefined || instruction.is === 'match') return true;
      if (instruction.is === 'char') this.waiting.push(index);
      else if (instruction.is === 'split') stack.push(...instruction.to);
      else if (instruction.holds(this.#text, at)) stack.push(index + 1);
    }
    return false;
  }
}

/** One character of a pattern, or a class of them, asked of the engine once for each character. */
class CharacterSet {
  readonly #pattern: RegExp;
  readonly #known = new Map<string, boolean>();

  constructor(source: string, flags: string) {
    this.#pattern = new RegExp(`^${source}$`, flags.replace('m', ''));
  }

  has(char: string): boolean {
    let known = this.#known.get(char);
    if (known === undefined) {
      known = this.#pattern.test(char);
      if (this.#known.size < 256) this.#known.set(char, known);
    }
    return known;
  }
}

type Node =
  | { readonly is: 'char'; readonly source: string; readonly flags: string }
  | { readonly is: 'assert'; readonly source: string; readonly flags: string }
  | { readonly is: 'sequence'; readonly nodes: readonly Node[] }
  | { readonly is: 'choice'; readonly nodes: readonly Node[] }
  | { readonly is: 'repeat'; readonly node: Node; readonly min: number; readonly max: number };

const TOKEN =
  /\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|c[a-zA-Z]|.)|\[\^?(?:\\.|[^\]\\])*\]|\((?:\?[ims]*(?:-[ims]+)?:|\?P?<[^>]+>)?|[\s\S]/y;
/** What a group puts in force for itself, and what it takes out of force: `(?i-s:`. */
const MODIFIERS = /^\(\?([ims]*)-?([ims]*):$/;
const QUANTIFIER = /(?:([*+?])|\{(\d+)(,(\d*))?\})\??/y;

class Parser {
  readonly #pattern: string;
  #flags: string;
  #at = 0;

  constructor(pattern: string, flags: string) {
    this.#pattern = pattern;
    this.#flags = flags;
  }

  parse(): Node {
    const choices: Node[] = [];
    for (;;) {
      choices.push(this.#sequence());
      if (this.#pattern[this.#at] !== '|') break;
      this.#at++;
    }
    return choices.length === 1 && choices[0] ? choices[0] : { is: 'choice', nodes: choices };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    while (this.#at < this.#pattern.length && !'|)'.includes(this.#pattern[this.#at] ?? '')) {
      nodes.push(this.#repeated(this.#atom()));
    }
    return { is: 'sequence', nodes };
  }

  #atom(): Node {
    const token = this.#take(TOKEN)?.[0] ?? '';
    if (token.startsWith('(')) {
      const outside = this.#flags;
      const [, added = '', removed = ''] = MODIFIERS.exec(token) ?? [];
      this.#flags = [...new Set(outside + added)].filter(flag => !removed.includes(flag)).join('');
      const inner = this.parse();
      this.#flags = outside;
      this.#at++; // the group's end: the pattern was read by the engine before
      return inner;
    }
    const flags = this.#flags;
    if (['^', '$', '\\b', '\\B'].includes(token)) return { is: 'assert', source: token, flags };
    return { is: 'char', source: /^[{}\]]$/.test(token) ? `\\${token}` : token, flags };
  }

  #repeated(node: Node): Node {
    const [, sign, least, more, most] = this.#take(QUANTIFIER) ?? [];
    if (sign !== undefined) {
      return {
        is: 'repeat',
        node,
        min: sign === '+' ? 1 : 0,
        max: sign === '?' ? 1 : Infinity,
      };
    }
    if (least === undefined) return node;
    const min = Number(least);
    const max = more === undefined ? min : most === '' ? Infinity : Number(most);
    return { is: 'repeat', node, min, max };
  }

  #take(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#pattern);
    if (found === null) return undefined;
    this.#at = expression.lastIndex;
    return found;
  }
}

/** Instructions of one pattern; a text of n characters takes n times as many steps at most. */
const MOST_INSTRUCTIONS = 20_000;

class Compiler {
  readonly #sets = new Map<string, CharacterSet>();
  readonly #program: Instruction[] = [];
  readonly #most: number;

  constructor(mostInstructions: number) {
    this.#most = mostInstructions;
  }

  finish(): readonly Instruction[] {
    this.#emit({ is: 'match' });
    return this.#program;
  }

  compile(node: Node): void {
    switch (node.is) {
      case 'char':
        this.#emit({ is: 'char', set: this.#setOf(node) });
        break;
      case 'assert':
        this.#emit({ is: 'assert', holds: assertionOf(node.source, node.flags) });
        break;
      case 'sequence':
        for (const inner of node.nodes) this.compile(inner);
        break;
      case 'choice':
        this.#choose(node.nodes);
        break;
      case 'repeat':
        this.#repeat(node);
        break;
      default:
        node satisfies never;
    }
  }

  #choose(nodes: readonly Node[]): void {
    const split = this.#emit({ is: 'split', to: [] });
    const starts: number[] = [];
    const ends: number[] = [];
    for (const node of nodes) {
      starts.push(this.#program.length);
      this.compile(node);
      ends.push(this.#emit({ is: 'split', to: [] }));
    }
    this.#program[split] = { is: 'split', to: starts };
    for (const end of ends) this.#program[end] = { is: 'split', to: [this.#program.length] };
  }

  #repeat({ node, min, max }: Extract<Node, { is: 'repeat' }>): void {
    for (let count = 0; count < min; count++) this.compile(node);
    if (max === Infinity) {
      const split = this.#emit({ is: 'split', to: [] });
      this.compile(node);
      this.#emit({ is: 'split', to: [split] });
      this.#program[split] = { is: 'split', to: [split + 1, this.#program.length] };
      return;
    }
    const splits: number[] = [];
    for (let count = min; count < max; count++) {
      splits.push(this.#emit({ is: 'split', to: [] }));
      this.compile(node);
    }
    const end = this.#program.length;
    for (const split of splits) this.#program[split] = { is: 'split', to: [split + 1, end] };
  }

  #emit(instruction: Instruction): number {
    if (this.#program.length >= this.#most) throw new Error('the pattern repeats too much');
    return this.#program.push(instruction) - 1;
  }

  #setOf({ source, flags }: Extract<Node, { is: 'char' }>): CharacterSet {
    const key = `${flags}/${source}`;
    let set = this.#sets.get(key);
    if (set === undefined) {
      set = new CharacterSet(source, flags);
      this.#sets.set(key, set);
    }
    return set;
  }
}

function assertionOf(source: string, flags: string): Assertion {
  const isMultiline = flags.includes('m');
  const isWord = (char: string | undefined) => char !== undefined && /^\w$/.test(char);
  const isBoundary: Assertion = (text, at) => isWord(text[at - 1]) !== isWord(text[at]);
  switch (source) {
    case '^':
      return (text, at) => at === 0 || (isMultiline && text[at - 1] === '\n');
    case '$':
      return (text, at) => at === text.length || (isMultiline && text[at] === '\n');
    case '\\b':
      return isBoundary;
    default:
      return (text, at) => !isBoundary(text, at);
  }
}
