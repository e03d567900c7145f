import { normaliseTarget } from '../../../../gateway/lookup/index.ts';
import type { Effect } from '../announcement.ts';
import type { BackendOutcome, BackendShare, Outcome, RuleSettings } from '../model/index.ts';

/** One thing that is not the same on both sides. */
export interface Difference {
  readonly effect: Effect;
  /** What it was, and what it would be, in words. */
  readonly was: string;
  readonly becomes: string;
  /** Of a setting that is not the same: whose it is. */
  readonly subject?: string;
  /** Whose setting it is, where it is of another Ingress. */
  readonly owner?: string;
}

/** Everything that two answers to one request do not share; none where one side cannot be told. */
export function compareOutcomes(old: Outcome, now: Outcome): readonly Difference[] {
  if (old.kind === 'undetermined' || now.kind === 'undetermined') return [];
  if (old.kind !== now.kind) return [{ effect: 'status', was: shortly(old), becomes: shortly(now) }];
  if (old.kind === 'refused' || now.kind === 'refused') return [];
  if (old.kind === 'passthrough' || now.kind === 'passthrough')
    return old.kind === 'passthrough' && now.kind === 'passthrough'
      ? compareShares(old.backends, now.backends)
      : [];
  const differences: Difference[] = [];
  if (old.kind === 'response' && now.kind === 'response') {
    if (old.status !== now.status) return [{ effect: 'status', was: shortly(old), becomes: shortly(now) }];
    if (old.location !== now.location && !isSameLocation(old.location, now.location))
      differences.push({ effect: 'location', was: old.location ?? 'none', becomes: now.location ?? 'none' });
    // A browser follows a redirect, whatever else stands beside it.
    if (old.location !== undefined) return differences;
  }
  if (old.kind === 'backend' && now.kind === 'backend') differences.push(...compareBackends(old, now));
  return [...differences, ...compareFields('response-headers', old.responseHeaders, now.responseHeaders)];
}

function compareBackends(old: BackendOutcome, now: BackendOutcome): readonly Difference[] {
  const [elsewhere] = compareShares(old.backends, now.backends);
  // What else is not the same follows from being somewhere else.
  if (elsewhere?.effect === 'backend') return [elsewhere];
  const differences: Difference[] = elsewhere === undefined ? [] : [elsewhere];
  if (comparable(old.target) !== comparable(now.target))
    differences.push({ effect: 'path', was: old.target, becomes: now.target });
  if (old.host.toLowerCase() !== now.host.toLowerCase())
    differences.push({ effect: 'host', was: old.host, becomes: now.host });
  if (old.protocol !== now.protocol && old.protocol !== 'AUTO_HTTP')
    differences.push({
      effect: 'backend',
      was: `by ${old.protocol}`,
      becomes: `by ${now.protocol}`,
      subject: 'backend-protocol',
    });
  return [
    ...differences,
    ...compareFields('request-headers', old.requestHeaders, now.requestHeaders),
    ...compareRules(old.rule, now.rule),
  ];
}

/** Ports by name on the one side are not known as numbers: the Service counts then. */
function compareShares(old: readonly BackendShare[], now: readonly BackendShare[]): readonly Difference[] {
  const isNumbered = old.every(({ backend }) => /:\d+$/.test(backend));
  const nameOf = (backend: string) => (isNumbered ? backend : backend.replace(/:[^:]*$/, ''));
  const words = (shares: readonly BackendShare[]) =>
    shares.map(({ backend }) => (backend === '' ? 'nothing (500)' : nameOf(backend))).join(', ');
  if (words(old) !== words(now)) return [{ effect: 'backend', was: words(old), becomes: words(now) }];
  const isSame = old.every(({ share }, index) => Math.abs(share - (now[index]?.share ?? 0)) < 0.0005);
  return isSame ? [] : [{ effect: 'weights', was: percents(old), becomes: percents(now) }];
}

const percents = (shares: readonly BackendShare[]): string =>
  shares.map(({ backend, share }) => `${backend} ${Math.round(share * 1000) / 10} %`).join(', ');

