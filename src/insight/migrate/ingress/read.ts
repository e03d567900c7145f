import type { ConfigMap } from '../../../kube/types/config.ts';
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  IngressRule,
  IngressTLS,
} from '../../../kube/types/networking.ts';
import type { Service, ServicePort } from '../../../kube/types/service.ts';
import { readFlags } from './read-flags.ts';
import { valuesOf } from './values.ts';
import type { Values } from './values.ts';

/** What a controller of Ingress NGINX is told, as lists of objects. */
export interface IngressObjects {
  readonly ingresses: readonly Ingress[];
  readonly ingressClasses: readonly IngressClass[];
  /** They resolve names of ports; absent: they could not be read. */
  readonly services?: readonly Service[];
  /** The controller's settings (`--configmap`). */
  readonly configMap?: ConfigMap;
  /** The arguments of the controller's container. */
  readonly flags: readonly string[];
}

export interface ReadIngressOptions {
  /** Only Ingresses of this class; absent: of every class of the controller. */
  readonly className?: string;
  /** Files may leave to the API server which class an Ingress has; in a cluster it is settled. */
  readonly source: 'cluster' | 'files';
  /** `file:line` of an Ingress. */
  readonly positionOf?: (ingress: Ingress) => string | undefined;
}

/** What both the converter and the executable model take: plain, frozen, in the controller's order. */
export interface IngressModel {
  /** Of its annotations, without the slash. */
  readonly prefix: string;
  /** Of the class, the oldest first. Of the same age, the greater `namespace/name` is first, as the controller sorts. */
  readonly ingresses: readonly IngressReading[];
  readonly left: readonly LeftIngress[];
  /** The ConfigMap's data. */
  readonly settings: Values;
  /** By name, without dashes; a flag without a value is `true`. */
  readonly flags: Readonly<Record<string, string>>;
  /** By `namespace/name`; absent: not known. */
  readonly services?: ReadonlyMap<string, Service>;
}

/** An Ingress that no controller of the class serves, and why. */
export interface LeftIngress {
  readonly id: string;
  readonly why: string;
}

export interface IngressReading {
  /** `namespace/name` */
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339; empty where it is not known. */
  readonly createdAt: string;
  readonly uid: string | undefined;
  readonly className: string | undefined;
  /** `file:line` */
  readonly position: string | undefined;
  readonly object: Ingress;
  /** Without the prefix, aliases by their present name. */
  readonly annotations: Values;
  readonly defaultBackend: BackendReading | undefined;
  readonly rules: readonly RuleReading[];
  readonly tls: readonly TlsReading[];
}

export interface RuleReading {
  /** In lower case; empty: every host. */
  readonly host: string;
  readonly field: string;
  /** Absent: the rule has no `http`. */
  readonly paths: readonly PathReading[] | undefined;
}

export interface PathReading {
  /** Empty where it is not written. */
  readonly path: string;
  readonly type: 'Exact' | 'Prefix' | 'ImplementationSpecific';
  readonly field: string;
  /** Absent: a resource, or nothing. */
  readonly backend: BackendReading | undefined;
}

export interface BackendReading {
  readonly namespace: string;
  readonly service: string;
  /** A number or a name, as it is written. */
  readonly port: string;
  /** Of the Service; absent: a name that no known Service explains. */
  readonly portNumber: number | undefined;
  readonly field: string;
}

export interface TlsReading {
  readonly hosts: readonly string[];
  readonly secretName: string | undefined;
  readonly field: string;
}

const CONTROLLER = 'k8s.io/ingress-nginx';
const LEGACY_CLASS = 'kubernetes.io/ingress.class';
/** Names that the controller knows besides the present ones. */
const ALIASES: Readonly<Record<string, string>> = {
  'whitelist-source-range': 'allowlist-source-range',
  'limit-whitelist': 'limit-allowlist',
};

/** Reads what a controller would. Objects are not trusted to have their shape: what is broken is left, with the reason. */
export function readIngresses(objects: IngressObjects, options: ReadIngressOptions): IngressModel {
  const flags = readFlags(objects.flags);
  const prefix = flags['annotations-prefix'] ?? 'nginx.ingress.kubernetes.io';
  const services =
    objects.services === undefined
      ? undefined
      : new Map(
          objects.services.map(service => [
            `${service.metadata.namespace ?? 'default'}/${service.metadata.name}`,
            service,
          ]),
        );
  const classOf = classChooser(objects.ingressClasses, flags, prefix, options);
  const ingresses: IngressReading[] = [];
  const left: LeftIngress[] = [];
  for (const ingress of objects.ingresses) {
    const id = `${ingress.metadata.namespace ?? 'default'}/${ingress.metadata.name}`;
    const why = classOf(ingress) ?? shapeProblem(ingress);
    if (why === undefined) ingresses.push(readOne(ingress, id, prefix, services, options));
    else left.push({ id, why });
  }
  return Object.freeze({
    prefix,
    ingresses: ingresses.toSorted(byAge),
    left,
    settings: valuesOf(textsOf(objects.configMap?.data)),
    flags,
    ...(services === undefined ? {} : { services }),
  });
}

