/**
 * Calls `attempt` `count` times in batches of 1, 2, 4, …; after a batch with a failure no further one starts. So a set
 * whose pods are all refused costs one request a pass, and a healthy one is up after a few round trips.
 *
 * Returns the first error, if there was one; what did not start is simply not done.
 */
export async function slowStart(count: number, attempt: () => Promise<void>): Promise<Error | undefined> {
  let left = count;
  for (let batch = 1; left > 0; batch *= 2) {
    const size = Math.min(batch, left);
    const outcomes = await Promise.allSettled(Array.from({ length: size }, attempt));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') return asError(outcome.reason);
    }
    left -= size;
  }
  return undefined;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
