import type { DraftLocation, DraftServer } from './compile-servers.ts';
import { readPattern } from './pattern/index.ts';
import type { Pattern } from './pattern/index.ts';
import type { NginxLocation, NginxServer } from './servers.ts';

/** A server's locations as they are written: the longest path first; a prefix as itself with a slash, and as a name. */
export function compileServer(draft: DraftServer): NginxServer {
  const ordered = draft.locations
    .toSorted((a, b) => (a.path === b.path ? 0 : a.path > b.path ? -1 : 1))
    .toSorted((a, b) => Buffer.byteLength(b.path) - Buffer.byteLength(a.path));
  const names = new Set(ordered.filter(({ type }) => type === 'Exact').map(({ path }) => path));
  const written = ordered.flatMap(location => writtenAs(location, names));
  const spread = spreadOf(written);
  const locations = written.map(one => compileLocation(one, spread !== undefined));
  const withAppRoot = ordered.find(({ settings }) => settings.appRoot !== undefined);
  return {
    host: draft.host,
    locations,
    exact: firstByPath(locations.filter(({ isExact }) => isExact)),
    prefixes: firstByPath(locations.filter(({ isExact }) => !isExact)),
    spread,
    conflict: spread === undefined ? twice(locations) : undefined,
    snippets: draft.snippets,
    passesThrough: draft.passesThrough,
    clientCertificates: draft.clientCertificates,
    appRoot:
      withAppRoot?.settings.appRoot === undefined
        ? undefined
        : { path: withAppRoot.settings.appRoot, ingress: withAppRoot.settings.ingress },
  };
}

interface Written extends DraftLocation {
  readonly original: string;
}

function writtenAs(location: DraftLocation, names: ReadonlySet<string>): readonly Written[] {
  const { path, settings, type } = location;
  const same: Written = { ...location, original: path };
  if (path === '/' || type === 'Exact' || isRewritten(location) || settings.usesRegex) return [same];
  const prefix: Written = { ...same, path: path.endsWith('/') ? path : `${path}/` };
  // Where the path itself is a location of its own, there is no second one of that name.
  return names.has(path) ? [prefix] : [prefix, { ...same, type: 'Exact' }];
}

/** A target that is the path itself rewrites nothing. */
const isRewritten = ({ path, settings }: DraftLocation): boolean =>
  settings.rewriteTarget !== '' && settings.rewriteTarget !== path;

/** One location of patterns makes patterns of all locations of its host. */
function spreadOf(locations: readonly Written[]): NginxServer['spread'] {
  for (const location of locations) {
    const { ingress, usesRegex } = location.settings;
    if (usesRegex) return { ingress, subject: 'use-regex' };
    if (isRewritten(location)) return { ingress, subject: 'rewrite-target' };
  }
  return undefined;
}

function compileLocation(written: Written, isSpread: boolean): NginxLocation {
  const { original, path, settings, type, upstream } = written;
  return {
    path,
    isExact: type === 'Exact',
    pattern: isSpread ? readPattern(`^${path}`, true) : undefined,
    strictPattern: isSpread ? readPattern(`^${path}`, false) : undefined,
    rewrite: isRewritten(written) ? rewriteOf(path, settings.rewriteTarget) : undefined,
    settings,
    upstream,
    written: original,
  };
}

const rewriteOf = (path: string, target: string): { readonly pattern: Pattern; readonly target: string } => ({
  pattern: readPattern(path, true),
  target,
});

/** `/foo` and `/foo/` as prefixes are both written as `/foo/`. */
function twice(locations: readonly NginxLocation[]): string | undefined {
  const seen = new Set<string>();
  for (const { isExact, path } of locations) {
    const place = `${isExact ? '= ' : ''}${path}`;
    if (seen.has(place)) return place;
    seen.add(place);
  }
  return undefined;
}

function firstByPath(locations: readonly NginxLocation[]): ReadonlyMap<string, NginxLocation> {
  const byPath = new Map<string, NginxLocation>();
  for (const location of locations) if (!byPath.has(location.path)) byPath.set(location.path, location);
  return byPath;
}
