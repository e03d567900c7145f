import type { BackendReading, IngressReading } from '../read.ts';
import type { Location, Server } from '../servers.ts';
import type { Entry, HostEntries } from './entries.ts';
import type { IngressParts } from './parts.ts';
import { redirectRule, rulesOf, sourceOf } from './rules.ts';
import type { ExplainedRule } from './rules.ts';
import { redirectsToTls } from './settings.ts';
import type { RedirectSettings } from './settings.ts';
import { featureOfStatus } from './target.ts';
import type { Target } from './target.ts';

/** What stands on a listener: `http`, or `https:` and `tls:` with the host, or `https:` alone. */
export type ListenerKey = 'http' | `https:${string}` | `tls:${string}`;

/** A route in the making: which hosts, on which listeners, which rules. */
export interface RoutePlan {
  readonly namespace: string;
  /** Of the object's name, besides the host. */
  readonly role: '' | 'plain' | 'www' | 'grpc' | 'passthrough';
  readonly host: string;
  readonly hostnames: readonly string[];
  readonly listeners: readonly ListenerKey[];
  readonly rules: readonly ExplainedRule[];
  /** For a TLSRoute: where connections go. */
  readonly stream?: BackendReading;
}

export interface HostContext {
  readonly target: Target;
  readonly settings: RedirectSettings;
  readonly parts: ReadonlyMap<IngressReading, IngressParts>;
  /** For Ingresses without one: where their routes go. */
  readonly gatewayNamespace: string;
  /** There is a certificate for every host (`--default-ssl-certificate`). */
  readonly hasDefaultCertificate: boolean;
  /** `--default-backend-service`. */
  readonly defaultBackend: BackendReading | undefined;
  /** Hosts of which a wider host's rules would answer what the host itself has no path for. */
  readonly covered: ReadonlySet<string>;
}

/** The routes of one host: those over TLS and those in plain, one for each namespace with paths of the host. */
export function routesOfHost(
  server: Server,
  { entries }: HostEntries,
  context: HostContext,
): readonly RoutePlan[] {
  if (!isHostname(server.host)) return [];
  const aliases = server.aliases.map(({ value }) => value.toLowerCase());
  const hosts = [server.host, ...aliases].filter(name => name !== '' && isHostname(name));
  const hasTls = server.tls !== undefined;
  const served = entries.flatMap(entry => withDefault(entry, context));
  const byNamespace = Map.groupBy(served, ({ location }) => namespaceOf(location, context));
  const root = rootRedirect(server, context);
  const rooted = new Set<string>();
  const plan = (
    namespace: string,
    role: RoutePlan['role'],
    listeners: readonly ListenerKey[],
    rules: readonly ExplainedRule[],
  ): readonly RoutePlan[] =>
    rules.length === 0 || listeners.length === 0
      ? []
      : [{ namespace, role, host: server.host, hostnames: hosts, listeners, rules }];
  const secure: readonly ListenerKey[] = hasTls
    ? [`https:${server.host}`]
    : context.hasDefaultCertificate
      ? ['https:']
      : [];
  const redirecting = server.locations.some(location => redirectsToTls(location, server, context.settings));
  // Where a path answers by itself, it would answer for the longer paths that the root's redirect has to cover.
  const allRedirect = server.locations.every(
    location => redirectsToTls(location, server, context.settings) && !redirectsItself(location, context),
  );
  const plans: RoutePlan[] = [];
  // The root of the host is led away before any location has it, in whichever namespace that is.
  const isLedAway = ({ path, type }: Entry) => root.length > 0 && type === 'Exact' && path === '/';
  for (const [namespace, all] of byNamespace) {
    const own = all.filter(entry => !isLedAway(entry));
    const first = rooted.size === 0 ? root : [];
    rooted.add(namespace);
    const overTls = [...first, ...own.flatMap(entry => allRules(entry, server, namespace, context, hasTls))];
    if (!hasTls && !redirecting) {
      plans.push(...plan(namespace, '', ['http', ...secure], overTls));
      continue;
    }
    plans.push(...plan(namespace, '', secure, overTls));
    const inPlain = [
      ...first,
      ...own.flatMap(entry => plainRules(entry, server, namespace, context, allRedirect)),
    ];
    plans.push(...plan(namespace, 'plain', ['http'], inPlain));
  }
  return [...plans, ...catchAllRedirect(server, entries, hosts, context)];
}

