import type { GRPCRoute, HTTPRoute, HTTPRouteRule, TLSRoute } from '../../../kube/types/gateway-routes.ts';
import type { Conversion } from './convert/convert.ts';
import type { IngressModel } from './read.ts';
import { buildServers, isRewritten } from './servers.ts';
import type { Location, Server } from './servers.ts';

/** The routes of a host, old and new, each in the order in which they are asked. */
export interface ComparedHost {
  /** Empty: every other host. */
  readonly host: string;
  readonly old: readonly string[];
  readonly new: readonly string[];
}

/** Both route tables, host by host. */
export function compareTables(model: IngressModel, { objects }: Conversion): readonly ComparedHost[] {
  const byHost = new Map<string, string[]>();
  for (const { object } of objects) {
    if (!object.kind.endsWith('Route')) continue;
    const { spec } = object as HTTPRoute | GRPCRoute | TLSRoute;
    const listener = (spec.parentRefs ?? [])
      .map(({ sectionName }) => sectionName?.split('-')[0] ?? '')
      .join('+');
    for (const host of spec.hostnames ?? ['']) {
      const lines = byHost.get(host) ?? [];
      byHost.set(host, lines);
      lines.push(...(spec.rules ?? []).map(rule => `${listener}: ${newLine(rule as HTTPRouteRule)}`));
    }
  }
  const { servers } = buildServers(model);
  const old = new Map(servers.map(server => [server.host, oldLines(server)]));
  const hosts = [...new Set([...old.keys(), ...byHost.keys()])].toSorted();
  return hosts
    .map(host => ({ host, old: old.get(host) ?? [], new: byHost.get(host) ?? [] }))
    .filter(one => one.old.length > 0 || one.new.length > 0);
}

const oldLines = (server: Server): readonly string[] =>
  server.locations
    .filter(({ backend, isDefault }) => !isDefault || backend !== undefined)
    .map(location => oldLine(location, server));

function oldLine(location: Location, { regular }: Server): string {
  const { backend, canary, ingress, path, type } = location;
  const match = regular ? `~* ^${path}` : `${type} ${path}`;
  const target = isRewritten(location) ? ` as ${ingress?.annotations.text('rewrite-target') ?? ''}` : '';
  const other = canary === undefined ? '' : ` (or ${canary.backend.service}:${canary.backend.port})`;
  return `${match} → ${backend === undefined ? '404' : `${backend.service}:${backend.port}`}${target}${other}`;
}

function newLine({ backendRefs, filters = [], matches = [] }: HTTPRouteRule): string {
  const words = matches.map(({ headers = [], path }) =>
    [
      `${path?.type ?? 'PathPrefix'} ${path?.value ?? '/'}`,
      ...headers.map(({ name, value }) => `${name}=${value}`),
    ].join(' '),
  );
  const redirect = filters.find(({ type }) => type === 'RequestRedirect')?.requestRedirect;
  const path = filters.find(({ type }) => type === 'URLRewrite')?.urlRewrite?.path;
  const match = words.length === 0 ? 'everything' : words.join(', ');
  if (redirect !== undefined) {
    const to = [redirect.scheme, redirect.hostname, redirect.path?.replaceFullPath].filter(Boolean).join(' ');
    return `${match} → ${redirect.statusCode ?? 302} ${to}`;
  }
  if (backendRefs === undefined) return `${match} → 500 (held back)`;
  const rewrite =
    path === undefined ? '' : ` as ${path.replaceFullPath ?? `${path.replacePrefixMatch ?? ''}…`}`;
  const backends = backendRefs.map(
    ({ name, port, weight }) => `${name}:${port ?? ''}${weight === undefined ? '' : ` ×${weight}`}`,
  );
  return `${match} → ${backends.join(', ')}${rewrite}`;
}
