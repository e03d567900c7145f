/** PCRE's patterns, judged without backtracking: what an Ingress says is never run on an engine that it can stop. */
import { search } from './match.ts';
import type { Captures } from './match.ts';
import { PatternProblem, parsePattern } from './parse.ts';
import { compilePattern } from './program.ts';
import type { PatternNode } from './syntax.ts';

export type { Captures } from './match.ts';
export { witnesses } from './witness.ts';

export type Pattern =
  | {
      readonly isJudged: true;
      readonly source: string;
      readonly node: PatternNode;
      readonly groups: number;
      /** The first match in a text of octets. */
      search(text: string): Captures | undefined;
    }
  | {
      readonly isJudged: false;
      readonly source: string;
      /** A sentence without a full stop. */
      readonly reason: string;
      /** PCRE refuses it too, and nginx with it its whole configuration. */
      readonly isBroken: boolean;
    };

export function readPattern(source: string, ignoresCase: boolean): Pattern {
  try {
    const parsed = parsePattern(source, ignoresCase);
    const program = compilePattern(parsed);
    const { groups, node } = parsed;
    return { isJudged: true, source, node, groups, search: text => search(program, text) };
  } catch (error) {
    if (!(error instanceof PatternProblem)) throw error;
    return { isJudged: false, source, reason: error.message, isBroken: error.isBroken };
  }
}
