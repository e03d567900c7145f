import type { Provenance } from '../base/provenance.ts';
import { lookUp, RuleIndex, wholeMatcher } from './lookup/index.ts';
import type { Lookup, LookupRequest, TableIndex } from './lookup/index.ts';

import type {
  RouteTable,
  TableBackendReference,
  TableEndpoint,
  TableHost,
  TableListener,
  TableRule,
  TableValueMatch,
} from './table.ts';

/** Something that could have had the request, and the sentence that says why it has not. */
export interface NotChosen {
  readonly provenance: Provenance;
  readonly sentence: string;
}

/** One of the backends of the rule that has the request. */
export interface Candidate {
  readonly provenance: Provenance;
  /** Of the requests that the rule has, from 0 to 1. */
  readonly share: number;
  /** `namespace/name`; absent where the reference leads nowhere: its share is answered with 500. */
  readonly service?: string;
  readonly port?: number;
  /** None: its share is answered with 503. */
  readonly endpoints: readonly TableEndpoint[];
}

export interface RequestExplanation {
  /** What a proxy finds, by the same look-up. */
  readonly lookup: Lookup;
  /** Listeners of the port that do not have the request. */
  readonly listeners: readonly NotChosen[];
  /** Hosts of the listener that hold the name too, and are less specific: their rules are never asked. */
  readonly hosts: readonly NotChosen[];
  /** Rules of the host that are asked before the one that has the request, or all where none has it. */
  readonly rules: readonly NotChosen[];
  /** The rule that would have the request if the one that has it were not there, and why it comes second. */
  readonly second?: NotChosen;
  /** Rules that are asked after the one that has the request and are not the second: whether they match, and why not. */
  readonly later: readonly NotChosen[];
  readonly backends: readonly Candidate[];
}

/** Of each kind of candidates the first are told. */
const TOLD = 50;

/** Where a request goes, what came second, and why everything else does not have it. */
export function explainRequest(
  table: RouteTable,
  index: TableIndex,
  request: LookupRequest,
): RequestExplanation {
  const lookup = lookUp(index, request);
  const chosen = 'listener' in lookup ? lookup.listener : undefined;
  const after = rulesAfter(lookup);
  const second = after.find(rule => matches(rule, request));
  return {
    lookup,
    listeners: Object.values(table.listeners)
      .filter(({ name, port }) => port === request.port && name !== chosen?.name)
      .slice(0, TOLD)
      .map(listener => ({
        provenance: listener.provenance,
        sentence: whyNotListener(listener, chosen, request),
      })),
    hosts: 'host' in lookup ? lessSpecific(table, lookup.host, request) : [],
    rules: rulesBefore(lookup)
      .slice(0, TOLD)
      .map(rule => ({ provenance: rule.provenance, sentence: whyNotRule(rule, request) })),
    ...(second === undefined || lookup.outcome !== 'rule'
      ? {}
      : { second: { provenance: second.provenance, sentence: whySecond(lookup.rule, second) } }),
    later: after
      .filter(rule => rule !== second)
      .slice(0, TOLD)
      .map(rule => ({
        provenance: rule.provenance,
        sentence: matches(rule, request) ? 'it matches, and is asked later' : whyNotRule(rule, request),
      })),
    backends: lookup.outcome === 'rule' ? candidatesOf(table, lookup.rule.backends) : [],
  };
}

/** By the index that proxies ask. */
const matches = (rule: TableRule, request: LookupRequest): boolean =>
  new RuleIndex({ listener: '', hostname: '', rules: [rule] }).find(request) !== undefined;

function lessSpecific(
  { hosts }: RouteTable,
  chosen: TableHost,
  { host }: LookupRequest,
): readonly NotChosen[] {
  return Object.values(hosts)
    .filter(other => other !== chosen && other.listener === chosen.listener)
    .filter(({ hostname }) => hostname === '*' || covers(hostname, host))
    .slice(0, TOLD)
    .flatMap(({ hostname, isOneLabel, rules: [first] }) => {
      if (first === undefined) return [];
      const name = hostname === '*' ? 'every name' : hostname;
      // Only a name that has more labels passes a wildcard by for a wider one.
      const isPassed = isOneLabel === true && host.indexOf('.') !== host.length - hostname.length + 1;
      const why = isPassed
        ? 'whose wildcard stands for one label'
        : `which is less specific than ${chosen.hostname}`;
      return [{ provenance: first.provenance, sentence: `it is for ${name}, ${why}` }];
    });
}

function whyNotListener(
  { name, hostname }: TableListener,
  chosen: TableListener | undefined,
  { host }: LookupRequest,
): string {
  if (hostname !== undefined && !covers(hostname, host)) return `listener ${name} is for ${hostname}`;
  if (chosen === undefined) return `listener ${name} is not asked`;
  return `listener ${chosen.name} is for ${chosen.hostname ?? 'every name'}, which is more specific than ${hostname ?? 'every name'}`;
}

