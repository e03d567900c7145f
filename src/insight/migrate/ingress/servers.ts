import { valuesOf } from './values.ts';
import type { BackendReading, IngressModel, IngressReading } from './read.ts';

/** One host as the controller puts it together from all Ingresses: nginx' server. */
export interface Server {
  /** Empty: every host that no other server has. */
  readonly host: string;
  /** The first Ingress with it: what is of a whole host is taken from there, if nothing else is said. */
  readonly owner: IngressReading | undefined;
  /** In nginx' order: the longest path first, then from the greater to the lesser. */
  readonly locations: readonly Location[];
  readonly aliases: readonly Owned<string>[];
  /** Absent: no Ingress gives the host TLS, nor the wildcard above it. */
  readonly tls: Certificate | undefined;
  readonly passthrough: IngressReading | undefined;
  readonly wwwRedirect: IngressReading | undefined;
  /** Whether any location makes all of them regular expressions. */
  readonly regular: boolean;
}

export interface Owned<T> {
  readonly value: T;
  readonly ingress: IngressReading;
}

/** The Secret whose certificate the host has; without one it is the controller's default certificate. */
export interface Certificate {
  readonly ingress: IngressReading;
  readonly secretName: string | undefined;
}

export interface Location {
  readonly path: string;
  readonly type: 'Exact' | 'Prefix';
  /** Absent: the default backend, 404 where none is configured. */
  readonly backend: BackendReading | undefined;
  /** Whose annotations it has; absent: of the catch-all server. */
  readonly ingress: IngressReading | undefined;
  readonly field: string;
  /** No rule leads here: the root that every server has. */
  readonly isDefault: boolean;
  readonly canary: Canary | undefined;
}

/** The Ingress whose backend is the alternative of a location's. */
export interface Canary {
  readonly ingress: IngressReading;
  readonly backend: BackendReading;
}

export interface Servers {
  readonly servers: readonly Server[];
  /** Rules that the controller does not serve, with the reason. */
  readonly unserved: readonly {
    readonly ingress: IngressReading;
    readonly field: string;
    readonly why: string;
  }[];
}

interface Draft {
  host: string;
  owner: IngressReading | undefined;
  locations: Location[];
  /** Where in `locations` a type and path is. */
  places: Map<string, number>;
  aliases: readonly Owned<string>[];
  tls: Certificate | undefined;
  passthrough: IngressReading | undefined;
  wwwRedirect: IngressReading | undefined;
}

export const isCanary = ({ annotations }: IngressReading): boolean => annotations.flag('canary') === true;

/** A location whose rewrite does something. */
export const isRewritten = ({ ingress, path }: Location): boolean => {
  const target = ingress?.annotations.text('rewrite-target');
  return target !== undefined && target !== path;
};

/** What Ingress NGINX makes of all Ingresses of the class: the oldest wins a host's and a path's settings. */
export function buildServers(model: IngressModel): Servers {
  const unserved: Servers['unserved'][number][] = [];
  const drafts = new Map<string, Draft>([['', draftOf('', undefined, undefined)]]);
  const main = model.ingresses.filter(ingress => !isCanary(ingress));
  const catchAll = drafts.get('');
  for (const ingress of main) {
    const { defaultBackend, rules } = ingress;
    const root = catchAll?.locations[0];
    if (catchAll !== undefined && root?.isDefault === true && root.backend === undefined)
      if (defaultBackend !== undefined && rules.length === 0)
        catchAll.locations[0] = { ...root, backend: defaultBackend, ingress, isDefault: false };
    for (const { host } of rules)
      if (!drafts.has(host)) drafts.set(host, draftOf(host, ingress, defaultBackend));
  }
  for (const ingress of main) settleHosts(ingress, drafts);
  const alternatives = alternativesOf(model);
  for (const ingress of model.ingresses) addLocations(ingress, drafts, alternatives, unserved);
  if (main.length > 0) addCanaries(model.ingresses.filter(isCanary), drafts, alternatives, unserved);
  return { servers: [...drafts.values()].map(draft => finish(draft, drafts)).toSorted(byHost), unserved };
}