/** What the API takes for a route's host name: a DNS name, with or without a wildcard before it; empty for every host. */
export const isHostname = (host: string): boolean =>
  host.length <= 253 &&
  (host === '' ||
    /^(?:\*\.)?[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/.test(host));

/** It has a redirect of its own, which goes before that to HTTPS. */
const redirectsItself = ({ ingress }: Location, { parts }: HostContext): boolean =>
  ingress !== undefined && parts.get(ingress)?.redirect !== undefined;

/** It takes everything that no other entry of the host takes. */
const isRootEntry = ({ location, type }: Entry): boolean =>
  location.path === '/' && location.type === 'Prefix' && type !== 'Exact';

/** The root that no rule leads to has the controller's default backend, if there is one. */
function withDefault(entry: Entry, { defaultBackend }: HostContext): readonly Entry[] {
  const { location } = entry;
  if (location.backend !== undefined) return [entry];
  const hasOther = location.ingress !== undefined;
  if (defaultBackend === undefined) return hasOther && isRootEntry(entry) ? [entry] : [];
  return [{ ...entry, location: { ...location, backend: defaultBackend } }];
}

const namespaceOf = ({ ingress }: Location, { defaultBackend, gatewayNamespace }: HostContext): string =>
  ingress?.namespace ?? defaultBackend?.namespace ?? gatewayNamespace;

/** All rules of an entry. */
function allRules(
  entry: Entry,
  server: Server,
  namespace: string,
  context: HostContext,
  hasTls: boolean,
): readonly ExplainedRule[] {
  const { location } = entry;
  const { parts, settings, target } = context;
  // Over TLS a host has a listener of its own, where no wider one's rules stand.
  if (!hasTls && isRootEntry(entry) && isOpenBelow(server, context)) return [closedRoot];
  // A default backend has the settings of the Ingress that first named the host.
  const own = location.ingress === undefined ? undefined : parts.get(location.ingress);
  const strictTransport = hasTls ? settings.strictTransport : undefined;
  return rulesOf(entry, own, { target, namespace, strictTransport });
}

/** What a host has no path for is 404 to the controller, and would be answered by the rules of a wider host. */
export function isOpenBelow(
  { host, locations }: Server,
  { covered, defaultBackend, parts }: HostContext,
): boolean {
  const root = locations.find(({ isDefault }) => isDefault);
  const redirects = root?.ingress !== undefined && parts.get(root.ingress)?.redirect !== undefined;
  return (
    covered.has(host) &&
    root !== undefined &&
    root.backend === undefined &&
    defaultBackend === undefined &&
    !redirects
  );
}

const closedRoot: ExplainedRule = {
  rule: { matches: [{ path: { type: 'PathPrefix', value: '/' } }] },
  because: [
    'no Ingress has other paths of this host; the rules of a wider host would answer, this one does with 500',
  ],
};

/** `app-root` of any path redirects the root of the whole host; of several, the first location's in nginx' order. */
function rootRedirect(server: Server, { parts }: HostContext): readonly ExplainedRule[] {
  for (const { ingress } of server.locations) {
    const appRoot = ingress === undefined ? undefined : parts.get(ingress)?.appRoot;
    if (appRoot === undefined) continue;
    return [
      redirectRule(
        { path: { type: 'Exact', value: '/' } },
        { path: { type: 'ReplaceFullPath', replaceFullPath: appRoot }, statusCode: 302 },
        [`Ingress ${ingress?.id ?? ''} app-root`],
      ),
    ];
  }
  return [];
}

/** In plain, of a host with TLS: what is answered before the redirect to HTTPS, or is not redirected at all. */
function plainRules(
  entry: Entry,
  server: Server,
  namespace: string,
  context: HostContext,
  allRedirect: boolean,
): readonly ExplainedRule[] {
  const { location } = entry;
  const own = location.ingress === undefined ? undefined : context.parts.get(location.ingress);
  const answersItself = entry.addsSlash === true || own?.redirect !== undefined;
  if (answersItself || !redirectsToTls(location, server, context.settings))
    return allRules(entry, server, namespace, context, false);
  // The redirect of the host's root answers for it, where no other entry stands between.
  return isRootEntry(entry) || allRedirect ? [] : [toTls(entry, context)];
}

function toTls(entry: Entry, { settings, target }: HostContext): ExplainedRule {
  return redirectRule({ path: { type: entry.type, value: entry.path } }, tlsRedirect(settings, target), [
    sourceOf(entry.location),
    'ssl-redirect',
  ]);
}

function tlsRedirect({ code }: RedirectSettings, { features }: Target) {
  const needed = featureOfStatus(code);
  const usable = needed === undefined || (needed !== 'absent' && features.has(needed));
  return { scheme: 'https', statusCode: usable ? (code as 308) : 301 } as const;
}

/** Plain requests for anything else of a host are redirected as well: its root is, whether or not a rule leads there. */
function catchAllRedirect(
  server: Server,
  entries: readonly Entry[],
  hosts: readonly string[],
  context: HostContext,
): readonly RoutePlan[] {
  const root = entries.find(isRootEntry);
  const { settings, target } = context;
  if (root === undefined || !redirectsToTls(root.location, server, settings)) return [];
  if (redirectsItself(root.location, context)) return [];
  const because = [
    `${server.host === '' ? 'every host' : server.host}: ssl-redirect, status ${settings.code}`,
  ];
  return [
    {
      namespace: namespaceOf(root.location, context),
      role: 'plain',
      host: server.host,
      hostnames: hosts,
      listeners: ['http'],
      rules: [
        redirectRule({ path: { type: 'PathPrefix', value: '/' } }, tlsRedirect(settings, target), because),
      ],
    },
  ];
}
