import type { BackendReading, IngressModel, IngressReading } from '../read.ts';
import { valuesOf } from '../values.ts';
import { compileServer } from './compile-locations.ts';
import { readPattern } from './pattern/index.ts';
import type { NginxServers, NginxServer } from './servers.ts';
import { readSettings } from './settings.ts';
import type { LocationSettings } from './settings.ts';

/** A location while Ingresses are still put together. */
export interface DraftLocation {
  readonly path: string;
  readonly type: 'Exact' | 'Prefix';
  settings: LocationSettings;
  upstream: DraftUpstream | undefined;
  /** It is the root that every server has, and no rule has taken it yet. */
  isDefault: boolean;
}

export interface DraftServer {
  readonly host: string;
  readonly locations: DraftLocation[];
  aliases: readonly string[];
  passesThrough: boolean;
  isCertified: boolean;
  readonly snippets: { readonly ingress: string; readonly name: string }[];
  clientCertificates: string | undefined;
  fromToWww: string | undefined;
}

export interface DraftUpstream {
  readonly name: string;
  readonly alternatives: DraftUpstream[];
  canary: LocationSettings['canary'];
  /** A canary was the first to name it: no location leads to it. */
  readonly isAlternative: boolean;
  readonly ingress: string;
  affinity: { readonly says: string; readonly ingress: string } | undefined;
}

const FALLBACK = '_';

/**
 * All Ingresses of the controller, the oldest first, put together as it does: who comes first has the host, the path, and
 * what only one can say for a host.
 */
export function compileServers({ ingresses, settings: config }: IngressModel): NginxServers {
  const read = ingresses.map(ingress => ({
    ingress,
    settings: readSettings(ingress.id, ingress.annotations, config),
  }));
  const draft = new Draft(readSettings('', valuesOf({}), config));
  for (const { ingress, settings } of read) draft.addUpstreams(ingress, settings);
  for (const { ingress, settings } of read)
    if (settings.canary === undefined) draft.addServers(ingress, settings);
  for (const { ingress, settings } of read)
    if (settings.canary === undefined) draft.configureServers(ingress, settings);
  for (const { ingress, settings } of read) draft.addLocations(ingress, settings);
  if (read.some(({ settings }) => settings.canary === undefined))
    for (const { ingress, settings } of read) if (settings.canary !== undefined) draft.mergeCanary(ingress);
  return finish(draft);
}

class Draft {
  readonly upstreams = new Map<string, DraftUpstream>();
  readonly servers = new Map<string, DraftServer>();
  readonly #root: DraftLocation;

  constructor(defaults: LocationSettings) {
    this.#root = { path: '/', type: 'Prefix', settings: defaults, upstream: undefined, isDefault: true };
    this.servers.set(FALLBACK, newServer(FALLBACK, this.#root));
  }

  addUpstreams({ defaultBackend, rules }: IngressReading, settings: LocationSettings): void {
    const add = (backend: BackendReading | undefined, mayReplace: boolean) => {
      if (backend === undefined) return;
      const key = keyOf(backend);
      if (this.upstreams.has(key) && !mayReplace) return;
      this.upstreams.set(key, newUpstream(backend, settings));
    };
    add(defaultBackend, true);
    for (const { paths = [] } of rules) for (const { backend } of paths) add(backend, false);
  }

  /** The Ingress that names a host first gives its root, which stays if no rule takes it. */
  addServers({ defaultBackend, rules }: IngressReading, settings: LocationSettings): void {
    const upstream = defaultBackend && this.upstreams.get(keyOf(defaultBackend));
    if (upstream !== undefined && rules.length === 0 && this.#root.isDefault) {
      this.#root.isDefault = false;
      this.#root.upstream = upstream;
      // Redirects and rewrites of such an Ingress do not count.
      this.#root.settings = { ...settings, redirect: undefined, rewriteTarget: '', usesRegex: false };
    }
    for (const { host } of rules) {
      const name = host === '' ? FALLBACK : host;
      if (this.servers.has(name)) continue;
      const root: DraftLocation = { path: '/', type: 'Prefix', settings, upstream, isDefault: true };
      this.servers.set(name, newServer(name, root));
    }
  }

  configureServers({ annotations, id, rules, tls }: IngressReading, settings: LocationSettings): void {
    for (const { host } of rules) {
      const server = this.#serverOf(host);
      if (server.aliases.length === 0) server.aliases = settings.aliases;
      if (annotations.text('server-snippet') !== undefined && server.snippets.length === 0)
        server.snippets.push({ ingress: id, name: 'server-snippet' });
      if (settings.passesThrough) server.passesThrough = true;
      // Whatever its Secret is worth: the default certificate counts as well.
      if (tls.length > 0) server.isCertified = true;
    }
  }

  addLocations({ rules }: IngressReading, settings: LocationSettings): void {
    for (const { host, paths = [] } of rules) {
      const server = this.#serverOf(host);
      server.clientCertificates ??= settings.clientCertificates;
      for (const { backend, path, type } of paths) {
        const upstream = backend && this.upstreams.get(keyOf(backend));
        if (upstream === undefined || upstream.isAlternative) continue;
        this.#addLocation(
          server,
          path === '' ? '/' : path,
          type === 'Exact' ? type : 'Prefix',
          upstream,
          settings,
        );
        if (settings.affinity !== undefined)
          upstream.affinity ??= { says: settings.affinity, ingress: settings.ingress };
      }
    }
  }

  #addLocation(
    server: DraftServer,
    path: string,
    type: DraftLocation['type'],
    upstream: DraftUpstream,
    settings: LocationSettings,
  ): void {
    // Only the first location of a path is compared: another type makes a further one.
    const found = server.locations.find(location => location.path === path);
    if (found === undefined || found.type !== type)
      server.locations.push({ path, type, settings, upstream, isDefault: false });
    else if (found.isDefault) Object.assign(found, { upstream, settings, isDefault: false });
    else return;
    if (settings.fromToWww) server.fromToWww ??= settings.ingress;
  }

