/** A move in steps that can each be checked, and taken back. */
export interface Plan {
  readonly title: string;
  /** What has to be so before the first step. */
  readonly before: readonly string[];
  readonly steps: readonly PlanStep[];
}

export interface PlanStep {
  readonly title: string;
  readonly why: string;
  /** Commands, as a person types them. */
  readonly commands: readonly string[];
  /** What has to be seen before the next step. */
  readonly check: { readonly sentence: string; readonly commands: readonly string[] };
  /** How to come back to before this step; empty: it changes nothing. */
  readonly back: readonly string[];
}