const draftOf = (
  host: string,
  owner: IngressReading | undefined,
  backend: BackendReading | undefined,
): Draft => ({
  host,
  owner,
  locations: [
    {
      path: '/',
      type: 'Prefix',
      backend,
      ingress: owner,
      field: backend === undefined ? '' : 'spec.defaultBackend',
      isDefault: true,
      canary: undefined,
    },
  ],
  places: new Map([['Prefix /', 0]]),
  aliases: [],
  tls: undefined,
  passthrough: undefined,
  wwwRedirect: undefined,
});

/** Aliases, certificate and passthrough: the first Ingress that says one gives it to the host. */
function settleHosts(ingress: IngressReading, drafts: ReadonlyMap<string, Draft>): void {
  const { annotations, rules, tls } = ingress;
  for (const { host } of rules) {
    const draft = drafts.get(host);
    if (draft === undefined) continue;
    draft.owner ??= ingress;
    if (draft.aliases.length === 0)
      draft.aliases = [...new Set(annotations.list('server-alias'))].map(value => ({ value, ingress }));
    if (annotations.flag('ssl-passthrough') === true) draft.passthrough ??= ingress;
    if (tls.length === 0 || host === '') continue;
    const named = tls.find(({ hosts }) => hosts.includes(host));
    // Where no entry names the host, a Secret's certificate may still fit it; which one, only its content tells.
    draft.tls ??= { ingress, secretName: named === undefined ? coveringSecret(host, tls) : named.secretName };
  }
}

/** An entry for a wildcard covers the hosts below it: its certificate is the one that fits. */
function coveringSecret(host: string, tls: IngressReading['tls']): string | undefined {
  const wildcard = host.replace(/^[^.]+/, '*');
  return (tls.find(({ hosts }) => hosts.includes(wildcard)) ?? tls.find(({ hosts }) => hosts.length === 0))
    ?.secretName;
}

function addLocations(
  ingress: IngressReading,
  drafts: ReadonlyMap<string, Draft>,
  alternatives: ReadonlyMap<string, IngressReading>,
  unserved: Servers['unserved'][number][],
): void {
  const served = isCanary(ingress) ? withoutCanary(ingress) : ingress;
  for (const { host, paths = [] } of ingress.rules) {
    // Only the paths of a canary can be of a host that no main Ingress names.
    const draft = drafts.get(host) ?? drafts.get('');
    if (draft === undefined) continue;
    for (const { backend, field, path: written, type: writtenType } of paths) {
      const path = written === '' ? '/' : written;
      const type = writtenType === 'Exact' ? 'Exact' : 'Prefix';
      if (backend === undefined) {
        unserved.push({ ingress, field, why: 'its backend is no Service' });
        continue;
      }
      const canary = alternatives.get(keyOf(backend));
      if (canary !== undefined) {
        const why = `the canary ${canary.id} was the first to name ${keyOf(backend)}, so that no path leads there`;
        if (!isCanary(ingress)) unserved.push({ ingress, field, why });
        continue;
      }
      const location: Location = {
        path,
        type,
        backend,
        field,
        ingress: served,
        isDefault: false,
        canary: undefined,
      };
      const key = `${type} ${path}`;
      const at = draft.places.get(key) ?? draft.locations.length;
      const there = draft.locations[at];
      draft.places.set(key, at);
      if (there === undefined || there.isDefault) draft.locations[at] = location;
      else {
        const winner = there.ingress?.id ?? 'the catch-all';
        const why = `${host === '' ? 'every host' : host} has ${path} from ${winner}, which comes first`;
        if (!isCanary(ingress)) unserved.push({ ingress, field, why });
        continue;
      }
      if (ingress.annotations.flag('from-to-www-redirect') === true) draft.wwwRedirect ??= served;
    }
  }
}

/** A canary whose Service another Ingress named first is served as any Ingress. */
const withoutCanary = (ingress: IngressReading): IngressReading => ({
  ...ingress,
  annotations: valuesOf(
    Object.fromEntries(
      ingress.annotations.names
        .filter(name => name !== 'canary' && !name.startsWith('canary-'))
        .map(name => [name, ingress.annotations.raw(name) ?? '']),
    ),
  ),
});

