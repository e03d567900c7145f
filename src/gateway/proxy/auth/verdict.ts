import type { Why } from '../access-log.ts';

/** What somebody who was asked says of a request. */
export type Verdict =
  | {
      readonly type: 'allowed';
      /** The request's field lines as its backend gets them. */
      readonly change: (lines: string) => string;
      /** Further field lines of the answer. */
      readonly answerLines: string;
    }
  | {
      readonly type: 'refused';
      readonly status: number;
      readonly why: Extract<
        Why,
        'denied' | 'auth-failed' | 'invalid-backend' | 'body-too-large' | 'overloaded'
      >;
      readonly sentence: string;
      /** For the log. */
      readonly detail?: string;
      readonly lines?: string;
      /** In the sentence's place; latin1. */
      readonly body?: string;
    };

/** Whoever cannot be asked, or says nothing that can be understood, has not allowed anything. */
export const failed = (detail: string): Verdict => ({
  type: 'refused',
  status: 403,
  why: 'auth-failed',
  sentence: 'nobody could say whether this is allowed',
  detail,
});
