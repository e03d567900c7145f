import { provenanceOf } from '../../base/provenance.ts';
import type { Problem, Provenance } from '../../base/provenance.ts';
import type { Secret } from '../../kube/types/config.ts';
import type { Ingress, IngressBackend, IngressClass } from '../../kube/types/networking.ts';
import type { Service } from '../../kube/types/service.ts';
import { compileMatch } from '../compile-match.ts';
import { comparePrecedence } from '../compile-precedence.ts';
import type { RankedRule } from '../compile-precedence.ts';
import type { CertificateReading } from '../model.ts';
import { backendKey, hostKey } from '../table.ts';
import type { TableCertificate, TableHost, TableListener, TableMatch, TableRule } from '../table.ts';

export interface IngressSources {
  /** By `namespace/name`. */
  service(key: string): Service | undefined;
  secret(key: string): Secret | undefined;
  certificate(secret: Secret): CertificateReading;
}

/** All Ingresses of one class, as the proxies of the class are told, but for the endpoints. */
export interface IngressRouting {
  readonly listeners: Readonly<Record<string, TableListener>>;
  readonly hosts: Readonly<Record<string, TableHost>>;
  readonly certificates: Readonly<Record<string, TableCertificate>>;
  /** By `backendKey`; a port of 0 stands for one that the Service has not. */
  readonly backends: ReadonlyMap<string, { readonly service: string; readonly port: number }>;
  /** What cannot be followed; the rest of the Ingress is. */
  readonly problems: readonly Problem[];
}

const HTTP = 'http';
const EVERYTHING: TableMatch = { path: { type: 'PathPrefix', value: '/' }, headers: [], query: [] };

/** A rule of a host, and whether it is a default backend, which comes after all others. */
interface HostRule extends RankedRule {
  readonly host: string;
}

/**
 * Ingresses of one class in the form that Gateways have (networking.k8s.io/v1 Ingress). One listener for HTTP, and one
 * for each name that a certificate is given for; a host has the paths of all Ingresses that name it, the exact and longer
 * first, of equals the oldest Ingress's. What no path takes is the default backend's: of an Ingress of that host, else of one
 * that has no rules. Without one it is 404.
 */
export function compileIngresses(
  ingressClass: Pick<IngressClass, 'metadata'>,
  ingresses: readonly Ingress[],
  sources: IngressSources,
): IngressRouting {
  const found = new Reading(sources);
  const sorted = ingresses.toSorted(byAge);
  for (const ingress of sorted) found.read(ingress);
  const provenance = provenanceOf('IngressClass', ingressClass.metadata, 'spec');
  const listeners: TableListener[] = [
    { name: HTTP, port: 80, protocol: 'HTTP', certificates: [], provenance },
    ...[...found.names].map(([name, certificate]): TableListener => ({
      name: `https ${name}`,
      port: 443,
      protocol: 'HTTPS',
      ...(name === '*' ? {} : { hostname: name }),
      certificates: [certificate.id],
      provenance: certificate.provenance,
    })),
  ];
  const served = new Hosts(found);
  const hosts = listeners.flatMap(listener => served.on(listener));
  return {
    listeners: inOrder(listeners.map(listener => [listener.name, listener])),
    hosts: inOrder(hosts.map(host => [hostKey(host.listener, host.hostname), host])),
    certificates: inOrder([...found.certificates]),
    backends: found.backends,
    problems: found.problems,
  };
}

/** The oldest first; of the same age the first by name. */
function byAge({ metadata: one }: Ingress, { metadata: other }: Ingress): number {
  const [a, b] = [one, other].map(
    ({ creationTimestamp = '', name, namespace = '' }) => `${creationTimestamp} ${namespace}/${name}`,
  );
  return (a ?? '') < (b ?? '') ? -1 : 1;
}

/** What the Ingresses of a class say, one after the other, the oldest first. */
class Reading {
  readonly #sources: IngressSources;
  readonly rules: HostRule[] = [];
  /** Default backends by host; '' is that of Ingresses without rules. */
  readonly defaults = new Map<string, TableRule>();
  /** Certificates by the name that they are given for, `*` for every name. */
  readonly names = new Map<string, { readonly id: string; readonly provenance: Provenance }>();
  readonly certificates = new Map<string, TableCertificate>();
  readonly backends = new Map<string, { readonly service: string; readonly port: number }>();
  readonly problems: Problem[] = [];

