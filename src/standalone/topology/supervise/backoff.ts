/** How long to wait before a process that ended is started again. */
export interface Backoff {
  readonly milliseconds: number;
  /** Ends in a row, none of which came after a healthy run. */
  readonly failuresInRow: number;
}

/** A run of this length was healthy: the next end counts as the first. */
export const healthyRunMilliseconds = 20_000;
const firstMilliseconds = 20;
const longestMilliseconds = 10_000;

/** The first restart is immediate for people (a crash costs milliseconds); a process that cannot start slows down. */
export function nextBackoff(failuresInRow: number, ranMilliseconds: number): Backoff {
  const failures = ranMilliseconds >= healthyRunMilliseconds ? 1 : failuresInRow + 1;
  return {
    failuresInRow: failures,
    milliseconds: Math.min(longestMilliseconds, firstMilliseconds * 4 ** Math.min(failures - 1, 10)),
  };
}
