/** What is measured in a round: it returns one sample. */
export type Measure = () => Promise<number>;

/**
 * Measures all subjects in rounds that alternate between them, so that a machine that gets slower meanwhile is slower for
 * all of them. Returns each subject's samples.
 */
export async function interleave<Name extends string>(
  rounds: number,
  subjects: Readonly<Record<Name, Measure>>,
): Promise<Readonly<Record<Name, readonly number[]>>> {
  // The keys of a record of Name are Name; TypeScript widens them.
  const names = Object.keys(subjects) as Name[];
  const samples = Object.fromEntries(names.map(name => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) samples[name].push(await subjects[name]());
  }
  return samples;
}

/** Milliseconds that `run` takes. */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}
