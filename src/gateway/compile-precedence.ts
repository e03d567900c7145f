import { ANY_ELEMENT } from './compile-grpc-rule.ts';
import type { TableMatch, TableRule } from './table.ts';

/** A rule with what decides between it and the others of its host. */
export interface RankedRule {
  readonly rule: TableRule;
  /** RFC 3339 of the route's creation: the older one is asked first. */
  readonly createdAt: string;
  /** `namespace/name` of the route. */
  readonly route: string;
  /** The rule's place in its route, counting each match. */
  readonly place: number;
}

const PATH_RANK: Readonly<Record<TableMatch['path']['type'], number>> = {
  Exact: 0,
  RegularExpression: 1,
  PathPrefix: 2,
};

/**
 * Which of two rules of a host is asked first; never 0 for two rules (HTTPRouteRule.matches): the exact path, the longest
 * path, the one with a method, with more headers, with more query parameters; then the older route, the first by name,
 * the first in the route.
 */
export function comparePrecedence(a: RankedRule, b: RankedRule): number {
  const [one, two] = [a.rule.match, b.rule.match];
  return (
    rankOf(a) - rankOf(b) ||
    lengthOf(b) - lengthOf(a) ||
    Number(one.method === undefined) - Number(two.method === undefined) ||
    two.headers.length - one.headers.length ||
    two.query.length - one.query.length ||
    compareText(a.createdAt, b.createdAt) ||
    compareText(a.route, b.route) ||
    a.place - b.place
  );
}

/** A method of any service stands behind all rules that name a service (GRPCRouteRule.matches). */
const isAnyService = ({ rule }: RankedRule): boolean =>
  rule.protocol === 'grpc' &&
  rule.match.path.type === 'RegularExpression' &&
  rule.match.path.value.startsWith(`/${ANY_ELEMENT}/`);

const rankOf = (ranked: RankedRule): number =>
  PATH_RANK[isAnyService(ranked) ? 'PathPrefix' : ranked.rule.match.path.type];

/** That of `/` is 1. */
const lengthOf = (ranked: RankedRule): number =>
  isAnyService(ranked) ? 1.5 : ranked.rule.match.path.value.length;

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
