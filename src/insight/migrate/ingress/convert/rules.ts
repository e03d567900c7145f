import type {
  HTTPBackendRef,
  HTTPHeader,
  HTTPHeaderFilter,
  HTTPRequestRedirectFilter,
  HTTPRouteFilter,
  HTTPRouteMatch,
  HTTPRouteRule,
} from '../../../../kube/types/gateway-routes.ts';
import type { BackendReading } from '../read.ts';
import type { Location } from '../servers.ts';
import { choicesOf, weighted } from './canary.ts';
import type { Entry } from './entries.ts';
import type { IngressParts } from './parts.ts';
import type { Target } from './target.ts';

/** A rule with the words for a reader: where it comes from, and why it is as it is. */
export interface ExplainedRule {
  readonly rule: HTTPRouteRule;
  readonly because: readonly string[];
}

/** What every rule of a host has besides. */
export interface RuleContext {
  readonly target: Target;
  /** Where the route will be: backends elsewhere are named with their namespace. */
  readonly namespace: string;
  readonly strictTransport: string | undefined;
}

/** The rules of one entry, with its alternative's; none where there is nothing to serve. */
export function rulesOf(
  entry: Entry,
  parts: IngressParts | undefined,
  context: RuleContext,
): readonly ExplainedRule[] {
  const { location } = entry;
  const match: HTTPRouteMatch = { path: { type: entry.type, value: entry.path } };
  const because = [sourceOf(location)];
  if (location.backend === undefined && parts?.redirect === undefined) return [];
  const held = heldBack(entry, parts, context.target);
  if (held !== undefined)
    return [{ rule: { matches: [match] }, because: [...because, `HELD BACK, answers 500: ${held}`] }];
  if (entry.addsSlash === true)
    return [
      redirectRule(
        match,
        { path: { type: 'ReplaceFullPath', replaceFullPath: `${entry.path}/` }, statusCode: 301 },
        [...because, 'nginx leads a path without its last slash to the one with it'],
      ),
    ];
  if (parts?.redirect?.filter !== undefined) return [redirectRule(match, parts.redirect.filter, because)];
  if (location.backend === undefined) return [];
  const filters = filtersOf(entry, parts, context);
  const rest = {
    ...(filters.length === 0 ? {} : { filters }),
    ...(parts?.timeouts === undefined ? {} : { timeouts: parts.timeouts }),
    ...(parts?.sessions === undefined ? {} : { sessionPersistence: parts.sessions }),
  };
  const main = backendRef(location.backend, context.namespace);
  const { canary } = location;
  if (canary === undefined) return [{ rule: { matches: [match], ...rest, backendRefs: [main] }, because }];
  const other = backendRef(canary.backend, context.namespace);
  return choicesOf(canary).map(choice => ({
    rule: {
      matches: [choice.headers.length === 0 ? match : { ...match, headers: choice.headers }],
      ...rest,
      backendRefs: weighted(choice, main, other),
    },
    because: [...because, `alternative: ${canary.ingress.id}, by ${choice.because}`],
  }));
}

export const redirectRule = (
  match: HTTPRouteMatch,
  requestRedirect: HTTPRequestRedirectFilter,
  because: readonly string[],
): ExplainedRule => ({
  rule: { matches: [match], filters: [{ type: 'RequestRedirect', requestRedirect }] },
  because,
});

/** Why a path is answered with 500 rather than opened or misled. */
function heldBack(entry: Entry, parts: IngressParts | undefined, { features }: Target): string | undefined {
  const { backend, canary } = entry.location;
  if (parts === undefined) return undefined;
  // nginx leads to the slash before anything else.
  if (entry.addsSlash === true)
    return features.has('HTTPRoutePathRedirect')
      ? undefined
      : 'the class does not support HTTPRoutePathRedirect';
  if (parts.redirect !== undefined && parts.redirect.filter === undefined)
    return 'its redirect cannot be written';
  if (parts.redirect !== undefined) return undefined;
  if (parts.guards.length > 0) return `${parts.guards.join(', ')} would be lost`;
  if (parts.protocol === 'FCGI') return 'no route speaks FastCGI';
  if (entry.rewrite !== undefined && !features.has('HTTPRoutePathRewrite'))
    return 'the class does not support HTTPRoutePathRewrite';
  const unknown = [backend, canary?.backend].find(one => one !== undefined && one.portNumber === undefined);
  if (unknown !== undefined)
    return `which number the port ${JSON.stringify(unknown.port)} of the Service ${unknown.service} has is not known`;
  return undefined;
}

