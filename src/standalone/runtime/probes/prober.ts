import type { Clock } from '../../../base/clock.ts';
import type { Probe } from '../../../kube/types/core.ts';
import type { Outcome } from './handler.ts';

export interface ProberOptions {
  readonly probe: Probe;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** When the container started, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** Asks early again, without counting, until the first success: a program is often ready long before the period is over. */
  readonly eager: boolean;
  readonly check: (timeoutMilliseconds: number) => Promise<Outcome>;
  /** Every counted failure. */
  readonly failed: (message: string) => void;
  /** The threshold was reached: `true` after successThreshold successes in a row, `false` after failureThreshold failures. */
  readonly verdict: (ok: boolean) => void;
}

const EAGER_FIRST = 50;

/** Runs one probe until the signal is aborted (core/v1 Probe). */
export async function runProber(options: ProberOptions): Promise<void> {
  const { probe, clock, signal } = options;
  const period = (probe.periodSeconds ?? 10) * 1000;
  const timeout = (probe.timeoutSeconds ?? 1) * 1000;
  let next = options.startedAt + (probe.initialDelaySeconds ?? 0) * 1000;
  let successes = 0;
  let failures = 0;
  let eager = options.eager ? EAGER_FIRST : undefined;
  try {
    for (;;) {
      const wait = next - clock.now();
      if (wait > 0) await clock.sleep(wait, signal);
      signal.throwIfAborted();
      let outcome = await options.check(timeout);
      next = Math.max(next + period, clock.now());
      while (!outcome.ok && eager !== undefined && clock.now() + eager < next) {
        await clock.sleep(eager, signal);
        outcome = await options.check(timeout);
        eager *= 2;
      }
      signal.throwIfAborted();
      eager = undefined;
      successes = outcome.ok ? successes + 1 : 0;
      failures = outcome.ok ? 0 : failures + 1;
      if (!outcome.ok) options.failed(outcome.message);
      if (outcome.ok && successes >= (probe.successThreshold ?? 1)) options.verdict(true);
      if (!outcome.ok && failures >= (probe.failureThreshold ?? 3)) options.verdict(false);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