function covers(hostname: string, host: string): boolean {
  if (!hostname.startsWith('*.')) return hostname === host;
  return host.endsWith(hostname.slice(1)) && host.length > hostname.length - 1;
}

function rulesBefore(lookup: Lookup): readonly TableRule[] {
  if (lookup.outcome === 'no-rule') return lookup.host.rules;
  if (lookup.outcome !== 'rule') return [];
  const { rules } = lookup.host;
  return rules.slice(0, rules.indexOf(lookup.rule));
}

function rulesAfter(lookup: Lookup): readonly TableRule[] {
  if (lookup.outcome !== 'rule') return [];
  const { rules } = lookup.host;
  return rules.slice(rules.indexOf(lookup.rule) + 1);
}

/** The first of the tests by which rules of a host are ordered that sets the two apart (HTTPRouteRule.matches). */
function whySecond(
  { match: one, provenance }: TableRule,
  { match: two, provenance: other }: TableRule,
): string {
  const comes = 'it matches too, and comes second: ';
  if (other.field === 'spec.defaultBackend' && provenance.field !== other.field)
    return `${comes}a default backend has what no path takes`;
  if (one.path.type !== two.path.type)
    return `${comes}${wordsOfPath[one.path.type]} comes before ${wordsOfPath[two.path.type]}`;
  if (one.path.value.length !== two.path.value.length)
    return `${comes}the path ${one.path.value} is longer than ${two.path.value}`;
  if ((one.method === undefined) !== (two.method === undefined)) return `${comes}it names no method`;
  if (one.headers.length !== two.headers.length) return `${comes}it names fewer headers`;
  if (one.query.length !== two.query.length) return `${comes}it names fewer query parameters`;
  const isSame = provenance.namespace === other.namespace && provenance.name === other.name;
  return isSame
    ? `${comes}it stands later in its ${other.kind}`
    : `${comes}its ${other.kind} is younger, or of the same age and later by name`;
}

const wordsOfPath: Readonly<Record<TableRule['match']['path']['type'], string>> = {
  Exact: 'an exact path',
  RegularExpression: 'an expression',
  PathPrefix: 'a prefix',
};

/** The first part of the match that does not hold. */
function whyNotRule({ match }: TableRule, request: LookupRequest): string {
  const { path, method, headers, query } = match;
  if (!pathHolds(path, request.path)) {
    const is = { Exact: 'is exactly', PathPrefix: 'is below', RegularExpression: 'has to match' }[path.type];
    return `its path ${is} ${path.value}, that of the request is ${request.path}`;
  }
  if (method !== undefined && method !== request.method)
    return `its method is ${method}, that of the request is ${request.method}`;
  const header = missing(headers, name => request.header(name));
  if (header !== undefined) return `the header ${header}`;
  const parameters = new URLSearchParams(request.query);
  const parameter = missing(query, name => parameters.get(name) ?? undefined);
  return parameter === undefined ? 'it does not match' : `the query parameter ${parameter}`;
}

function pathHolds({ type, value }: TableRule['match']['path'], path: string): boolean {
  if (type === 'Exact') return path === value;
  if (type === 'RegularExpression') return wholeMatcher(value)?.(path) === true;
  const prefix = value.endsWith('/') ? value.slice(0, -1) : value;
  return path === prefix || path.startsWith(`${prefix}/`);
}

function missing(
  wanted: readonly TableValueMatch[],
  valueOf: (name: string) => string | undefined,
): string | undefined {
  const holds = ({ type, value }: TableValueMatch, found: string | undefined): boolean =>
    found !== undefined &&
    (type === 'RegularExpression' ? wholeMatcher(value)?.(found) === true : found === value);
  const failed = wanted.find(one => !holds(one, valueOf(one.name)));
  if (failed === undefined) return undefined;
  const found = valueOf(failed.name);
  const is = found === undefined ? 'is not there' : `is ${JSON.stringify(found)}`;
  const wish = failed.type === 'RegularExpression' ? 'has to match' : 'has to be';
  return `${failed.name} ${wish} ${JSON.stringify(failed.value)} and ${is}`;
}

function candidatesOf(
  { backends }: RouteTable,
  references: readonly TableBackendReference[],
): readonly Candidate[] {
  const sum = references.reduce((total, { weight }) => total + weight, 0);
  return references.map(({ backend: key, provenance, weight }) => {
    const backend = key !== undefined && Object.hasOwn(backends, key) ? backends[key] : undefined;
    const share = sum === 0 ? 0 : weight / sum;
    if (backend === undefined) return { provenance, share, endpoints: [] };
    const { service, port, endpoints } = backend;
    return { provenance, share, service, port, endpoints };
  });
}