/**
 * Services and ports, by the canary that is the first to name them: no path leads there. Which share they get is
 * that canary's word, whoever else names them.
 */
function alternativesOf({ ingresses }: IngressModel): ReadonlyMap<string, IngressReading> {
  const first = new Map<string, IngressReading>();
  for (const ingress of ingresses) {
    const { defaultBackend, rules } = ingress;
    if (defaultBackend !== undefined) first.set(keyOf(defaultBackend), ingress);
    for (const { paths = [] } of rules)
      for (const { backend } of paths)
        if (backend !== undefined && !first.has(keyOf(backend))) first.set(keyOf(backend), ingress);
  }
  return new Map([...first].filter(([, ingress]) => isCanary(ingress)));
}

/**
 * An alternative belongs to the Service and port of a location with its host, path and type: every location that leads to
 * that Service and port has it. Only the first alternative is used.
 */
function addCanaries(
  canaries: readonly IngressReading[],
  drafts: ReadonlyMap<string, Draft>,
  alternatives: ReadonlyMap<string, IngressReading>,
  unserved: Servers['unserved'][number][],
): void {
  const taken = new Map<string, Canary | undefined>();
  const owners = new Map<string, IngressReading>();
  for (const ingress of canaries)
    for (const { host, paths = [] } of ingress.rules)
      for (const { backend, field, path: written, type: writtenType } of paths) {
        const [path, type] = [written === '' ? '/' : written, writtenType === 'Exact' ? 'Exact' : 'Prefix'];
        const draft = drafts.get(host);
        const primary = draft?.locations[draft.places.get(`${type} ${path}`) ?? -1]?.backend;
        if (backend === undefined || primary === undefined || alternatives.has(keyOf(primary)))
          unserved.push({ ingress, field, why: 'a canary without a main Ingress of its host and path' });
        else if (keyOf(primary) === keyOf(backend)) {
          if (alternatives.has(keyOf(backend)))
            unserved.push({ ingress, field, why: 'its Service and port are those of the main Ingress' });
        } else if (taken.has(keyOf(primary))) {
          if (owners.get(keyOf(primary)) !== ingress)
            unserved.push({ ingress, field, why: 'another canary of the same Service came first' });
        } else {
          const first = alternatives.get(keyOf(backend));
          const why = `another Ingress was the first to name ${keyOf(backend)}, so that it gets no share`;
          if (first === undefined) unserved.push({ ingress, field, why });
          owners.set(keyOf(primary), ingress);
          taken.set(keyOf(primary), first === undefined ? undefined : { ingress: first, backend });
        }
      }
  if (taken.size === 0) return;
  for (const draft of drafts.values())
    draft.locations = draft.locations.map(location =>
      location.backend === undefined ? location : { ...location, canary: taken.get(keyOf(location.backend)) },
    );
}

const keyOf = ({ namespace, port, service }: BackendReading): string => `${namespace}/${service}:${port}`;

function finish(draft: Draft, drafts: ReadonlyMap<string, Draft>): Server {
  const locations = draft.locations.toSorted(
    (a, b) => b.path.length - a.path.length || compareText(b.path, a.path),
  );
  return {
    ...draft,
    tls: draft.tls ?? certificateAbove(draft.host, drafts),
    locations,
    aliases: draft.aliases.filter(({ value }) => value !== draft.host && !drafts.has(value)),
    regular: locations.some(
      location => location.ingress?.annotations.flag('use-regex') === true || isRewritten(location),
    ),
  };
}

/** A host without TLS of its own has that of the wildcard that it is one label below. */
const certificateAbove = (host: string, drafts: ReadonlyMap<string, Draft>): Certificate | undefined =>
  host === '' || host.startsWith('*') ? undefined : drafts.get(host.replace(/^[^.]+/, '*'))?.tls;

const byHost = (a: Server, b: Server): number => compareText(a.host, b.host);

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
