import { provenanceOf } from '../base/provenance.ts';
import type { GRPCRouteMatch, HTTPBackendRef, HTTPRouteMatch } from '../kube/types/gateway-routes.ts';
import { millisecondsOf } from './compile-duration.ts';
import { compileFilters } from './compile-filters.ts';
import type { FilterProblem, LeadTo } from './compile-filters.ts';
import { isHostname } from './compile-hostname.ts';
import { type AnyRule, rulesOf } from './compile-grpc-rule.ts';
import { routeKey } from './compile-keys.ts';
import { compileGrpcMatch, compileMatch } from './compile-match.ts';
import { compileRetry, compileSession } from './compile-rule-options.ts';
import { resolveBackend } from './compile-references.ts';
import type { ResolvedBackend } from './compile-references.ts';
import { bad, good } from './model.ts';
import type { GatewaySources, Route, RouteModel, Verdict } from './model.ts';
import type { TableBackendReference, TableFilter, TableMatch, TableRule } from './table.ts';

type Sources = Pick<GatewaySources, 'service' | 'grants' | 'tlsPolicies'>;

/** Fields of a rule that we follow; each other one that is set makes the rule invalid, so that nothing is left out unseen. */
const RULE_FIELDS = ['backendRefs', 'filters', 'matches', 'name', 'retry', 'sessionPersistence', 'timeouts'];
/** Problems that a condition's message tells; the others are counted. */
const TOLD = 8;

/** What a route asks for. A route without rules matches everything and leads nowhere. */
export function readRoute(route: Route, sources: Sources): RouteModel {
  const read = rulesOf(route).map((rule, index) => readRule(route, rule, index, sources));
  const backends = new Map<string, { readonly service: string; readonly port: number }>();
  for (const { resolved } of read)
    for (const { key, service, port } of resolved) backends.set(key, { service, port });
  const unresolved = read.flatMap(rule => rule.unresolved);
  return {
    key: routeKey(route),
    route,
    hostnames: hostnamesOf(route).map(name => name.toLowerCase()),
    rules: read.flatMap(rule => rule.rules),
    ...judge(route, read),
    resolvedRefs:
      unresolved[0] === undefined
        ? good('ResolvedRefs', 'All references lead to what they name')
        : bad(unresolved[0].reason, tell(unresolved.map(({ message }) => message))),
    backends,
  };
}

interface ReadRule {
  readonly rules: readonly TableRule[];
  readonly problem: (FilterProblem & { readonly index: number }) | undefined;
  readonly unresolved: readonly Verdict[];
  readonly resolved: readonly ResolvedBackend[];
}

/**
 * A route is accepted where one of its rules can be served (HTTPRouteSpec.rules). Requests that an invalid rule matches are
 * answered with 500: they must not fall to a rule that was meant for others.
 */
function judge(route: Route, read: readonly ReadRule[]): Pick<RouteModel, 'accepted' | 'partiallyInvalid'> {
  const accepted = good('Accepted', 'The route is attached');
  const wrongName = hostnamesOf(route).find(name => !isHostname(name.toLowerCase()));
  if (wrongName !== undefined) {
    const message = `spec.hostnames: ${JSON.stringify(wrongName)} is no hostname`;
    return { accepted: bad('UnsupportedValue', message), partiallyInvalid: undefined };
  }
  const problems = read.flatMap(({ problem }) => problem ?? []);
  if (problems.length === 0) return { accepted, partiallyInvalid: undefined };
  const sentences = problems.map(({ index, field, sentence }) =>
    [`spec.rules[${index}]`, ...(field === '' ? [] : [`.${field}`]), `: ${sentence}`].join(''),
  );
  const text = tell(sentences);
  const reason = problems.every(({ incompatible }) => incompatible === true)
    ? 'IncompatibleFilters'
    : 'UnsupportedValue';
  if (problems.length === read.length) return { accepted: bad(reason, text), partiallyInvalid: undefined };
  const dropped = problems.map(({ index }) => index).join(', ');
  const message = `Dropped Rule ${dropped}: ${text}. Requests that only it matches are answered with 500`;
  return { accepted, partiallyInvalid: good('UnsupportedValue', message) };
}

function tell(sentences: readonly string[]): string {
  const rest = sentences.length - TOLD;
  const told = sentences.slice(0, TOLD).join('; ');
  return rest > 0 ? `${told}; and ${rest} more` : told;
}

function readRule(route: Route, rule: AnyRule, index: number, sources: Sources): ReadRule {
  const field = `spec.rules[${index}]`;
  const isGrpc = route.kind === 'GRPCRoute';
  const problem = (found: FilterProblem): ReadRule['problem'] => ({ ...found, index });
  const matches: { readonly match: TableMatch; readonly field: string }[] = [];
  let wrong: FilterProblem | undefined;
  for (const [at, written] of (rule.matches?.length ? rule.matches : [{}]).entries()) {
    const match = isGrpc
      ? compileGrpcMatch(written as GRPCRouteMatch)
      : compileMatch(written as HTTPRouteMatch); // by the route's kind
    if ('sentence' in match) wrong ??= { ...match, field: `matches[${at}].${match.field}` };
    else matches.push({ match, field: rule.matches?.length ? `${field}.matches[${at}]` : field });
  }
  const hasPrefix = matches.every(({ match }) => match.path.type === 'PathPrefix');
  const led = leadsOf(route, field, sources);
  const filters = compileFilters(rule.filters ?? [], hasPrefix, led.to);
  if (!isFilters(filters)) wrong ??= filters;
  wrong ??= unknownField(rule);
  const options = compileOptions(
    rule,
    `${route.metadata.namespace ?? ''}.${route.metadata.name}.${index}`,
    matches.map(({ match }) => match),
  );
  if ('sentence' in options) wrong ??= options;
  const {
    references,
    unresolved,
    resolved,
    problem: inBackend,
  } = readBackends(route, rule, field, hasPrefix, sources);
  wrong ??= inBackend;
  const named = {
    ...(isGrpc ? ({ protocol: 'grpc' } as const) : {}),
    ...(rule.name === undefined ? {} : { name: rule.name }),
  };
  const rules = matches.map(({ match, field: place }): TableRule => {
    const own = { provenance: provenanceOf(route.kind, route.metadata, place), ...named, match };
    if (wrong !== undefined || !isFilters(filters)) return { ...own, filters: [], backends: [] };
    return { ...own, filters, backends: references, ...('sentence' in options ? {} : options) };
  });
  return {
    rules,
    problem: wrong && problem(wrong),
    unresolved: [...unresolved, ...led.unresolved],
    resolved: [...resolved, ...led.resolved],
  };
}

