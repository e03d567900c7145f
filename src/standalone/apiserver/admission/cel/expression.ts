import { Environment } from '@marcbachmann/cel-js';
import { registerLibrary, inOurWords } from '../../crd/cel/library.ts';
import { LIMITS, firstLine, nesting } from '../../crd/cel/rule.ts';
import { MOST_STEPS, longest } from '../../crd/cel/check-rules.ts';
import { registerAuthorizer } from './authorizer.ts';

/** What an expression may speak of beside object, oldObject, request and namespaceObject. */
export interface Scope {
  readonly params: boolean;
  readonly authorizer: boolean;
  /** `variables.NAME` of the policy. */
  readonly variables: boolean;
  readonly namespaceObject: boolean;
}

/** The values behind the names; only those of its scope are looked at. */
export type Bindings = {
  readonly object: unknown;
  readonly oldObject: unknown;
  readonly request: unknown;
  readonly namespaceObject?: unknown;
  readonly params?: unknown;
  readonly authorizer?: unknown;
  readonly variables?: unknown;
};

export interface Expression {
  /** Throws an Error in one line where it cannot be evaluated. */
  evaluate(bindings: Bindings): unknown;
}

/** Reads expressions of policies and of match conditions; one environment a scope, made when it is needed. */
export class Expressions {
  readonly #environments = new Map<string, Environment>();

  /** Throws an Error that says why the text cannot be read, and where, in the form of a real server. */
  compile(text: string, scope: Scope, wanted?: 'bool' | 'string'): Expression {
    const parsed = this.#read(text, scope);
    const { valid, error, type } = parsed.check();
    if (!valid) throw new Error(compileProblem(text, error));
    if (wanted !== undefined && type !== 'dyn' && type !== wanted) {
      throw new Error(`must evaluate to ${wanted} but got ${type}`);
    }
    const loops = nesting(parsed.ast);
    const cutsTexts = /\.(split|findAll)\(/.test(text);
    return {
      evaluate: bindings => {
        if (loops > 0) assertBearable(bindings, loops, cutsTexts);
        try {
          return parsed(bindings);
        } catch (error) {
          const line = firstLine((error as Error).message);
          throw new Error(line.slice(0, 1).toLowerCase() + line.slice(1), { cause: error });
        }
      },
    };
  }

  #read(text: string, scope: Scope): ReturnType<Environment['parse']> {
    try {
      return this.#environmentOf(scope).parse(inOurWords(text));
    } catch (error) {
      throw new Error(compileProblem(text, error), { cause: error });
    }
  }

  #environmentOf(scope: Scope): Environment {
    const key = JSON.stringify(scope);
    const known = this.#environments.get(key);
    if (known !== undefined) return known;
    const environment = new Environment({
      enableOptionalTypes: true,
      homogeneousAggregateLiterals: false,
      limits: LIMITS,
    });
    registerLibrary(environment);
    for (const name of ['object', 'oldObject', 'request']) environment.registerVariable(name, 'dyn');
    if (scope.namespaceObject) environment.registerVariable('namespaceObject', 'dyn');
    if (scope.params) environment.registerVariable('params', 'dyn');
    if (scope.variables) environment.registerVariable('variables', 'dyn');
    if (scope.authorizer) {
      registerAuthorizer(environment);
      environment.registerVariable('authorizer', 'Authorizer');
    }
    this.#environments.set(key, environment);
    return environment;
  }
}

/** An expression is trusted, what it is asked about is not: loops over loops over long lists are refused. */
function assertBearable({ object, oldObject, params }: Bindings, loops: number, cuts: boolean) {
  const size = Math.max(...[object, oldObject, params].map(value => longest(value, cuts)));
  if (size ** loops > MOST_STEPS) {
    throw new Error('operation cancelled: actual cost limit exceeded');
  }
}

/** `compilation failed: ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')`, with the place below. */
function compileProblem(text: string, error: unknown): string {
  const line = firstLine((error as Error | undefined)?.message);
  const [, unknown] = /^Unknown variable: (.+)$/.exec(line) ?? [];
  const problem = unknown === undefined ? line : `undeclared reference to '${unknown}' (in container '')`;
  const start = unknown === undefined ? startOf(error, text) : text.search(new RegExp(`\\b${unknown}\\b`));
  if (start < 0) return `compilation failed: ERROR: <input>: ${problem}`;
  const before = text.slice(0, start).split('\n');
  const column = before.at(-1)?.length ?? 0;
  const shown = text.split('\n')[before.length - 1] ?? '';
  return `compilation failed: ERROR: <input>:${before.length}:${column + 1}: ${problem}\n | ${shown}\n | ${'.'.repeat(column)}^`;
}

/** Only where the text that was read is the text that was written. */
function startOf(error: unknown, text: string): number {
  const range: unknown = (error as { readonly range?: unknown } | undefined)?.range;
  if (typeof range !== 'object' || range === null || inOurWords(text) !== text) return -1;
  const { start } = range as { readonly start?: unknown };
  return typeof start === 'number' && start <= text.length ? start : -1;
}
