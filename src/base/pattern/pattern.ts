import { LinearPattern } from './linear-pattern.ts';
import { fromRe2 } from './re2-syntax.ts';

/**
 * A pattern in the syntax of RE2, as schemas and rules have it; undefined for one that cannot be read. Flags may stand at
 * the beginning, as in `^(?i)a`. V8 compiles a pattern that it has seen before only once.
 */
export function patternOf(pattern: string): RegExp | undefined {
  if (isBeyondRe2(pattern)) return undefined;
  const source = fromRe2(pattern);
  if (source === undefined) return undefined;
  try {
    const [, anchor = '', flags = '', rest = ''] = /^(\^?)\(\?([ims]+)\)(.*)$/s.exec(source) ?? [];
    return flags === '' ? new RegExp(source) : new RegExp(anchor + rest, flags);
  } catch {
    return undefined; // the caller says what was refused, or lets the text pass
  }
}

/** What is asked of a pattern: only whether a text has it. */
export interface TextPattern {
  test(text: string): boolean;
}

/**
 * As `patternOf`, for the question alone: its time grows with the text, whatever the pattern is. Some patterns are beyond
 * the engine of V8 that does not backtrack: counted repetitions (`(a|aa){1,200}`), letters of either case (`(?i)(a+)+`); of those `mostInstructions` bounds the steps for each character.
 */
export function testerOf(pattern: string, mostInstructions?: number): TextPattern | undefined {
  const found = patternOf(pattern);
  if (found === undefined || isBounded(found)) return found;
  try {
    return new LinearPattern(found.source, found.flags, mostInstructions);
  } catch {
    return undefined; // too large once it is written out: RE2 refuses it too
  }
}

/**
 * Whether V8 goes through any text in bounded time: the pattern leaves it one choice at most, or its engine that does not
 * backtrack takes it. Several choices multiply also where no group is repeated: `(?i)a*a*a*b`.
 */
export function isBounded({ source, flags }: RegExp): boolean {
  const bare = source.replaceAll(/\\.|\[\^?(?:\\.|[^\]\\])*\]|\(\?/gs, '');
  if ((bare.match(/[*+?{|]/g) ?? []).length < 2) return true;
  try {
    // The flag says that this engine is to be used; it is there once `boundBacktracking` was called.
    return new RegExp(source, `${flags}l`) instanceof RegExp;
  } catch {
    return false;
  }
}

/** An escape, a class of characters (which hides what is in it), or what looks around or back. */
const TOKENS = /\\k<|\\[1-9]|\\.|\[\^?(?:\\.|[^\]\\])*\]|\(\?<?[=!]/gs;

/** Whether a pattern looks ahead, behind, or back at a group: RE2 has none of it, and no engine bounds the time that it takes. */
export function isBeyondRe2(pattern: string): boolean {
  return Array.from(pattern.matchAll(TOKENS), ([token]) => token).some(
    token => token.startsWith('(') || /^\\(k|[1-9])/.test(token),
  );
}
