import { listOf } from '../rules.ts';
import type { Bindings, Expression, Expressions, Scope } from './expression.ts';

/** Whether all conditions hold; `error` where one could not be evaluated and none is known not to hold. */
export type Outcome = { readonly holds: boolean } | { readonly error: string };

/** `matchConditions` of a policy or webhook, read once. */
export class MatchConditions {
  readonly #conditions: readonly { readonly text: string; readonly expression: Expression }[];

  /** Throws an Error where one cannot be read. */
  constructor(expressions: Expressions, conditions: unknown, scope: Scope) {
    this.#conditions = listOf(conditions).map(condition => {
      const text = String(condition['expression']).trim();
      return { text, expression: expressions.compile(text, scope, 'bool') };
    });
  }

  get areNone(): boolean {
    return this.#conditions.length === 0;
  }

  ask(bindings: Bindings): Outcome {
    const errors: string[] = [];
    for (const { text, expression } of this.#conditions) {
      try {
        if (expression.evaluate(bindings) !== true) return { holds: false };
      } catch (error) {
        errors.push(`expression '${text}' resulted in error: ${(error as Error).message}`);
      }
    }
    const [first] = errors;
    return first === undefined ? { holds: true } : { error: first };
  }
}
