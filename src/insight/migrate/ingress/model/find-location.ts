import type { NginxLocation, NginxServer } from './servers.ts';

export type FoundLocation =
  | { readonly is: 'location'; readonly location: NginxLocation }
  /** It is said to be elsewhere: the path lacks the slash at its end. */
  | { readonly is: 'slash'; readonly location: NginxLocation }
  | { readonly is: 'none' }
  | { readonly is: 'undetermined'; readonly location: NginxLocation; readonly reason: string };

/** Where all locations are patterns, the first that matches; else the same path, else the longest prefix. */
export function findLocation(server: NginxServer, uri: string): FoundLocation {
  return server.spread === undefined ? findByPrefix(server, uri) : findByPattern(server, uri);
}

function findByPattern({ locations }: NginxServer, uri: string): FoundLocation {
  for (const location of locations) {
    const { pattern } = location;
    if (pattern === undefined) continue;
    if (!pattern.isJudged)
      return {
        is: 'undetermined',
        location,
        reason: pattern.isBroken
          ? `the pattern ^${location.path} is none (${pattern.reason}): nginx keeps the configuration that it had before`
          : `the pattern ^${location.path} is not judged: ${pattern.reason}`,
      };
    if (pattern.search(uri) !== undefined) return { is: 'location', location };
  }
  return { is: 'none' };
}

function findByPrefix({ exact, prefixes }: NginxServer, uri: string): FoundLocation {
  const same = exact.get(uri) ?? prefixes.get(uri);
  if (same !== undefined) return { is: 'location', location: same };
  const slashed = exact.get(`${uri}/`) ?? prefixes.get(`${uri}/`);
  // Only where a request would be sent on; one that is answered here is not redirected.
  if (slashed !== undefined && slashed.settings.denied === undefined)
    return { is: 'slash', location: slashed };
  let longest: NginxLocation | undefined;
  for (const [path, location] of prefixes)
    if (uri.startsWith(path) && path.length > (longest?.path.length ?? -1)) longest = location;
  return longest === undefined ? { is: 'none' } : { is: 'location', location: longest };
}