const hostnamesOf = ({ spec }: Route): readonly string[] =>
  'hostnames' in spec ? (spec.hostnames ?? []) : [];

const isFilters = (filters: readonly TableFilter[] | FilterProblem): filters is readonly TableFilter[] =>
  Array.isArray(filters);

/** What a later release of the API may have, and we do not. */
function unknownField(rule: AnyRule): FilterProblem | undefined {
  const [name] = Object.entries(rule).flatMap(([key, value]) =>
    RULE_FIELDS.includes(key) || value === undefined || value === null ? [] : [key],
  );
  return name === undefined ? undefined : { field: name, sentence: `${name} is not supported` };
}

/** `name` is that of a session where the rule does not say one. */
function compileOptions(
  rule: AnyRule,
  name: string,
  matches: readonly TableMatch[],
): Pick<TableRule, 'timeouts' | 'retry' | 'sessionPersistence'> | FilterProblem {
  const options = {
    timeouts: compileTimeouts(rule),
    retry: rule.retry && compileRetry(rule.retry),
    sessionPersistence: rule.sessionPersistence && compileSession(rule.sessionPersistence, name, matches),
  };
  for (const option of Object.values(options))
    if (option !== undefined && 'sentence' in option) return option;
  // Those that are absent are left out, and none is a problem.
  return Object.fromEntries(Object.entries(options).filter(([, option]) => option !== undefined));
}

function compileTimeouts({ timeouts }: AnyRule): TableRule['timeouts'] | FilterProblem {
  if (timeouts === undefined) return undefined;
  const compiled: { request?: number; backendRequest?: number } = {};
  for (const name of ['request', 'backendRequest'] as const) {
    const written = timeouts[name];
    if (written === undefined) continue;
    const milliseconds = millisecondsOf(written);
    if (milliseconds === undefined)
      return { field: `timeouts.${name}`, sentence: `${JSON.stringify(written)} is no duration` };
    compiled[name] = milliseconds;
  }
  return compiled;
}

interface ReadBackends extends Pick<ReadRule, 'unresolved' | 'resolved'> {
  readonly references: readonly TableBackendReference[];
  readonly problem: FilterProblem | undefined;
}

function readBackends(
  route: Route,
  { backendRefs = [] }: AnyRule,
  field: string,
  hasPrefix: boolean,
  sources: Sources,
): ReadBackends {
  const references: TableBackendReference[] = [];
  const unresolved: Verdict[] = [];
  const resolved: ResolvedBackend[] = [];
  let problem: FilterProblem | undefined;
  for (const [index, backend] of backendRefs.entries()) {
    const place = `${field}.backendRefs[${index}]`;
    const found = resolveBackend(route, backend, place, sources);
    const led = leadsOf(route, place, sources);
    const filters = compileBackendFilters(backend, hasPrefix, led.to);
    unresolved.push(...led.unresolved);
    resolved.push(...led.resolved);
    if (!isFilters(filters)) problem ??= { ...filters, field: `backendRefs[${index}].${filters.field}` };
    if ('holds' in found) unresolved.push(found);
    else resolved.push(found);
    references.push({
      weight: backend.weight ?? 1,
      ...('holds' in found ? {} : { backend: found.key }),
      filters: isFilters(filters) ? filters : [],
      provenance: provenanceOf(route.kind, route.metadata, place),
    });
  }
  return { references, unresolved, resolved, problem };
}

/** Where filters below a field lead: what was found of them is gathered. */
function leadsOf(route: Route, below: string, sources: Sources) {
  const unresolved: Verdict[] = [];
  const resolved: ResolvedBackend[] = [];
  const to: LeadTo = (reference, field) => {
    const found = resolveBackend(route, reference, `${below}.${field}`, sources);
    if ('holds' in found) unresolved.push(found);
    else resolved.push(found);
    return 'holds' in found ? undefined : found.key;
  };
  return { to, unresolved, resolved };
}

/** A request that is redirected has no backend, and of these a request is judged before there is one. */
function compileBackendFilters({ filters = [] }: HTTPBackendRef, hasPrefix: boolean, leadTo: LeadTo) {
  const redirect = filters.findIndex(({ type }) =>
    ['RequestRedirect', 'CORS', 'ExternalAuth'].includes(type),
  );
  if (redirect < 0) return compileFilters(filters, hasPrefix, leadTo);
  const sentence = `${filters[redirect]?.type} cannot be used for one backend`;
  return { field: `filters[${redirect}]`, sentence, incompatible: true } as const;
}
