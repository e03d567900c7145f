import type { Row } from './result.ts';

export interface BenchContext {
  /** End within 50 seconds: fewer rounds, and only the rows that fit. */
  readonly quick: boolean;
  /** Says on standard error what is being measured. */
  readonly say: (text: string) => void;
}

/** A file bench/NAME.ts exports one of these as `bench`. */
export interface Bench {
  /** The question that it answers. */
  readonly question: string;
  run(context: BenchContext): Promise<readonly Row[]>;
}
