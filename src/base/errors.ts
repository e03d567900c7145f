/** What a person needs to act on an error. `object` is `Kind/namespace/name`; `field` a path as Kubernetes writes it. */
export interface ErrorDetail {
  readonly object?: string;
  readonly field?: string;
  /** The next step, as an imperative sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * Every error that a person may see. `code` is stable (`area/what`, kebab-case): scripts and docs refer to it.
 * Libraries throw it; only the top of a process logs or prints it.
 */
export class FairleadError extends Error {
  override readonly name = 'FairleadError';
  readonly code: string;
  readonly object: string | undefined;
  readonly field: string | undefined;
  readonly hint: string | undefined;

  constructor(code: string, sentence: string, detail: ErrorDetail = {}) {
    super(sentence, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.object = detail.object;
    this.field = detail.field;
    this.hint = detail.hint;
  }
}

/** The sentence of anything thrown, with the sentences of its causes, without stacks. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message || error.name;
  if (error.cause === undefined) return own;
  const cause = sentenceOf(error.cause);
  return own.includes(cause) ? own : `${own}: ${cause}`;
}

/** Lines for a terminal: the sentence, then where, then what to do. */
export function describeError(error: unknown): readonly string[] {
  const lines = [sentenceOf(error)];
  if (!(error instanceof FairleadError)) return lines;
  if (error.object !== undefined) lines.push(`  object: ${error.object}`);
  if (error.field !== undefined) lines.push(`  field:  ${error.field}`);
  if (error.hint !== undefined) lines.push(`  next:   ${error.hint}`);
  lines.push(`  code:   ${error.code}`);
  return lines;
}
