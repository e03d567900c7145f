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

/** Causes of causes beyond this depth are left out: a chain may be a circle. */
const DEEPEST_CAUSE = 8;

/** The sentence of anything thrown, with the sentences of its causes, without stacks. */
export function sentenceOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return String(error);
  const own = ownSentence(error, depth);
  if (error.cause === undefined || depth === DEEPEST_CAUSE) return own;
  const cause = sentenceOf(error.cause, depth + 1);
  return own.includes(cause) ? own : `${own.replace(/\.$/, '')}: ${cause}`;
}

/** Where a name has several addresses, the failures of all of them are one AggregateError without words of its own. */
function ownSentence(error: Error, depth: number): string {
  if (error.message !== '') return error.message;
  if (!(error instanceof AggregateError) || depth === DEEPEST_CAUSE) return error.name;
  const parts = error.errors.slice(0, DEEPEST_CAUSE).map(one => sentenceOf(one, depth + 1));
  return parts.join('; ') || error.name;
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
