import { Environment, Optional } from '@marcbachmann/cel-js';
import type { ASTNode } from '@marcbachmann/cel-js';
import type { ValidationRule } from '../structural-schema.ts';
import { inOurWords, registerLibrary } from './library.ts';

/** A rule that was read: `self` and `oldSelf` are values as `ruleValue` makes them. */
export interface CompiledRule {
  /** It speaks of the state before: it holds for updates alone. */
  readonly usesOld: boolean;
  /** How deep its loops are nested: 1 for one `all`, 2 for an `all` within an `all`. */
  readonly loops: number;
  /** It makes lists out of texts: loops may go through their characters. */
  readonly cutsTexts: boolean;
  holds(self: unknown, old: unknown): boolean;
  /** What messageExpression says; undefined where it says nothing of use. */
  message(self: unknown, old: unknown): string | undefined;
}

/** What a rule may be: deeper and longer ones are refused when they are read. */
export const LIMITS = {
  maxAstNodes: 50_000,
  maxDepth: 200,
  maxListElements: 1000,
  maxMapEntries: 1000,
  maxCallArguments: 32,
};

const LOOPS = ['all', 'exists', 'exists_one', 'existsOne', 'filter', 'map'];

export class Rules {
  readonly #environment: Environment;

  constructor() {
    this.#environment = new Environment({
      enableOptionalTypes: true,
      homogeneousAggregateLiterals: false,
      limits: LIMITS,
    });
    this.#environment.registerVariable('self', 'dyn').registerVariable('oldSelf', 'dyn');
    registerLibrary(this.#environment);
  }

  /** Throws an Error that says what is wrong with the rule. */
  compile(rule: ValidationRule): CompiledRule {
    const parsed = this.#parse(rule.rule);
    const message = rule.messageExpression === undefined ? undefined : this.#parse(rule.messageExpression);
    const usesOld = mentions(parsed.ast, 'oldSelf');
    const context = (self: unknown, old: unknown) => ({
      self,
      oldSelf: rule.optionalOldSelf ? Optional.of(old) : old,
    });
    return {
      usesOld,
      loops: nesting(parsed.ast),
      cutsTexts: /\.(split|findAll)\(/.test(rule.rule),
      holds: (self, old) => parsed(context(self, old)) === true,
      message: (self, old) => {
        const text: unknown = message?.(context(self, old));
        return typeof text === 'string' && text.trim() !== '' && !text.includes('\n') ? text : undefined;
      },
    };
  }

  #parse(text: string) {
    const parsed = this.#environment.parse(inOurWords(text));
    const checked = parsed.check();
    if (!checked.valid) throw new Error(firstLine(checked.error?.message));
    return parsed;
  }
}

export const firstLine = (text: string | undefined): string =>
  (text ?? 'it cannot be read').split('\n')[0] ?? '';

const isNode = (value: unknown): value is ASTNode =>
  typeof value === 'object' && value !== null && 'op' in value;

function childrenOf(node: ASTNode): readonly ASTNode[] {
  const found: ASTNode[] = [];
  const collect = (value: unknown): void => {
    if (isNode(value)) found.push(value);
    else if (Array.isArray(value)) for (const item of value) collect(item);
  };
  collect(node.args);
  return found;
}

function mentions(node: ASTNode, name: string): boolean {
  if (node.op === 'id' && node.args === name) return true;
  return childrenOf(node).some(child => mentions(child, name));
}

/** How deep the loops of an expression are nested. */
export function nesting(node: ASTNode): number {
  const within = Math.max(0, ...childrenOf(node).map(nesting));
  const isLoop = node.op === 'rcall' && Array.isArray(node.args) && LOOPS.includes(node.args[0]);
  return isLoop ? within + 1 : within;
}