function filtersOf(
  { rewrite }: Entry,
  parts: IngressParts | undefined,
  { strictTransport, target }: RuleContext,
): readonly HTTPRouteFilter[] {
  const filters: HTTPRouteFilter[] = [];
  const hostname = parts?.hostRewrite;
  if (rewrite !== undefined || hostname !== undefined)
    filters.push({
      type: 'URLRewrite',
      urlRewrite: {
        ...(hostname === undefined ? {} : { hostname }),
        ...(rewrite === undefined
          ? {}
          : {
              path:
                rewrite.type === 'full'
                  ? { type: 'ReplaceFullPath', replaceFullPath: rewrite.value }
                  : { type: 'ReplacePrefixMatch', replacePrefixMatch: rewrite.value },
            }),
      },
    });
  if (rewrite !== undefined && parts?.forwardedPrefix !== undefined)
    filters.push({
      type: 'RequestHeaderModifier',
      requestHeaderModifier: { set: [{ name: 'X-Forwarded-Prefix', value: parts.forwardedPrefix }] },
    });
  const strict =
    strictTransport !== undefined && target.features.has('HTTPRouteResponseHeaderModification')
      ? [{ name: 'Strict-Transport-Security', value: strictTransport }]
      : [];
  if (strict.length > 0)
    filters.push({ type: 'ResponseHeaderModifier', responseHeaderModifier: { set: strict } });
  return mergeHeaders([...filters, ...(parts?.filters ?? [])]);
}

/** A rule may have one filter of a type, so that headers of several become one; each header once, the first one said. */
function mergeHeaders(filters: readonly HTTPRouteFilter[]): readonly HTTPRouteFilter[] {
  const request = filters.flatMap(one => one.requestHeaderModifier ?? []);
  const response = filters.flatMap(one => one.responseHeaderModifier ?? []);
  return [
    ...filters.filter(
      one => one.requestHeaderModifier === undefined && one.responseHeaderModifier === undefined,
    ),
    ...(request.length === 0
      ? []
      : [{ type: 'RequestHeaderModifier' as const, requestHeaderModifier: merged(request) }]),
    ...(response.length === 0
      ? []
      : [{ type: 'ResponseHeaderModifier' as const, responseHeaderModifier: merged(response) }]),
  ];
}

/** The API's bound on each list. */
const mostHeaders = 16;

function merged(changes: readonly HTTPHeaderFilter[]): HTTPHeaderFilter {
  const set = new Map<string, HTTPHeader>();
  for (const header of changes.flatMap(change => change.set ?? []))
    if (!set.has(header.name.toLowerCase())) set.set(header.name.toLowerCase(), header);
  const remove = new Map(
    changes.flatMap(change => change.remove ?? []).map(name => [name.toLowerCase(), name] as const),
  );
  const removed = [...remove].filter(([name]) => !set.has(name)).map(([, name]) => name);
  return {
    ...(set.size === 0 ? {} : { set: [...set.values()].slice(0, mostHeaders) }),
    ...(removed.length === 0 ? {} : { remove: removed.slice(0, mostHeaders) }),
  };
}

const backendRef = ({ namespace, portNumber, service }: BackendReading, from: string): HTTPBackendRef => ({
  name: service,
  ...(namespace === from ? {} : { namespace }),
  ...(portNumber === undefined ? {} : { port: portNumber }),
});

export function sourceOf({ field, ingress, isDefault, path, type }: Location): string {
  const at = ingress?.position === undefined ? '' : ` (${ingress.position})`;
  if (isDefault) return `default backend${ingress === undefined ? '' : ` of Ingress ${ingress.id}${at}`}`;
  return `Ingress ${ingress?.id ?? ''}${at} ${field}: ${type} ${path}`;
}
