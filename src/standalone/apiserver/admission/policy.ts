import type { ApiObject, Fields } from '../object.ts';
import { isFields, valueAt } from '../object.ts';
import { MatchConditions } from './cel/conditions.ts';
import { lazily } from './cel/bindings.ts';
import type { Bindings, Expression, Expressions, Scope } from './cel/expression.ts';
import { listOf, textOf } from './rules.ts';

/** What one expression of a policy says of a request. */
export interface Failure {
  readonly index: number;
  readonly message: string;
  /** Of the Status that refuses. */
  readonly reason: string;
  /** It refuses whatever the binding says: the policy is not what it should be, or cannot be asked. */
  readonly always?: boolean;
}

export interface PolicyResult {
  readonly failures: readonly Failure[];
  readonly annotations: Readonly<Record<string, string>>;
}

interface Check {
  readonly text: string;
  readonly expression: Expression;
  readonly message: string;
  readonly computed: Expression | undefined;
  readonly reason: string;
}

const NOTHING: PolicyResult = { failures: [], annotations: {} };
const LONGEST_MESSAGE = 5 * 1024;
const LONGEST_ANNOTATION = 10 * 1024;

/** A ValidatingAdmissionPolicy whose expressions were read. */
export class Policy {
  readonly #conditions: MatchConditions;
  readonly #variables: readonly { readonly name: string; readonly expression: Expression }[];
  readonly #checks: readonly Check[];
  readonly #annotations: readonly {
    readonly key: string;
    readonly text: string;
    readonly expression: Expression;
  }[];
  readonly #fails: boolean;

  /** Throws an Error where an expression cannot be read. */
  constructor(expressions: Expressions, policy: ApiObject) {
    const spec = isFields(policy['spec']) ? policy['spec'] : {};
    const scope = scopeOf(spec);
    this.#fails = spec['failurePolicy'] !== 'Ignore';
    this.#conditions = new MatchConditions(expressions, spec['matchConditions'], scope.conditions);
    this.#variables = listOf(spec['variables']).map(variable => ({
      name: String(variable['name']),
      expression: expressions.compile(String(variable['expression']), scope.checks),
    }));
    this.#checks = listOf(spec['validations']).map(validation => {
      const text = String(validation['expression']);
      const computed = textOf(validation['messageExpression']).trim();
      return {
        text,
        expression: expressions.compile(text, scope.checks, 'bool'),
        message: textOf(validation['message']).trim(),
        computed: computed === '' ? undefined : expressions.compile(computed, scope.messages, 'string'),
        reason: textOf(validation['reason']) || 'Invalid',
      };
    });
    this.#annotations = listOf(spec['auditAnnotations']).map(annotation => {
      const text = String(annotation['valueExpression']).trim();
      return {
        key: String(annotation['key']),
        text,
        expression: expressions.compile(text, scope.checks),
      };
    });
  }

  /** `params` is one of the objects that a binding names, or null. */
  ask(request: Bindings, params: unknown): PolicyResult {
    const bindings = this.#withVariables(request, params);
    const outcome = this.#conditions.ask(bindings);
    if ('error' in outcome) return this.#refusing(outcome.error);
    if (!outcome.holds) return NOTHING;
    const failures = this.#checks.flatMap((check, index) => {
      const failure = this.#failureOf(check, bindings);
      return failure === undefined ? [] : [{ index, ...failure }];
    });
    const { annotations, errors } = this.#annotate(bindings);
    const broken = errors.map(message => ({ index: -1, message, reason: 'Invalid', always: true }));
    return { failures: [...failures, ...(this.#fails ? broken : [])], annotations };
  }

  #refusing(message: string): PolicyResult {
    if (!this.#fails) return NOTHING;
    return { failures: [{ index: 0, message, reason: 'Invalid' }], annotations: {} };
  }

  #failureOf(check: Check, bindings: Bindings): Omit<Failure, 'index'> | undefined {
    let holds: unknown;
    try {
      holds = check.expression.evaluate(bindings);
    } catch (error) {
      if (!this.#fails) return undefined;
      const why = (error as Error).message;
      const message = `expression '${check.text.trim()}' resulted in error: ${why}`;
      return { message, reason: 'Invalid' };
    }
    if (holds === true) return undefined;
    return { message: messageOf(check, bindings), reason: check.reason };
  }

  #annotate(bindings: Bindings): { annotations: Record<string, string>; errors: string[] } {
    const annotations: Record<string, string> = {};
    const errors: string[] = [];
    for (const { key, text, expression } of this.#annotations) {
      try {
        const value = expression.evaluate(bindings);
        if (typeof value === 'string') {
          if (value.trim() !== '') annotations[key] = value.trim().slice(0, LONGEST_ANNOTATION);
        } else if (value !== null) {
          errors.push(
            `valueExpression '${text}' resulted in unsupported return type: ${typeof value}. Return type must be either string or null.`,
          );
        }
      } catch (error) {
        errors.push(`expression '${text}' resulted in error: ${(error as Error).message}`);
      }
    }
    return { annotations, errors };
  }

  /** Each variable is computed when an expression first asks for it; it may ask for those before it. */
  #withVariables(request: Bindings, params: unknown): Bindings {
    const parts: Record<keyof Bindings, () => unknown> = {
      object: () => request.object,
      oldObject: () => request.oldObject,
      request: () => request.request,
      namespaceObject: () => request.namespaceObject,
      authorizer: () => request.authorizer,
      params: () => params,
      variables: () => variables,
    };
    const bindings = lazily(parts) as Bindings; // it has exactly these names
    const makers = this.#variables.map(({ name, expression }) => {
      const make = () => {
        try {
          return expression.evaluate(bindings);
        } catch (error) {
          const why = (error as Error).message;
          throw new Error(`composited variable ${JSON.stringify(name)} fails to evaluate: ${why}`, {
            cause: error,
          });
        }
      };
      return [name, make] as const;
    });
    const variables = lazily(Object.fromEntries(makers));
    return bindings;
  }
}

