import type { Provenance } from '../../src/base/provenance.ts';
import type {
  RouteTable,
  TableBackendReference,
  TableCertificate,
  TableEndpoint,
  TableFilter,
  TableRule,
} from '../../src/gateway/table.ts';

/** Tables as a test needs them: `rules` of one HTTP listener for every name, unless it says more. */
export interface TableWords {
  readonly ports?: Readonly<Record<string, number>>;
  readonly httpsPorts?: Readonly<Record<string, number>>;
  readonly certificate?: TableCertificate;
  readonly rules: readonly TableRule[];
  readonly backends: Readonly<Record<string, readonly TableEndpoint[]>>;
}

export const provenance = (kind: string, name: string, field: string): Provenance => ({
  kind,
  namespace: 'test',
  name,
  uid: 'u',
  generation: 1,
  field,
});

export function tableOf(words: TableWords): RouteTable {
  const { ports = {}, httpsPorts = {}, certificate } = words;
  const listener = (name: string, port: number, protocol: 'HTTP' | 'HTTPS') => ({
    name,
    port,
    protocol,
    certificates: protocol === 'HTTPS' ? ['certificate'] : [],
    provenance: provenance('Gateway', 'gateway', `spec.listeners[${name}]`),
  });
  const listeners = [
    ...Object.entries(ports).map(([name, port]) => listener(name, port, 'HTTP')),
    ...Object.entries(httpsPorts).map(([name, port]) => listener(name, port, 'HTTPS')),
  ];
  return {
    listeners: Object.fromEntries(listeners.map(entry => [entry.name, entry])),
    hosts: Object.fromEntries(
      listeners.map(({ name }) => [`${name} *`, { listener: name, hostname: '*', rules: words.rules }]),
    ),
    certificates: certificate === undefined ? {} : { certificate },
    backends: Object.fromEntries(
      Object.entries(words.backends).map(([key, endpoints]) => [
        key,
        { service: 'test/s', port: 80, endpoints },
      ]),
    ),
  };
}

export const prefix = (value: string, ...backends: readonly string[]): TableRule =>
  rule('PathPrefix', value, backends);

export function rule(
  type: 'Exact' | 'PathPrefix',
  value: string,
  backends: readonly (string | TableBackendReference)[],
  more: {
    readonly filters?: readonly TableFilter[];
    readonly timeouts?: NonNullable<TableRule['timeouts']>;
  } = {},
): TableRule {
  return {
    provenance: provenance('HTTPRoute', 'route', 'spec.rules[0].matches[0]'),
    match: { path: { type, value }, headers: [], query: [] },
    filters: more.filters ?? [],
    backends: backends.map(backend => (typeof backend === 'string' ? reference(backend) : backend)),
    ...(more.timeouts === undefined ? {} : { timeouts: more.timeouts }),
  };
}

export const reference = (backend: string | undefined, weight = 1): TableBackendReference => ({
  weight,
  filters: [],
  provenance: provenance('HTTPRoute', 'route', 'spec.rules[0].backendRefs[0]'),
  ...(backend === undefined ? {} : { backend }),
});

export const at = (port: number, address = '127.0.0.1'): TableEndpoint => ({
  address,
  port,
  pod: 'test/pod',
});
