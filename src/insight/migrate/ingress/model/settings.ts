import type { Prefix } from '../../../../base/ip.ts';
import type { Values } from '../values.ts';
import { readRanges } from './addresses.ts';
import { readCanary } from './canary.ts';
import type { CanarySettings } from './canary.ts';
import { readCrossOrigin } from './cross-origin.ts';
import type { CrossOriginSettings } from './cross-origin.ts';
import type { BackendProtocol, RuleSetting, RuleSettings } from './outcome.ts';
import { readSize } from './sizes.ts';

/** What the annotations of one Ingress make of each of its locations, with the ConfigMap's defaults. */
export interface LocationSettings {
  /** `namespace/name` */
  readonly ingress: string;
  /** Says whether an annotation or a key of the ConfigMap decided: for the cause of a difference. */
  subjectOf(annotation: string, key?: string): string;
  readonly rewriteTarget: string;
  readonly usesRegex: boolean;
  readonly redirectsToTls: boolean;
  readonly forcesTls: boolean;
  readonly keepsTrailingSlash: boolean;
  readonly appRoot: string | undefined;
  readonly redirect: { readonly url: string; readonly code: number; readonly subject: string } | undefined;
  readonly fromToWww: boolean;
  readonly hasRelativeRedirects: boolean;
  readonly usesPort: boolean;
  /** Of a ConfigMap that is not known. */
  readonly addsHeaders: boolean;
  readonly bodyLimit: number;
  /** Absent: everybody. */
  readonly allowed: readonly Prefix[] | undefined;
  readonly refusedClients: readonly Prefix[];
  /** The location answers 503, for this reason. */
  readonly denied: { readonly sentence: string; readonly subject: string } | undefined;
  readonly crossOrigin: CrossOriginSettings | undefined;
  readonly upstreamHost: string | undefined;
  readonly forwardedPrefix: string | undefined;
  readonly connectionHeader: string | undefined;
  readonly protocol: BackendProtocol;
  readonly passwords: 'basic' | 'digest' | undefined;
  readonly externalAuth: { readonly url: string; readonly signin: string | undefined } | undefined;
  readonly skipsGlobalAuth: boolean;
  readonly satisfiesAny: boolean;
  readonly clientCertificates: string | undefined;
  readonly replacedErrors: readonly number[];
  readonly errorBackend: string | undefined;
  readonly affinity: string | undefined;
  readonly rule: Pick<RuleSettings, 'timeouts' | 'limits' | 'mirror'>;
  readonly aliases: readonly string[];
  readonly passesThrough: boolean;
  readonly canary: CanarySettings | undefined;
  /** Annotations whose text is nginx's own configuration: nobody can tell what becomes of a request. */
  readonly snippets: readonly string[];
}

const SNIPPETS = ['configuration-snippet', 'auth-snippet', 'modsecurity-snippet'] as const;

/** An invalid value counts as the controller counts it: mostly as absent; of an address list it closes the location. */
export function readSettings(ingress: string, values: Values, config: Values): LocationSettings {
  const flag = (name: string, otherwise: boolean) => values.flag(name) ?? config.flag(name) ?? otherwise;
  const text = (name: string) => values.text(name) ?? config.text(name);
  const access = readAccess(values, config);
  const authType = values.text('auth-type');
  const authUrl = values.text('auth-url');
  const wrongAuth = authProblem(authType, authUrl);
  return {
    ingress,
    subjectOf: (annotation, key = annotation) => (values.has(annotation) ? annotation : `config:${key}`),
    rewriteTarget: values.text('rewrite-target') ?? '',
    usesRegex: values.flag('use-regex') ?? false,
    redirectsToTls: flag('ssl-redirect', true),
    forcesTls: flag('force-ssl-redirect', false),
    keepsTrailingSlash: flag('preserve-trailing-slash', false),
    appRoot: readAppRoot(values.text('app-root')),
    ...readRedirect(values),
    usesPort: flag('use-port-in-redirects', false),
    addsHeaders: values.text('custom-headers') !== undefined,
    bodyLimit: readSize(text('proxy-body-size') ?? '1m') ?? 1_048_576,
    ...access,
    denied: access.denied ?? wrongAuth,
    crossOrigin: readCrossOrigin(values),
    upstreamHost: values.text('upstream-vhost'),
    forwardedPrefix: values.text('x-forwarded-prefix'),
    connectionHeader: values.text('connection-proxy-header'),
    protocol: readProtocol(values.text('backend-protocol')),
    passwords: authType === 'basic' || authType === 'digest' ? authType : undefined,
    externalAuth: authUrl === undefined ? undefined : { url: authUrl, signin: values.text('auth-signin') },
    skipsGlobalAuth: values.flag('enable-global-auth') === false,
    satisfiesAny: values.text('satisfy') === 'any',
    clientCertificates: values.text('auth-tls-secret'),
    replacedErrors: readCodes(values.text('custom-http-errors')),
    errorBackend: values.text('default-backend'),
    affinity: readAffinity(values),
    rule: readRule(values, config),
    aliases: (values.list('server-alias') ?? []).map(alias => alias.toLowerCase()).toSorted(),
    passesThrough: values.flag('ssl-passthrough') ?? false,
    canary: readCanary(values),
    snippets: SNIPPETS.filter(name => values.text(name) !== undefined),
  };
}

