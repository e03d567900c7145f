import { PatternProblem } from './parse.ts';
import type { ParsedPattern } from './parse.ts';
import type { Assertion, OctetSet, PatternNode } from './syntax.ts';

/** A pattern as steps of a machine without a stack (Thompson 1968, Pike's captures): time grows with text × steps. */
export type Step =
  | { readonly do: 'take'; readonly members: OctetSet }
  /** Two ways: the first is preferred. */
  | { readonly do: 'fork'; readonly first: number; readonly second: number }
  | { readonly do: 'go'; readonly to: number }
  | { readonly do: 'save'; readonly slot: number }
  | { readonly do: 'assert'; readonly at: Assertion }
  | { readonly do: 'match' };

export interface PatternProgram {
  readonly steps: readonly Step[];
  /** Two for the whole and for each group. */
  readonly slots: number;
}

const MOST_STEPS = 20_000;

export function compilePattern({ node, groups }: ParsedPattern): PatternProgram {
  const steps: Step[] = [];
  emit({ type: 'group', index: 0, node }, steps);
  add(steps, { do: 'match' });
  return { steps, slots: 2 * (groups + 1) };
}

function add(steps: Step[], step: Step): number {
  if (steps.length >= MOST_STEPS) throw new PatternProblem('the pattern is too large');
  return steps.push(step) - 1;
}

function emit(node: PatternNode, steps: Step[]): void {
  switch (node.type) {
    case 'empty':
      return;
    case 'set':
      add(steps, { do: 'take', members: node.members });
      return;
    case 'assertion':
      add(steps, { do: 'assert', at: node.at });
      return;
    case 'sequence':
      for (const one of node.nodes) emit(one, steps);
      return;
    case 'group':
      add(steps, { do: 'save', slot: 2 * node.index });
      emit(node.node, steps);
      add(steps, { do: 'save', slot: 2 * node.index + 1 });
      return;
    case 'choice':
      emitChoice(node.nodes, steps);
      return;
    case 'repeat':
      emitRepeat(node, steps);
      return;
    default:
      node satisfies never;
  }
}

function emitChoice(nodes: readonly PatternNode[], steps: Step[]): void {
  const exits: number[] = [];
  for (const [index, node] of nodes.entries()) {
    if (index === nodes.length - 1) {
      emit(node, steps);
      break;
    }
    const fork = add(steps, { do: 'fork', first: 0, second: 0 });
    emit(node, steps);
    exits.push(add(steps, { do: 'go', to: 0 }));
    steps[fork] = { do: 'fork', first: fork + 1, second: steps.length };
  }
  for (const exit of exits) steps[exit] = { do: 'go', to: steps.length };
}

function emitRepeat(
  { node, least, most, isLazy }: Extract<PatternNode, { type: 'repeat' }>,
  steps: Step[],
): void {
  for (let times = 0; times < least; times++) {
    const before = steps.length;
    emit(node, steps);
    if (steps.length === before) return; // nothing, however often
  }
  if (most === Infinity) {
    const fork = add(steps, { do: 'fork', first: 0, second: 0 });
    emit(node, steps);
    add(steps, { do: 'go', to: fork });
    steps[fork] = forkTo(fork + 1, steps.length, isLazy);
    return;
  }
  const forks: number[] = [];
  for (let times = least; times < most; times++) {
    const fork = add(steps, { do: 'fork', first: 0, second: 0 });
    forks.push(fork);
    emit(node, steps);
    if (steps.length === fork + 1) break;
  }
  for (const fork of forks) steps[fork] = forkTo(fork + 1, steps.length, isLazy);
}

const forkTo = (inside: number, outside: number, isLazy: boolean): Step =>
  isLazy ? { do: 'fork', first: outside, second: inside } : { do: 'fork', first: inside, second: outside };
