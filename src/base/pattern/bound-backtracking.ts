import { setFlagsFromString } from 'node:v8';

/** RE2 needs time in proportion to the text. So does V8, once it is told to change its engine when it backtracks much. */
export function boundBacktracking(): void {
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  setFlagsFromString('--enable-experimental-regexp-engine');
}
