import type { Provenance } from '../base/provenance.ts';
import { lookUp } from './lookup/index.ts';
import type { Lookup, LookupRequest, TableIndex } from './lookup/index.ts';
import type {
  RouteTable,
  TableBackendReference,
  TableEndpoint,
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
  /** Rules of the host that are asked before the one that has the request, or all where none has it. */
  readonly rules: readonly NotChosen[];
  readonly backends: readonly Candidate[];
}

/** Of the rules that do not match, the first are told. */
const TOLD = 50;

/** Where a request goes, and why everything that is asked before does not have it. */
export function explainRequest(
  table: RouteTable,
  index: TableIndex,
  request: LookupRequest,
): RequestExplanation {
  const lookup = lookUp(index, request);
  const chosen = 'listener' in lookup ? lookup.listener : undefined;
  return {
    lookup,
    listeners: Object.values(table.listeners)
      .filter(({ name, port }) => port === request.port && name !== chosen?.name)
      .map(listener => ({
        provenance: listener.provenance,
        sentence: whyNotListener(listener, chosen, request),
      })),
    rules: rulesBefore(lookup)
      .slice(0, TOLD)
      .map(rule => ({ provenance: rule.provenance, sentence: whyNotRule(rule, request) })),
    backends: lookup.outcome === 'rule' ? candidatesOf(table, lookup.rule.backends) : [],
  };
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

/** The first part of the match that does not hold. */
function whyNotRule({ match }: TableRule, request: LookupRequest): string {
  const { path, method, headers, query } = match;
  const prefix = path.value === '/' ? '' : path.value;
  const isPath =
    path.type === 'Exact'
      ? request.path === path.value
      : request.path === prefix || request.path.startsWith(`${prefix}/`);
  if (!isPath)
    return `its path is ${path.type === 'Exact' ? 'exactly' : 'below'} ${path.value}, that of the request is ${request.path}`;
  if (method !== undefined && method !== request.method)
    return `its method is ${method}, that of the request is ${request.method}`;
  const header = missing(headers, name => request.header(name));
  if (header !== undefined) return `the header ${header}`;
  const parameters = new URLSearchParams(request.query);
  const parameter = missing(query, name => parameters.get(name) ?? undefined);
  return parameter === undefined ? 'it does not match' : `the query parameter ${parameter}`;
}

function missing(
  wanted: readonly TableValueMatch[],
  valueOf: (name: string) => string | undefined,
): string | undefined {
  const failed = wanted.find(({ name, value }) => valueOf(name) !== value);
  if (failed === undefined) return undefined;
  const found = valueOf(failed.name);
  const is = found === undefined ? 'is not there' : `is ${JSON.stringify(found)}`;
  return `${failed.name} has to be ${JSON.stringify(failed.value)} and ${is}`;
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