function messageOf({ text, message, computed }: Check, bindings: Bindings): string {
  try {
    const made = computed?.evaluate(bindings);
    const fits = typeof made === 'string' && made.length <= LONGEST_MESSAGE;
    if (fits && made.trim() !== '' && !made.trim().includes('\n')) return made.trim();
  } catch {
    // the policy's plain message is the one to give then
  }
  return message === '' ? `failed expression: ${text.trim()}` : message;
}

/** What each sort of expression may speak of. */
function scopeOf(spec: Fields): Readonly<Record<'conditions' | 'checks' | 'messages', Scope>> {
  const params = isFields(spec['paramKind']);
  const variables = listOf(spec['variables']).length > 0;
  const all = { params, variables, authorizer: true, namespaceObject: true };
  return {
    checks: all,
    messages: { ...all, authorizer: false },
    conditions: { ...all, variables: false },
  };
}

/** Each expression that cannot be read, with the field where it stands. */
export function unreadable(
  expressions: Expressions,
  policy: ApiObject,
): readonly { readonly field: string; readonly text: string; readonly why: string }[] {
  const spec = isFields(policy['spec']) ? policy['spec'] : {};
  const scope = scopeOf(spec);
  const parts = [
    ['matchConditions', 'expression', scope.conditions, 'bool'],
    ['variables', 'expression', scope.checks, undefined],
    ['validations', 'expression', scope.checks, 'bool'],
    ['validations', 'messageExpression', scope.messages, 'string'],
    ['auditAnnotations', 'valueExpression', scope.checks, undefined],
  ] as const;
  return parts.flatMap(([list, field, within, wanted]) =>
    listOf(spec[list]).flatMap((item, index) => {
      const text = valueAt(item, [field]);
      if (typeof text !== 'string' || text.trim() === '') return [];
      const why = problemOf(() => expressions.compile(text, within, wanted));
      return why === undefined ? [] : [{ field: `spec.${list}[${index}].${field}`, text, why }];
    }),
  );
}

export function problemOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
