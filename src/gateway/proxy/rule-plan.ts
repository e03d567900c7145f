import { members } from './access-log.ts';
import { CrossOriginPolicy } from './cross-origin.ts';
import { isFieldValue } from './http1/characters.ts';
import { Retries } from './retries.ts';
import { SessionPersistence } from './session-persistence.ts';
import type {
  TableBackendReference,
  TableExternalAuth,
  TableFilter,
  TableHeaderChange,
  TableListener,
  TablePathRewrite,
  TableRule,
} from '../table.ts';

type Redirect = Extract<TableFilter, { type: 'RequestRedirect' }>;
type Rewrite = Extract<TableFilter, { type: 'URLRewrite' }>;
type Mirror = Extract<TableFilter, { type: 'RequestMirror' }>;

/** What a rule's filters do, in the form in which a request needs it; made once for each rule. */
export interface RulePlan {
  readonly rule: TableRule;
  /** `HTTPRoute/NAMESPACE/NAME`. */
  readonly route: string;
  /** What the log says of it. */
  readonly logged: string;
  readonly redirect: Redirect | undefined;
  readonly crossOrigin: CrossOriginPolicy | undefined;
  readonly auth: TableExternalAuth | undefined;
  readonly retries: Retries | undefined;
  readonly session: SessionPersistence | undefined;
  /** Those with a weight, the filters of the rule and of the reference together. */
  readonly choices: readonly Choice[];
  readonly totalWeight: number;
  readonly prefix: string;
}

export interface Choice {
  readonly reference: TableBackendReference;
  /** The weights up to and with this one. */
  readonly upTo: number;
  readonly hostname: string | undefined;
  readonly path: TablePathRewrite | undefined;
  readonly requestChange: HeaderChange | undefined;
  readonly responseChange: HeaderChange | undefined;
  readonly mirrors: readonly Mirror[];
  readonly logged: string;
}

export interface HeaderChange {
  /** Names, in lower case, of fields that do not stay as they are. */
  readonly touched: ReadonlySet<string>;
  /** Fields to write, whole lines. */
  readonly lines: string;
  /** Names of fields that values are added to, and what is added: they are joined by a comma. */
  readonly added: ReadonlyMap<string, string>;
}

export class RulePlans {
  readonly #plans = new WeakMap<TableRule, RulePlan>();

  /** A rule belongs to one listener. */
  of(rule: TableRule, listener: TableListener): RulePlan {
    let plan = this.#plans.get(rule);
    if (plan === undefined) {
      plan = planOf(rule, listener);
      this.#plans.set(rule, plan);
    }
    return plan;
  }
}

/** At random by weight (HTTPBackendRef.weight); `random` from 0 up to 1. */
export function choose(plan: RulePlan, random: () => number): Choice | undefined {
  const [first] = plan.choices;
  if (plan.choices.length <= 1) return first;
  const point = random() * plan.totalWeight;
  return plan.choices.find(({ upTo }) => point < upTo) ?? first;
}

function planOf(rule: TableRule, listener: TableListener): RulePlan {
  const redirect = rule.filters.find(filter => filter.type === 'RequestRedirect');
  const crossOrigin = rule.filters.find(filter => filter.type === 'CORS');
  const choices: Choice[] = [];
  let totalWeight = 0;
  for (const reference of rule.backends) {
    if (reference.weight <= 0) continue;
    totalWeight += reference.weight;
    choices.push(choiceOf(reference, [...rule.filters, ...reference.filters], totalWeight));
  }
  const { kind, namespace, name, field } = rule.provenance;
  const route = `${kind}/${namespace}/${name}`;
  return {
    rule,
    route,
    logged: members({
      listener: listener.name,
      route,
      field,
      rule: rule.name,
    }),
    redirect,
    crossOrigin: crossOrigin && new CrossOriginPolicy(crossOrigin),
    auth: rule.filters.find(filter => filter.type === 'ExternalAuth'),
    retries: rule.retry && new Retries(rule.retry),
    session: rule.sessionPersistence && new SessionPersistence(rule.sessionPersistence),
    choices,
    totalWeight,
    prefix: rule.match.path.type === 'PathPrefix' ? rule.match.path.value : '/',
  };
}

function choiceOf(reference: TableBackendReference, filters: readonly TableFilter[], upTo: number): Choice {
  const rewrites = filters.filter((filter): filter is Rewrite => filter.type === 'URLRewrite');
  return {
    reference,
    upTo,
    hostname: rewrites.findLast(({ hostname }) => hostname !== undefined)?.hostname,
    path: rewrites.findLast(({ path }) => path !== undefined)?.path,
    requestChange: changeOf(
      filters.flatMap(filter => (filter.type === 'RequestHeaderModifier' ? [filter.change] : [])),
    ),
    responseChange: changeOf(
      filters.flatMap(filter => (filter.type === 'ResponseHeaderModifier' ? [filter.change] : [])),
    ),
    mirrors: filters.filter((filter): filter is Mirror => filter.type === 'RequestMirror'),
    logged: members({ backend: reference.backend }),
  };
}

/** Several changes in their order: what a later one says of a field holds (HTTPHeaderFilter). */
function changeOf(changes: readonly TableHeaderChange[]): HeaderChange | undefined {
  if (changes.length === 0) return undefined;
  const set = new Map<string, { readonly name: string; readonly value: string }>();
  const added = new Map<string, string>();
  const touched = new Set<string>();
  for (const change of changes) {
    for (const name of change.remove) {
      const key = name.toLowerCase();
      touched.add(key);
      set.delete(key);
      added.delete(key);
    }
    for (const { name, value } of change.set) {
      const key = name.toLowerCase();
      touched.add(key);
      added.delete(key);
      set.set(key, { name, value: printable(value) });
    }
    for (const { name, value } of change.add) {
      const key = name.toLowerCase();
      const before = set.get(key);
      if (before !== undefined)
        set.set(key, { name: before.name, value: `${before.value},${printable(value)}` });
      else if (touched.has(key)) set.set(key, { name, value: printable(value) });
      else added.set(key, added.has(key) ? `${added.get(key)},${printable(value)}` : printable(value));
    }
  }
  for (const key of added.keys()) touched.add(key);
  const lines = [...set.values()].map(({ name, value }) => `${name}: ${value}\r\n`).join('');
  return { touched, lines, added };
}

/** The API allows what a field cannot carry (HTTPHeader.value is any text). */
function printable(value: string): string {
  const octets = Buffer.from(value);
  for (const [at, octet] of octets.entries()) if (isFieldValue[octet] !== 1) octets[at] = 0x20;
  return octets.toString('latin1');
}
