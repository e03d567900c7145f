import { FairleadError } from '../base/errors.ts';
import type { LabelSelector, LabelSelectorRequirement } from './types/meta.ts';

type Labels = Readonly<Record<string, string>>;

/** One term of a label selector string; the terms of a selector all have to hold. */
export type LabelRequirement =
  | { readonly key: string; readonly operator: 'Exists' | 'DoesNotExist' }
  | { readonly key: string; readonly operator: 'In' | 'NotIn'; readonly values: readonly string[] }
  | { readonly key: string; readonly operator: 'Gt' | 'Lt'; readonly value: number };

/**
 * Reads `app=web,tier!=db,env in (a, b),zone notin (c),gpu,!spot,cores>4`, as kubectl's `-l` takes it. The empty
 * selector selects everything. Throws `kube/bad-selector`.
 */
export function parseLabelSelector(text: string): readonly LabelRequirement[] {
  if (text.trim() === '') return [];
  return splitTerms(text).map(term => parseTerm(text, term.trim()));
}

/** Do labels fulfil a parsed selector string? A missing label fulfils `!=` and `notin`. */
export function matchesLabels(
  requirements: readonly LabelRequirement[],
  labels: Labels | undefined,
): boolean {
  return requirements.every(requirement => holds(requirement, labels ?? {}));
}

/** Do labels fulfil a LabelSelector object? An absent selector selects nothing, an empty one everything. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (selector === undefined) return false;
  return (
    matchesAll(selector.matchLabels, labels) &&
    (selector.matchExpressions ?? []).every(expression => holdsExpression(expression, labels ?? {}))
  );
}

/** Are all wanted labels there (Service.spec.selector, nodeSelector)? */
export function matchesAll(wanted: Labels | undefined, labels: Labels | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([key, value]) => valueOf(labels ?? {}, key) === value);
}

/** A LabelSelector object as a selector string, for a list or a watch. */
export function formatSelector(selector: LabelSelector): string {
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    switch (operator) {
      case 'In':
        return `${key} in (${values.join(',')})`;
      case 'NotIn':
        return `${key} notin (${values.join(',')})`;
      case 'Exists':
        return key;
      case 'DoesNotExist':
        return `!${key}`;
      default:
        return operator satisfies never;
    }
  });
  return [...equal, ...expressions].join(',');
}

function holds(requirement: LabelRequirement, labels: Labels): boolean {
  const value = valueOf(labels, requirement.key);
  switch (requirement.operator) {
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'In':
      return value !== undefined && requirement.values.includes(value);
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value);
    case 'Gt':
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) > requirement.value;
    case 'Lt':
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) < requirement.value;
    default:
      return requirement satisfies never;
  }
}

function holdsExpression({ key, operator, values = [] }: LabelSelectorRequirement, labels: Labels): boolean {
  return operator === 'In' || operator === 'NotIn'
    ? holds({ key, operator, values }, labels)
    : holds({ key, operator }, labels);
}

/** Labels come from JSON: `constructor` must not be found in every object. */
function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** Commas inside of parentheses separate values, all others separate terms. */
function splitTerms(text: string): readonly string[] {
  const terms: string[] = [];
  let start = 0;
  let open = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '(' || character === ')') open = character === '(';
    if (character !== ',' || open) continue;
    terms.push(text.slice(start, at));
    start = at + 1;
  }
  return [...terms, text.slice(start)];
}

const NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** A label's key: a name of at most 63 characters, perhaps with a DNS subdomain and a slash before it. */
export function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/');
  const prefix = key.slice(0, Math.max(slash, 0));
  return NAME.test(key.slice(slash + 1)) && (slash < 0 || (prefix.length <= 253 && PREFIX.test(prefix)));
}

/** A label's value: empty, or as the name of a key. */
export const isLabelValue = (value: string): boolean => value === '' || NAME.test(value);

function parseTerm(selector: string, term: string): LabelRequirement {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(term);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map(value => value.trim());
    return {
      key: keyIn(selector, key),
      operator: operator === 'in' ? 'In' : 'NotIn',
      values: values.map(value => valueIn(selector, value)),
    };
  }
  const comparison = /^([^\s=!<>]+)\s*(==|=|!=|>|<)\s*(\S*)$/.exec(term);
  if (comparison !== null) {
    const [, key = '', operator = '', value = ''] = comparison;
    if (operator === '>' || operator === '<') {
      if (!/^-?\d+$/.test(value)) throw badSelector(selector, `${JSON.stringify(value)} is no whole number`);
      return { key: keyIn(selector, key), operator: operator === '>' ? 'Gt' : 'Lt', value: Number(value) };
    }
    return {
      key: keyIn(selector, key),
      operator: operator === '!=' ? 'NotIn' : 'In',
      values: [valueIn(selector, value)],
    };
  }
  return term.startsWith('!')
    ? { key: keyIn(selector, term.slice(1).trim()), operator: 'DoesNotExist' }
    : { key: keyIn(selector, term), operator: 'Exists' };
}

function keyIn(selector: string, key: string): string {
  if (!isLabelKey(key)) throw badSelector(selector, `${JSON.stringify(key)} is no label key`);
  return key;
}

function valueIn(selector: string, value: string): string {
  if (!isLabelValue(value)) throw badSelector(selector, `${JSON.stringify(value)} is no label value`);
  return value;
}

function badSelector(selector: string, what: string): FairleadError {
  return new FairleadError(
    'kube/bad-selector',
    `The label selector ${JSON.stringify(selector)} cannot be read: ${what}.`,
    {
      field: 'labelSelector',
      hint: 'Write terms as app=web, app!=web, app in (a,b), app notin (a,b), app or !app, separated by commas.',
    },
  );
}