/** Both sides may write a path differently that means the same (RFC 3986 section 6.2.2). */
function comparable(target: string): string {
  const normal = normaliseTarget(target.split('#', 1)[0] ?? '');
  return normal === undefined ? target : `${normal.path}?${normal.query}`;
}

function isSameLocation(old: string | undefined, now: string | undefined): boolean {
  if (old === undefined || now === undefined) return false;
  return URL.canParse(old) && URL.canParse(now) && new URL(old).href === new URL(now).href;
}

function compareFields(
  effect: Effect,
  old: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): readonly Difference[] {
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  names.delete('vary'); // a hint for caches, which changes no answer
  // The old side adds headers of a ConfigMap that is not known.
  if (names.delete('*'))
    for (const name of Object.keys(now)) if (!Object.hasOwn(old, name)) names.delete(name);
  return [...names].flatMap(name => {
    const [was, becomes] = [old[name], now[name]];
    if (was === becomes || (was !== undefined && becomes !== undefined && listed(was) === listed(becomes)))
      return [];
    const field = (value: string | undefined) => (value === undefined ? `no ${name}` : `${name}: ${value}`);
    const subject = subjectsOfFields[name];
    return [
      { effect, was: field(was), becomes: field(becomes), ...(subject === undefined ? {} : { subject }) },
    ];
  });
}

const subjectsOfFields: Readonly<Record<string, string>> = {
  'strict-transport-security': 'config:hsts',
  'x-forwarded-prefix': 'x-forwarded-prefix',
  connection: 'connection-proxy-header',
  'access-control-allow-origin': 'cors-allow-origin',
  'access-control-allow-credentials': 'cors-allow-credentials',
  'access-control-allow-methods': 'cors-allow-methods',
  'access-control-allow-headers': 'cors-allow-headers',
  'access-control-expose-headers': 'cors-expose-headers',
  'access-control-max-age': 'cors-max-age',
};

/** Lists do not care for spaces and case. */
const listed = (value: string): string => value.toLowerCase().replaceAll(/\s*,\s*/g, ',');

const effectOf = {
  access: 'access',
  limits: 'limits',
  affinity: 'affinity',
  errors: 'status',
  mirror: 'backend',
} as const satisfies Partial<Record<keyof RuleSettings, Effect>>;

function compareRules(old: RuleSettings, now: RuleSettings): readonly Difference[] {
  const differences: Difference[] = [];
  for (const [name, effect] of Object.entries(effectOf) as [keyof typeof effectOf, Effect][]) {
    const [was, becomes] = [old[name], now[name]];
    if (was === undefined && becomes === undefined) continue;
    // A mirror's URL names what the other side names as a Service.
    const isSame =
      was !== undefined && becomes !== undefined && (name === 'mirror' || was.says === becomes.says);
    if (isSame) continue;
    const { owner, subject } = was ?? becomes ?? {};
    differences.push({
      effect,
      was: was?.says ?? 'none',
      becomes: becomes?.says ?? 'none',
      ...(subject === undefined ? {} : { subject }),
      ...(owner === undefined ? {} : { owner }),
    });
  }
  return [...differences, ...compareTimeouts(old, now)];
}

/** An idle time and a limit of the whole exchange are never the same; none on both sides is. */
function compareTimeouts(old: RuleSettings, now: RuleSettings): readonly Difference[] {
  if (old.timeouts === undefined && now.totalTimeout === undefined) return [];
  return [
    {
      effect: 'timeouts',
      was: old.timeouts?.says ?? 'idle times as the controller has them',
      becomes: now.totalTimeout === undefined ? 'no limit' : `${now.totalTimeout} s for a whole exchange`,
      subject: old.timeouts?.subject ?? 'config:proxy-read-timeout',
    },
  ];
}

/** An outcome in a few words. */
export function shortly(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'response':
      return outcome.location === undefined
        ? String(outcome.status)
        : `${outcome.status} to ${outcome.location}`;
    case 'backend':
      return `${percents(outcome.backends)} with ${outcome.target}`;
    case 'passthrough':
      return `${percents(outcome.backends)} as TLS`;
    case 'refused':
      return `no answer (${outcome.sentence})`;
    case 'undetermined':
      return `not known: ${outcome.reason}`;
    default:
      return outcome satisfies never;
  }
}