  constructor(sources: IngressSources) {
    this.#sources = sources;
  }

  read(ingress: Ingress): void {
    const { metadata, spec } = ingress;
    const hosts = (spec.rules ?? []).map(({ host = '' }) => nameOf(host));
    for (const [index, { http }] of (spec.rules ?? []).entries()) {
      const host = hosts[index] ?? '*';
      for (const [at, { backend, path = '/', pathType }] of (http?.paths ?? []).entries()) {
        const field = `spec.rules[${index}].http.paths[${at}]`;
        const match = compileMatch({
          path: { type: pathType === 'Exact' ? 'Exact' : 'PathPrefix', value: path === '' ? '/' : path },
        });
        if ('sentence' in match) {
          this.#problem(ingress, `${field}.path`, match.sentence);
          continue;
        }
        const rule = this.#rule(ingress, field, match, backend, `${field}.backend`);
        this.rules.push({
          host,
          rule,
          createdAt: metadata.creationTimestamp ?? '',
          route: `${metadata.namespace ?? ''}/${metadata.name}`,
          place: this.rules.length,
        });
      }
    }
    this.#readDefault(ingress, hosts);
    for (const [index, { hosts: named = [], secretName = '' }] of (spec.tls ?? []).entries())
      this.#readCertificate(ingress, secretName, named.length > 0 ? named.map(nameOf) : hosts, index);
  }

  #readDefault(ingress: Ingress, hosts: readonly string[]): void {
    const { defaultBackend } = ingress.spec;
    const field = 'spec.defaultBackend';
    if (defaultBackend === undefined) return;
    const rule = this.#rule(ingress, field, EVERYTHING, defaultBackend, field);
    for (const host of hosts.length === 0 ? [''] : hosts)
      if (!this.defaults.has(host)) this.defaults.set(host, rule);
  }

  #rule(
    ingress: Ingress,
    field: string,
    match: TableMatch,
    backend: IngressBackend,
    place: string,
  ): TableRule {
    const provenance = provenanceOf('Ingress', ingress.metadata, field);
    const key = this.#backend(ingress, backend, place);
    const reference = {
      weight: 1,
      filters: [],
      provenance: provenanceOf('Ingress', ingress.metadata, place),
    };
    return {
      provenance,
      match,
      filters: [],
      backends: [key === undefined ? reference : { ...reference, backend: key }],
    };
  }

  /** Undefined for what is no Service. One that is not there has no endpoints. */
  #backend(ingress: Ingress, { resource, service }: IngressBackend, field: string): string | undefined {
    if (service === undefined) {
      const kind = resource === undefined ? 'nothing' : resource.kind;
      this.#problem(ingress, field, `${kind} is no backend that is served; a Service is`);
      return undefined;
    }
    const namespace = ingress.metadata.namespace ?? '';
    const key = `${namespace}/${service.name}`;
    const object = this.#sources.service(key);
    const port = portOf(object, service.port ?? {});
    if (object === undefined) this.#problem(ingress, `${field}.service`, `there is no Service ${key}`);
    else if (object.spec.type === 'ExternalName')
      this.#problem(
        ingress,
        `${field}.service`,
        `Service ${key} is of type ExternalName and has no endpoints`,
      );
    else if (port === undefined)
      this.#problem(
        ingress,
        `${field}.service.port`,
        `Service ${key} has no TCP port ${service.port?.name ?? service.port?.number ?? ''}`,
      );
    const id = backendKey(namespace, service.name, port ?? 0);
    this.backends.set(id, { service: key, port: port ?? 0 });
    return id;
  }

  #readCertificate(ingress: Ingress, secretName: string, names: readonly string[], index: number): void {
    const field = `spec.tls[${index}].secretName`;
    const key = `${ingress.metadata.namespace ?? ''}/${secretName}`;
    const secret = secretName === '' ? undefined : this.#sources.secret(key);
    if (secret === undefined) {
      const why = secretName === '' ? 'it names no Secret' : `there is no Secret ${key}`;
      this.#problem(ingress, field, `${why}: ${names.join(', ')} is not served over TLS`);
      return;
    }
    const reading = this.#sources.certificate(secret);
    if ('problem' in reading) {
      this.#problem(ingress, field, `Secret ${key}: ${reading.problem}`);
      return;
    }
    const { chain, id, key: privateKey } = reading.certificate;
    const provenance = provenanceOf('Secret', secret.metadata, 'data');
    this.certificates.set(id, { chain, key: privateKey, provenance });
    for (const name of names.length === 0 ? ['*'] : names)
      if (!this.names.has(name)) this.names.set(name, { id, provenance });
  }

  #problem({ metadata }: Ingress, field: string, sentence: string): void {
    this.problems.push({ provenance: provenanceOf('Ingress', metadata, field), sentence });
  }
}

