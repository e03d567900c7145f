import type { CompiledAnswer } from '../compile-answer.ts';
import type { AnsweredBy } from '../metrics.ts';

/** An answer on its way to a client. */
export interface Reply {
  readonly answer: CompiledAnswer;
  /** Seconds since it was heard, by which its TTLs are less; Infinity for one that has run out. */
  readonly age: number;
  readonly by: AnsweredBy;
}

export const nothing = {
  bytes: Buffer.alloc(0),
  ends: [],
  answers: 0,
  authorities: 0,
  additional: 0,
  stride: 0,
} as const;

/** A code alone. */
export const codeOnly = (rcode: number, by: AnsweredBy): Reply => ({
  answer: { rcode, authoritative: false, ...nothing },
  age: 0,
  by,
});
