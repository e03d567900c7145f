import { createLog } from '../base/log.ts';
import { releaseMemoryAfterFloods } from './memory-watch.ts';
import { type ProcessTop, runWithLog } from './process-run.ts';

export { aborted } from './process-run.ts';
export type { ProcessTop } from './process-run.ts';

/** The top of a process of ours, with its log on standard output. */
export function runProcess(scope: string, main: (top: ProcessTop) => Promise<void>): void {
  releaseMemoryAfterFloods();
  runWithLog(createLog(scope), main);
}
