import type { PatternProgram, Step } from './program.ts';
import { isWord } from './syntax.ts';
import type { Assertion } from './syntax.ts';

/** Start and end of the whole and of each group; -1 where a group took no part. */
export type Captures = readonly number[];

/**
 * The first place of a text where a pattern matches, with the groups that a backtracking engine would find (the first
 * alternative that leads on is preferred). `text` has an octet per character.
 */
export function search({ steps, slots }: PatternProgram, text: string): Captures | undefined {
  const machine = new Machine(steps, text);
  return machine.run(slots);
}

interface Threads {
  /** Steps that take an octet, in order of preference. */
  readonly at: number[];
  readonly captures: (readonly number[])[];
}

class Machine {
  readonly #steps: readonly Step[];
  readonly #text: string;
  /** The position at which a step was last reached: nothing is followed twice from one place. */
  readonly #seen: Int32Array;
  #found: Captures | undefined;

  constructor(steps: readonly Step[], text: string) {
    this.#steps = steps;
    this.#text = text;
    this.#seen = new Int32Array(steps.length).fill(-1);
  }

  run(slots: number): Captures | undefined {
    const isAnchored = this.#steps[1]?.do === 'assert' && this.#steps[1].at === 'start';
    const none = Array.from({ length: slots }, () => -1);
    let threads: Threads = { at: [], captures: [] };
    for (let position = 0; position <= this.#text.length; position++) {
      if (this.#found === undefined && (position === 0 || !isAnchored))
        this.#follow(0, position, none, threads);
      if (threads.at.length === 0 && (this.#found !== undefined || isAnchored)) break;
      if (position === this.#text.length) {
        const index = threads.at.findIndex(at => this.#steps[at]?.do === 'match');
        if (index !== -1) this.#found = threads.captures[index];
        break;
      }
      threads = this.#advance(threads, position);
    }
    return this.#found;
  }

  #advance(threads: Threads, position: number): Threads {
    const octet = this.#text.charCodeAt(position);
    const after: Threads = { at: [], captures: [] };
    for (const [index, at] of threads.at.entries()) {
      const step = this.#steps[at];
      if (step === undefined) continue;
      if (step.do === 'match') {
        this.#found = threads.captures[index];
        break; // what follows is preferred less
      }
      if (step.do === 'take' && step.members[octet] === 1)
        this.#follow(at + 1, position + 1, threads.captures[index] ?? [], after);
    }
    return after;
  }

  /** All steps that take an octet and are reached from a step without taking one; a stack keeps the preference. */
  #follow(from: number, position: number, captures: readonly number[], into: Threads): void {
    const waiting: [number, readonly number[]][] = [[from, captures]];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [at, own] = next;
      if (this.#seen[at] === position) continue;
      this.#seen[at] = position;
      const step = this.#steps[at];
      if (step === undefined) continue;
      switch (step.do) {
        case 'take':
        case 'match':
          into.at.push(at);
          into.captures.push(own);
          break;
        case 'go':
          waiting.push([step.to, own]);
          break;
        case 'fork':
          waiting.push([step.second, own], [step.first, own]);
          break;
        case 'save': {
          waiting.push([at + 1, own.with(step.slot, position)]);
          break;
        }
        case 'assert':
          if (this.#holds(step.at, position)) waiting.push([at + 1, own]);
          break;
        default:
          step satisfies never;
      }
    }
  }

  #holds(at: Assertion, position: number): boolean {
    const text = this.#text;
    const { length } = text;
    switch (at) {
      case 'start':
        return position === 0;
      case 'end':
        return position === length;
      case 'end-or-final-newline':
        return position === length || (position === length - 1 && text[position] === '\n');
      case 'line-start':
        return position === 0 || text[position - 1] === '\n';
      case 'line-end':
        return position === length || text[position] === '\n';
      case 'word-boundary':
      case 'no-word-boundary': {
        const before = position > 0 && isWord(text.charCodeAt(position - 1));
        const after = position < length && isWord(text.charCodeAt(position));
        return (before !== after) === (at === 'word-boundary');
      }
      default:
        return at satisfies never;
    }
  }
}