function readAccess(
  values: Values,
  config: Values,
): Pick<LocationSettings, 'allowed' | 'refusedClients' | 'denied'> {
  const allow = rangesOf(values, config, 'allowlist-source-range', 'whitelist-source-range');
  const deny = rangesOf(values, config, 'denylist-source-range', 'denylist-source-range');
  const wrong = [allow, deny].find(({ prefixes }) => prefixes === undefined);
  return {
    allowed: (allow.prefixes ?? []).length === 0 ? undefined : allow.prefixes,
    refusedClients: deny.prefixes ?? [],
    denied:
      wrong === undefined
        ? undefined
        : { sentence: `${wrong.name} has an entry that is no address`, subject: wrong.name },
  };
}

function rangesOf(
  values: Values,
  config: Values,
  name: string,
  key: string,
): { readonly name: string; readonly prefixes: readonly Prefix[] | undefined } {
  if (!values.has(name)) return { name: `config:${key}`, prefixes: readRanges(config.text(key) ?? '') ?? [] };
  return { name, prefixes: readRanges(values.text(name) ?? '') };
}

function authProblem(type: string | undefined, url: string | undefined): LocationSettings['denied'] {
  if (type !== undefined && type !== 'basic' && type !== 'digest')
    return { sentence: `auth-type ${type} is none`, subject: 'auth-type' };
  if (url !== undefined && !/^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.test(url))
    return { sentence: 'auth-url is no absolute URL', subject: 'auth-url' };
  return undefined;
}

/** An absolute path; a URL is not taken (`url.ParseRequestURI`). */
const readAppRoot = (text: string | undefined): string | undefined =>
  text?.startsWith('/') === true ? text : undefined;

function readRedirect(
  values: Values,
): Pick<LocationSettings, 'redirect' | 'fromToWww' | 'hasRelativeRedirects'> {
  const none = { redirect: undefined, fromToWww: false, hasRelativeRedirects: false };
  // One of these flags that is none takes all of the redirects with it.
  for (const name of ['from-to-www-redirect', 'relative-redirects'])
    if (values.text(name) !== undefined && values.flag(name) === undefined) return none;
  const flags = {
    fromToWww: values.flag('from-to-www-redirect') ?? false,
    hasRelativeRedirects: values.flag('relative-redirects') ?? false,
  };
  const temporal = values.text('temporal-redirect');
  const permanent = values.text('permanent-redirect');
  if (temporal !== undefined) {
    if (!temporal.startsWith('http')) return none;
    const code = codeWithin(values.number('temporal-redirect-code'), 307) ?? 302;
    return { ...flags, redirect: { url: temporal, code, subject: 'temporal-redirect' } };
  }
  if (permanent === undefined) return { ...flags, redirect: undefined };
  const code = codeWithin(values.number('permanent-redirect-code'), 308) ?? 301;
  return { ...flags, redirect: { url: permanent, code, subject: 'permanent-redirect' } };
}

const codeWithin = (code: number | undefined, last: number): number | undefined =>
  code !== undefined && code >= 300 && code <= last ? code : undefined;

const PROTOCOLS: readonly BackendProtocol[] = ['HTTP', 'HTTPS', 'GRPC', 'GRPCS', 'FCGI', 'AUTO_HTTP'];

const readProtocol = (text: string | undefined): BackendProtocol =>
  PROTOCOLS.find(protocol => protocol === text?.trim().toUpperCase()) ?? 'HTTP';

/** What is said of a rule beyond the defaults. */
function readRule(values: Values, config: Values): LocationSettings['rule'] {
  const timeouts = readTimeouts(values, config);
  const limits = readLimits(values);
  const mirror = values.text('mirror-target');
  return {
    ...(timeouts === undefined ? {} : { timeouts }),
    ...(limits === undefined ? {} : { limits }),
    ...(mirror === undefined ? {} : { mirror: { subject: 'mirror-target', says: mirror } }),
  };
}

/** Idle times: none of them bounds an exchange that goes on. */
function readTimeouts(values: Values, config: Values): RuleSetting | undefined {
  const said = ['proxy-read-timeout', 'proxy-send-timeout', 'proxy-connect-timeout'].flatMap(name => {
    const own = values.number(name);
    const seconds = own ?? config.number(name);
    return seconds === undefined
      ? []
      : [{ name, seconds, subject: own === undefined ? `config:${name}` : name }];
  });
  const [first] = said;
  if (first === undefined) return undefined;
  return {
    subject: first.subject,
    says: said.map(({ name, seconds }) => `${name} ${seconds} s idle`).join(', '),
  };
}

function readLimits(values: Values): RuleSetting | undefined {
  const times = values.number('limit-burst-multiplier') ?? 5;
  const said = [
    [
      'limit-rps',
      (number: number) => `${number} requests a second for each client, ${number * times} at once`,
    ],
    [
      'limit-rpm',
      (number: number) => `${number} requests a minute for each client, ${number * times} at once`,
    ],
    ['limit-connections', (number: number) => `${number} connections for each client`],
    ['limit-rate', (number: number) => `${number} KiB a second for each answer`],
  ] as const;
  const found = said.flatMap(([name, words]) => {
    const number = values.number(name) ?? 0;
    return number > 0 ? [{ subject: name, says: words(number) }] : [];
  });
  const [first] = found;
  return first && { subject: first.subject, says: found.map(({ says }) => says).join(', ') };
}

const readCodes = (text: string | undefined): readonly number[] =>
  (text ?? '')
    .split(',')
    .map(Number)
    .filter(code => code >= 400 && code <= 599);

function readAffinity(values: Values): string | undefined {
  if (values.text('affinity') !== 'cookie') return undefined;
  return `cookie ${values.text('session-cookie-name') ?? 'INGRESSCOOKIE'}`;
}