/** Says why an Ingress is not of the class; undefined where it is. */
function classChooser(
  classes: readonly IngressClass[],
  flags: Readonly<Record<string, string>>,
  prefix: string,
  { className, source }: ReadIngressOptions,
): (ingress: Ingress) => string | undefined {
  const controller = flags['controller-class'] ?? CONTROLLER;
  const legacy = flags['ingress-class'] ?? 'nginx';
  const ofController = classes.filter(({ spec }) => spec?.controller === controller);
  const names = new Set(
    className !== undefined ? [className] : [...ofController.map(({ metadata }) => metadata.name), legacy],
  );
  const known = new Set(classes.map(({ metadata }) => metadata.name));
  return ingress => {
    const annotations = ingress.metadata.annotations ?? {};
    const written = ingress.spec?.ingressClassName ?? annotations[LEGACY_CLASS];
    const configured = Object.keys(annotations).some(name => name.startsWith(`${prefix}/`));
    const { namespace = 'default' } = ingress.metadata;
    if (![undefined, '', 'true', namespace].includes(flags['watch-namespace']))
      return `the controller watches ${flags['watch-namespace'] ?? ''} alone`;
    if (typeof written === 'string' && written !== '') {
      if (names.has(written)) return undefined;
      // Manifests often come without the class that they name: its annotations say whose it is.
      if (source === 'files' && className === undefined && configured && !known.has(written))
        return undefined;
      return known.has(written)
        ? `its class is ${written}, of another controller`
        : `its class is ${written}, which is none of ${[...names].join(', ')}`;
    }
    if (source === 'files' || flags['watch-ingress-without-class'] === 'true') return undefined;
    return `it has no class, so that no controller serves it${configured ? `, although it has annotations of ${prefix}` : ''}`;
  };
}

function shapeProblem({ spec }: Ingress): string | undefined {
  const isList = (value: unknown) => value === undefined || value === null || Array.isArray(value);
  if (typeof spec !== 'object' || spec === null) return 'it has no spec';
  if (!isList(spec.rules)) return 'spec.rules is no list';
  if (!isList(spec.tls)) return 'spec.tls is no list';
  const rules: readonly unknown[] = spec.rules ?? [];
  const broken = rules.findIndex(
    rule => typeof rule !== 'object' || rule === null || !isList((rule as IngressRule).http?.paths),
  );
  return broken < 0 ? undefined : `spec.rules[${broken}] is no rule`;
}

function readOne(
  ingress: Ingress,
  id: string,
  prefix: string,
  services: ReadonlyMap<string, Service> | undefined,
  { positionOf }: ReadIngressOptions,
): IngressReading {
  const { metadata, spec } = ingress;
  const namespace = metadata.namespace ?? 'default';
  const backend = (written: IngressBackend | undefined, field: string) =>
    readBackend(written, namespace, field, services);
  return Object.freeze({
    id,
    namespace,
    name: metadata.name,
    createdAt: textOr(metadata.creationTimestamp, ''),
    uid: metadata.uid,
    className: spec.ingressClassName ?? metadata.annotations?.[LEGACY_CLASS],
    position: positionOf?.(ingress),
    object: ingress,
    annotations: valuesOf(ownAnnotations(metadata.annotations, prefix)),
    defaultBackend: backend(spec.defaultBackend, 'spec.defaultBackend'),
    rules: objectsIn<IngressRule>(spec.rules).map((rule, index) => ({
      host: textOr(rule.host, '').toLowerCase(),
      field: `spec.rules[${index}]`,
      paths: pathsOf(rule)?.map((path, place) => {
        const field = `spec.rules[${index}].http.paths[${place}]`;
        return {
          path: textOr(path.path, ''),
          type: typeOf(path),
          field,
          backend: backend(path.backend, `${field}.backend`),
        };
      }),
    })),
    tls: objectsIn<IngressTLS>(spec.tls).map((entry, index) => ({
      hosts: listIn(entry.hosts).map(host => textOr(host, '').toLowerCase()),
      secretName: textOr(entry.secretName, '') === '' ? undefined : entry.secretName,
      field: `spec.tls[${index}]`,
    })),
  });
}

function readBackend(
  written: IngressBackend | undefined,
  namespace: string,
  field: string,
  services: ReadonlyMap<string, Service> | undefined,
): BackendReading | undefined {
  const service = written?.service;
  if (typeof service?.name !== 'string') return undefined;
  const port = String(service.port?.name ?? service.port?.number ?? '');
  const known = services?.get(`${namespace}/${service.name}`) as
    | { readonly spec?: { readonly ports?: unknown } }
    | undefined;
  const ports = objectsIn<ServicePort>(known?.spec?.ports);
  const named = ports.find(one => one.name === port)?.port;
  const number = /^\d{1,5}$/.test(port) ? Number(port) : named;
  return { namespace, service: service.name, port, portNumber: number, field };
}

function ownAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  prefix: string,
): Readonly<Record<string, string>> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(textsOf(annotations))) {
    if (!name.startsWith(`${prefix}/`)) continue;
    const short = name.slice(prefix.length + 1);
    own[ALIASES[short] ?? short] ??= value;
  }
  return own;
}

/** Values that are no text (a manifest's `5` without quotes) are taken as they would be written. */
const textsOf = (map: Readonly<Record<string, unknown>> | null | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(map ?? {}).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value ?? ''),
    ]),
  );

/** Any other is the controller's choice. */
const typeOf = ({ pathType }: HTTPIngressPath): PathReading['type'] =>
  pathType === 'Exact' || pathType === 'Prefix' ? pathType : 'ImplementationSpecific';

const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The entries of a list that are objects: of an API server all are, of a file any may be something else. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- each caller names the entries' shape
const objectsIn = <T extends object>(value: unknown): readonly T[] =>
  listIn(value).filter((entry): entry is T => typeof entry === 'object' && entry !== null);

const pathsOf = ({ http }: IngressRule): readonly HTTPIngressPath[] | undefined =>
  Array.isArray((http as { readonly paths?: unknown } | null | undefined)?.paths)
    ? objectsIn<HTTPIngressPath>(http?.paths)
    : undefined;

const textOr = (value: unknown, other: string): string => (typeof value === 'string' ? value : other);

function byAge(a: IngressReading, b: IngressReading): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  if (a.id === b.id) return 0;
  return a.id > b.id ? -1 : 1;
}
