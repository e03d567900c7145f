import { outcomeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { probes } from './probes.ts';
import type { Probe } from './probes.ts';

export interface ProbeResult extends Pick<Probe, 'name' | 'since' | 'purpose'> {
  readonly outcome: Outcome;
}

/** Asks the kernel at most once what it can do; only conclusive answers are kept. Synchronous. */
export class Prober {
  readonly #probes: readonly Probe[];
  readonly #known = new Map<string, Outcome>();

  constructor(all: readonly Probe[] = probes) {
    this.#probes = all;
  }

  /** Of all, or of those with these names. */
  all(names?: readonly string[]): readonly ProbeResult[] {
    return this.#probes
      .filter(({ name }) => names?.includes(name) ?? true)
      .map(probe => {
        const { name, since, purpose } = probe;
        return { name, since, purpose, outcome: this.#outcome(probe) };
      });
  }

  #outcome(probe: Probe): Outcome {
    const known = this.#known.get(probe.name);
    if (known !== undefined) return known;
    const outcome = attempt(probe);
    if (outcome.is !== 'unknown') this.#known.set(probe.name, outcome);
    return outcome;
  }
}

function attempt(probe: Probe): Outcome {
  try {
    return probe.run();
  } catch (error) {
    return outcomeOf(error);
  }
}
