import type { NginxServer, NginxServers } from './servers.ts';

/** The name of a Host header as nginx compares it: lower case, without port and final dot; undefined: 400. */
export function serverNameOf(host: string): string | undefined {
  const [, bracketed, name = bracketed] =
    /^(?:(\[[0-9A-Fa-f:.]+\])|([^\s:/[\]\0]+))(?::[^/\s]*)?$/.exec(host) ?? [];
  if (name === undefined || name.includes('..') || name.startsWith('.')) return undefined;
  return name.toLowerCase().replace(/\.$/, '');
}

/** Exact names first, then the longest name with a star in front, then patterns in their order. */
export function findServer(servers: NginxServers, name: string): NginxServer {
  const exact = servers.byName.get(name);
  if (exact !== undefined) return exact;
  const ending = servers.byEnding.find(one => name.endsWith(one.ending) && name.length > one.ending.length);
  if (ending !== undefined) return ending.server;
  for (const { pattern, server } of servers.byPattern)
    if (pattern.isJudged && pattern.search(name) !== undefined) return server;
  return servers.fallback;
}

/** Whether the controller has a certificate for a name: its own, or that of the wildcard one label up. */
export function isCertified({ certified }: NginxServers, name: string): boolean {
  return certified.has(name) || certified.has(name.replace(/^[^.]+\./, '*.'));
}
