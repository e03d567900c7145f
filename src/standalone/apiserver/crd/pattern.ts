import { setFlagsFromString } from 'node:v8';

/**
 * A pattern in the syntax of RE2, as schemas and rules have it; undefined for one that cannot be read. Flags may stand at
 * the beginning, as in `^(?i)a`. V8 compiles a pattern that it has seen before only once.
 */
export function patternOf(pattern: string): RegExp | undefined {
  try {
    const [, anchor = '', flags = '', rest = ''] = /^(\^?)\(\?([ims]+)\)(.*)$/s.exec(pattern) ?? [];
    return flags === '' ? new RegExp(pattern) : new RegExp(anchor + rest, flags);
  } catch {
    return undefined; // the caller says what was refused, or lets the text pass
  }
}

/** RE2 needs time in proportion to the text. So does V8, once it is told to change its engine when it backtracks much. */
export function boundBacktracking(): void {
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
}
