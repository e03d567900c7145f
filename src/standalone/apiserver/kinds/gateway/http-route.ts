import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';
import { checkBackendPort, checkFilters } from './http-filters.ts';
import { checkParents } from './parents.ts';
import { checkMatchCount, checkSession } from './rules.ts';

const PLAIN_PATHS = ['Exact', 'PathPrefix'];
const FORBIDDEN_WITHIN = ['//', '/./', '/../', '%2f', '%2F', '#'];
const FORBIDDEN_AT_END = ['/..', '/.'];
const PATH = "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$";

export const HTTP_ROUTE: Definition = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: 'HTTPRoute',
  plural: 'httproutes',
  schema: 'io.k8s.networking.gateway.v1.HTTPRoute',
  namespaced: true,
  categories: ['gateway-api'],
  subresources: [statusOf('HTTPRoute')],
  validate: (found, object) => {
    const spec = object.child('spec');
    checkParents(found, spec.child('parentRefs'));
    const rules = spec.child('rules').items();
    checkMatchCount(found, spec.child('rules'));
    for (const rule of rules) checkRule(found, rule);
  },
  strategy: { statusFields: ['status'], countsGenerations: true, allowsUnconditionalUpdate: false },
  table: {
    columns: [NAME, column('Hostnames', 'Hosts that the route is for.'), AGE],
    cells: (object, now) => {
      const hostnames = object.child('spec').child('hostnames');
      return [nameOf(object), hostnames.present ? JSON.stringify(hostnames.value) : null, ageOf(object, now)];
    },
  },
};

function checkRule(found: Findings, rule: Place): void {
  const [backends, filters] = [rule.child('backendRefs'), rule.child('filters')];
  const object = 'object';
  if (backends.list.length > 0 && filters.items().some(filter => filter.child('requestRedirect').present)) {
    found.invalid(rule, 'RequestRedirect filter must not be used together with backendRefs', object);
  }
  if (!hasOnePrefixMatch(rule)) {
    const need = 'exactly one PathPrefix match must be specified';
    const inBackends = (name: string) =>
      backends.items().filter(backend => replacesPrefix(backend.child('filters'), name)).length === 1;
    if (replacesPrefix(filters, 'requestRedirect')) {
      found.invalid(rule, `When using RequestRedirect filter with path.replacePrefixMatch, ${need}`, object);
    }
    if (replacesPrefix(filters, 'urlRewrite')) {
      found.invalid(rule, `When using URLRewrite filter with path.replacePrefixMatch, ${need}`, object);
    }
    if (inBackends('requestRedirect')) {
      found.invalid(
        rule,
        `Within backendRefs, when using RequestRedirect filter with path.replacePrefixMatch, ${need}`,
        object,
      );
    }
    if (inBackends('urlRewrite')) {
      found.invalid(
        rule,
        `Within backendRefs, When using URLRewrite filter with path.replacePrefixMatch, ${need}`,
        object,
      );
    }
  }
  for (const match of rule.child('matches').items()) checkPath(found, match.child('path'));
  checkTimeouts(found, rule.child('timeouts'));
  checkSession(found, rule.child('sessionPersistence'));
  checkFilters(found, filters);
  for (const backend of backends.items()) {
    checkBackendPort(found, backend);
    checkFilters(found, backend.child('filters'));
  }
}

function hasOnePrefixMatch(rule: Place): boolean {
  const [match, ...more] = rule.child('matches').items();
  return match !== undefined && more.length === 0 && match.child('path').child('type').text === 'PathPrefix';
}

/** True if exactly one filter replaces the matched prefix. */
function replacesPrefix(filters: Place, name: string): boolean {
  const replacing = filters.items().filter(filter => {
    const path = filter.child(name).child('path');
    return path.child('type').text === 'ReplacePrefixMatch' && path.child('replacePrefixMatch').present;
  });
  return replacing.length === 1;
}

function checkPath(found: Findings, path: Place): void {
  if (!path.present || !PLAIN_PATHS.includes(path.child('type').text)) return;
  const value = path.child('value').text;
  const when = "when type one of ['Exact', 'PathPrefix']";
  const rule = (holds: boolean, message: string) => {
    if (!holds) found.invalid(path, message, 'object');
  };
  rule(value.startsWith('/'), `value must be an absolute path and start with '/' ${when}`);
  for (const part of FORBIDDEN_WITHIN) rule(!value.includes(part), `must not contain '${part}' ${when}`);
  for (const end of FORBIDDEN_AT_END) rule(!value.endsWith(end), `must not end with '${end}' ${when}`);
  rule(
    new RegExp(PATH).test(value),
    `must only contain valid characters (matching ${PATH}) for types ['Exact', 'PathPrefix']`,
  );
}

function checkTimeouts(found: Findings, timeouts: Place): void {
  const [request, backend] = [timeouts.child('request'), timeouts.child('backendRequest')];
  if (!request.present || !backend.present) return;
  const whole = milliseconds(request.text);
  if (whole !== 0 && milliseconds(backend.text) > whole) {
    found.invalid(timeouts, 'backendRequest timeout cannot be longer than request timeout', 'object');
  }
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A duration of GEP-2257, whose form the schema has checked. */
function milliseconds(duration: string): number {
  let sum = 0;
  for (const [, amount = '0', unit = 's'] of duration.matchAll(/(\d+)(ms|h|m|s)/g)) {
    sum += Number(amount) * (UNITS[unit] ?? 0);
  }
  return sum;
}
