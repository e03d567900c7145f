import type { TableHost, TableRule } from '../table.ts';
import { type Conditions, conditionsHold, conditionsOf, nothing, wholeMatcher } from './match-values.ts';
import type { LookupRequest } from './model.ts';
import { PathTree } from './path-tree.ts';

interface IndexedRule {
  readonly rule: TableRule;
  readonly conditions: Conditions;
}

interface Expression {
  readonly order: number;
  readonly matches: (path: string) => boolean;
}

/**
 * The rules of one host. The answer is that of asking them one after the other; what is asked are only those whose path
 * is the request's, or a prefix of it, and the expressions.
 */
export class RuleIndex {
  readonly host: TableHost;
  readonly #rules: readonly IndexedRule[];
  readonly #exact = new Map<string, number[]>();
  readonly #prefixes = new PathTree();
  readonly #expressions: Expression[] = [];
  /** The rule of a host that has one for everything, which is the most frequent of all. */
  readonly #only: TableRule | undefined;

  constructor(host: TableHost) {
    this.host = host;
    this.#rules = host.rules.map(rule => ({ rule, conditions: conditionsOf(rule) }));
    for (const [order, { match }] of host.rules.entries()) {
      const { type, value } = match.path;
      if (type === 'Exact') this.#addExact(value, order);
      else if (type === 'PathPrefix') this.#prefixes.add(value, order);
      else this.#expressions.push({ order, matches: wholeMatcher(value) ?? nothing });
    }
    const [first] = host.rules;
    if (first !== undefined && matchesAll(first)) this.#only = first;
  }

  find(request: LookupRequest): TableRule | undefined {
    if (this.#only !== undefined && request.path.startsWith('/')) return this.#only;
    const candidates: (readonly number[])[] = [];
    const exact = this.#exact.get(request.path);
    if (exact !== undefined) candidates.push(exact);
    if (request.path.startsWith('/')) this.#prefixes.collect(request.path, candidates);
    let best = this.#rules.length;
    for (const orders of candidates) {
      for (const order of orders) {
        if (order >= best) break;
        if (this.#holds(order, request)) best = order;
      }
    }
    for (const { order, matches } of this.#expressions) {
      if (order >= best) break;
      if (this.#holds(order, request) && matches(request.path)) best = order;
    }
    return this.#rules[best]?.rule;
  }

  #addExact(path: string, order: number): void {
    const orders = this.#exact.get(path);
    if (orders === undefined) this.#exact.set(path, [order]);
    else orders.push(order);
  }

  #holds(order: number, request: LookupRequest): boolean {
    const indexed = this.#rules[order];
    return indexed !== undefined && conditionsHold(indexed.conditions, request);
  }
}

function matchesAll({ match }: TableRule): boolean {
  const { path, method, headers, query } = match;
  const isEverything = path.type === 'PathPrefix' && path.value === '/';
  return isEverything && method === undefined && headers.length === 0 && query.length === 0;
}