  /** A canary's backends stand beside those of the locations with the same path; without one they get nothing. */
  mergeCanary({ defaultBackend, rules }: IngressReading): void {
    const fallback = this.servers.get(FALLBACK);
    if (defaultBackend !== undefined)
      for (const location of fallback?.locations ?? []) this.#merge(location, defaultBackend);
    for (const { host, paths = [] } of rules)
      for (const { backend, path, type } of paths) {
        const server = this.servers.get(host === '' ? FALLBACK : host);
        const wanted = type === 'Exact' ? type : 'Prefix';
        const own = server?.locations.filter(
          location => location.path === (path === '' ? '/' : path) && location.type === wanted,
        );
        for (const location of own ?? []) if (backend !== undefined) this.#merge(location, backend);
      }
  }

  #merge({ upstream: primary }: DraftLocation, backend: BackendReading): void {
    const alternative = this.upstreams.get(keyOf(backend));
    if (primary === undefined || alternative === undefined || primary.isAlternative) return;
    if (primary === alternative || primary.alternatives.includes(alternative)) return;
    alternative.affinity ??= primary.affinity;
    primary.alternatives.push(alternative);
  }

  #serverOf(host: string): DraftServer {
    const server = this.servers.get(host === '' ? FALLBACK : host) ?? this.servers.get(FALLBACK);
    return server as DraftServer; // the constructor makes the fallback
  }
}

/** The order of the hosts, as the controller writes them: it is the order of the wildcards' patterns. */
function finish({ servers: drafts }: Draft): NginxServers {
  const ordered = [...drafts.values()].toSorted((a, b) => (a.host < b.host ? -1 : 1));
  const compiled = ordered.map(draft => ({ draft, server: compileServer(draft) }));
  const byName = new Map<string, NginxServer>();
  const byEnding: { ending: string; server: NginxServer }[] = [];
  const byPattern: { pattern: NginxServers['byPattern'][number]['pattern']; server: NginxServer }[] = [];
  for (const { draft, server } of compiled) {
    const aliases = draft.aliases.filter(alias => !drafts.has(alias));
    for (const name of [draft.host, ...aliases]) {
      if (name.startsWith('~'))
        byPattern.push({ pattern: readPattern(name.replace(/^~\*?/, ''), true), server });
      else if (!name.startsWith('*.')) {
        if (!byName.has(name)) byName.set(name, server);
      } else if (name === draft.host) byPattern.push({ pattern: wildcardPattern(name), server });
      else byEnding.push({ ending: name.slice(1), server });
    }
  }
  return {
    byName,
    byEnding: byEnding.toSorted((a, b) => b.ending.length - a.ending.length),
    byPattern,
    fallback: byName.get(FALLBACK) as NginxServer, // the draft has one
    redirects: redirectsOf(drafts),
    wildcards: new Map(
      ordered
        .filter(({ host }) => host.startsWith('*.'))
        .map(({ host, locations: [root] }) => [host.slice(1), root?.settings.ingress ?? '']),
    ),
    certified: new Set(ordered.filter(({ isCertified }) => isCertified).map(({ host }) => host)),
  };
}

/** A wildcard of a rule is one label of letters, digits, underscores and hyphens. */
const wildcardPattern = (host: string) =>
  readPattern(String.raw`^[\w-]+\.${host.slice(2).replaceAll('.', String.raw`\.`)}$`, true);

function redirectsOf(drafts: ReadonlyMap<string, DraftServer>): NginxServers['redirects'] {
  const redirects = new Map<string, { to: string; ingress: string }>();
  for (const { fromToWww, host } of drafts.values()) {
    if (fromToWww === undefined) continue;
    const from = host.startsWith('www.') ? host.slice(4) : `www.${host}`;
    if (!drafts.has(from)) redirects.set(from, { to: host, ingress: fromToWww });
  }
  return redirects;
}

const newServer = (host: string, root: DraftLocation): DraftServer => ({
  host,
  locations: [root],
  aliases: [],
  passesThrough: false,
  isCertified: false,
  snippets: [],
  clientCertificates: undefined,
  fromToWww: undefined,
});

const newUpstream = (backend: BackendReading, settings: LocationSettings): DraftUpstream => ({
  name: `${backend.namespace}/${backend.service}:${backend.portNumber ?? backend.port}`,
  alternatives: [],
  canary: settings.canary,
  isAlternative: settings.canary !== undefined,
  ingress: settings.ingress,
  affinity: undefined,
});

const keyOf = ({ namespace, port, service }: BackendReading): string => `${namespace}/${service}:${port}`;
