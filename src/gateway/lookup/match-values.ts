import { boundBacktracking } from '../../base/pattern/bound-backtracking.ts';
import { testerOf } from '../../base/pattern/pattern.ts';
import type { TableRule, TableValueMatch } from '../table.ts';
import type { LookupRequest } from './model.ts';

/** What of a rule's match is not its path, ready to be asked. */
export interface Conditions {
  readonly method: string | undefined;
  readonly headers: readonly Condition[];
  readonly query: readonly Condition[];
}

interface Condition {
  readonly name: string;
  readonly holds: (value: string) => boolean;
}

export function conditionsOf({ match }: TableRule): Conditions {
  return {
    method: match.method,
    headers: match.headers.map(conditionOf),
    query: match.query.map(conditionOf),
  };
}

export function conditionsHold(conditions: Conditions, request: LookupRequest): boolean {
  const { method, headers, query } = conditions;
  if (method !== undefined && method !== request.method) return false;
  for (const { name, holds } of headers) {
    const value = request.header(name);
    if (value === undefined || !holds(value)) return false;
  }
  return query.length === 0 || queryHolds(query, request.query);
}

/** Characters: a longer expression is refused. */
const LONGEST = 1024;
/** Steps for each character of a value, where an expression is counted or takes either case: clients choose the value. */
const MOST_STEPS = 2000;

/**
 * Asks whether a whole value matches an expression in the syntax of RE2, in time that grows with the value alone; undefined
 * for one that cannot be read, or not be asked in such time.
 */
export function wholeMatcher(pattern: string): ((value: string) => boolean) | undefined {
  if (pattern.length > LONGEST) return undefined;
  boundBacktracking();
  // Alone it has to be readable: `a)(b` is none.
  if (testerOf(pattern) === undefined) return undefined;
  const [, flags = '', rest = pattern] = /^(\(\?[ims]+\))(.*)$/s.exec(pattern) ?? [];
  const tester = testerOf(`^${flags}(?:${rest})$`, MOST_STEPS);
  return tester === undefined ? undefined : value => tester.test(value);
}

/** A condition that cannot be asked must not open a route: nothing matches. */
export const nothing = (): boolean => false;

function conditionOf({ type, name, value }: TableValueMatch): Condition {
  if (type === 'RegularExpression') return { name, holds: wholeMatcher(value) ?? nothing };
  return { name, holds: found => found === value };
}

/** Of a parameter that is given several times the first counts (HTTPQueryParamMatch). */
function queryHolds(conditions: readonly Condition[], query: string): boolean {
  const values = new Map<string, string>();
  for (const part of query.split('&')) {
    const equals = part.indexOf('=');
    const name = decoded(equals === -1 ? part : part.slice(0, equals));
    if (!values.has(name)) values.set(name, equals === -1 ? '' : decoded(part.slice(equals + 1)));
  }
  return conditions.every(({ name, holds }) => {
    const value = values.get(name);
    return value !== undefined && holds(value);
  });
}

/** Form encoding; what is not encoded properly stands for itself. */
function decoded(text: string): string {
  if (!/[%+]/.test(text)) return text;
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
