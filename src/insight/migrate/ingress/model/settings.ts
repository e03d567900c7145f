import type { Prefix } from '../../../../base/ip.ts';
import type { Values } from '../values.ts';
import { readRanges } from './addresses.ts';
import { readCanary } from './canary.ts';
import type { CanarySettings } from './canary.ts';
import { readCrossOrigin } from './cross-origin.ts';
import type { CrossOriginSettings } from './cross-origin.ts';
import type { BackendProtocol } from './outcome.ts';
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
  readonly bodyLimit: number;
  readonly timeouts: { readonly connect: number; readonly send: number; readonly read: number };
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
  readonly limits: readonly string[];
  readonly replacedErrors: readonly number[];
  readonly errorBackend: string | undefined;
  readonly affinity: string | undefined;
  readonly mirror: string | undefined;
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
  const seconds = (name: string, otherwise: number) =>
    values.number(name) ?? config.number(name) ?? otherwise;
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
    bodyLimit: readSize(text('proxy-body-size') ?? '1m') ?? 1_048_576,
    timeouts: {
      connect: seconds('proxy-connect-timeout', 5),
      send: seconds('proxy-send-timeout', 60),
      read: seconds('proxy-read-timeout', 60),
    },
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
    limits: readLimits(values),
    replacedErrors: readCodes(values.text('custom-http-errors')),
    errorBackend: values.text('default-backend'),
    affinity: readAffinity(values),
    mirror: values.text('mirror-target'),
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

function readLimits(values: Values): readonly string[] {
  const limits: string[] = [];
  const times = values.number('limit-burst-multiplier') ?? 5;
  for (const [name, unit] of [
    ['limit-rps', 'second'],
    ['limit-rpm', 'minute'],
  ] as const) {
    const number = values.number(name) ?? 0;
    if (number > 0)
      limits.push(`${number} requests a ${unit} for each client and replica, ${number * times} at once`);
  }
  const connections = values.number('limit-connections') ?? 0;
  if (connections > 0) limits.push(`${connections} connections for each client and replica`);
  const rate = values.number('limit-rate') ?? 0;
  if (rate > 0) limits.push(`${rate} KiB a second for each connection`);
  return limits;
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