/** Lower case; `*` for every name. */
const nameOf = (host: string): string => (host === '' ? '*' : host.toLowerCase());

function portOf(
  service: Service | undefined,
  { name, number }: { readonly name?: string; readonly number?: number },
): number | undefined {
  return service?.spec.ports?.find(
    port =>
      (port.protocol ?? 'TCP') === 'TCP' &&
      (number === undefined ? port.name === name : port.port === number),
  )?.port;
}

/** The hosts of a class, with their rules, ready to be asked by name. */
class Hosts {
  readonly #rules: ReadonlyMap<string, readonly HostRule[]>;
  readonly #defaults: ReadonlyMap<string, TableRule>;
  readonly #names: ReadonlySet<string>;
  /** Hosts that are no wildcards, by what follows their first label. */
  readonly #below: ReadonlyMap<string, readonly string[]>;
  readonly #sorted = new Map<string, readonly TableRule[]>();

  constructor({ defaults, rules }: Reading) {
    this.#rules = Map.groupBy(rules, ({ host }) => host);
    this.#defaults = defaults;
    this.#names = new Set(
      [...this.#rules.keys(), ...defaults.keys()].map(host => (host === '' ? '*' : host)),
    );
    this.#below = Map.groupBy(
      [...this.#names].filter(host => !host.startsWith('*')),
      parentOf,
    );
  }

  /** Those that a listener serves: the name there, and whose rules it has. */
  on({ hostname, name }: TableListener): readonly TableHost[] {
    const served: readonly (readonly [at: string, host: string | undefined])[] =
      hostname === undefined
        ? [...this.#names].map(host => [host, host])
        : hostname.startsWith('*.')
          ? [
              [hostname, this.#first(hostname, '*')],
              ...(this.#below.get(hostname.slice(1)) ?? []).map(host => [host, host] as const),
            ]
          : [[hostname, this.#first(hostname, `*${parentOf(hostname)}`, '*')]];
    return served.flatMap(([at, host]) => {
      const rules = host === undefined ? [] : this.#rulesOf(host);
      if (rules.length === 0) return [];
      // A wildcard stands for one label (IngressRule.host).
      const isOneLabel = at.startsWith('*.');
      return [{ listener: name, hostname: at, ...(isOneLabel ? { isOneLabel: true as const } : {}), rules }];
    });
  }

  #first(...hosts: readonly string[]): string | undefined {
    return hosts.find(host => this.#names.has(host));
  }

  #rulesOf(host: string): readonly TableRule[] {
    const known = this.#sorted.get(host);
    if (known !== undefined) return known;
    const rules = (this.#rules.get(host) ?? []).toSorted(comparePrecedence).map(({ rule }) => rule);
    const fallback = this.#defaults.get(host) ?? this.#defaults.get('');
    const all = fallback === undefined ? rules : [...rules, fallback];
    this.#sorted.set(host, all);
    return all;
  }
}

/** `.example.com` of `shop.example.com`. */
const parentOf = (host: string): string => (host.includes('.') ? host.slice(host.indexOf('.')) : '');

/** The same objects make the same table, in whatever order they came. */
function inOrder<V>(entries: readonly (readonly [string, V])[]): Readonly<Record<string, V>> {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
