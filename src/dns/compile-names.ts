import { parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { EndpointNames, ServiceNames, ServicePortNames, SliceNames } from './model.ts';
import type { NameRules } from './model-rules.ts';
import type { RecordData } from './wire/index.ts';

/** Which part of which object makes a record. */
export interface Provenance {
  /** `Service/default/web` */
  readonly object: string;
  /** `spec.clusterIPs`, `endpoints[3].addresses[0]` */
  readonly field: string;
}

/** One record of a name, and who says so. */
export interface NamedRecord {
  /** Without a dot at the end. */
  readonly name: string;
  readonly data: RecordData;
  readonly from: Provenance;
}

/** The records of one Service (DNS-Based Service Discovery 1.1.0), in an order that the objects alone decide. */
export function compileService(
  service: ServiceNames,
  slices: readonly SliceNames[],
  clusterDomain: string,
): readonly NamedRecord[] {
  const name = serviceName(service, clusterDomain);
  switch (service.kind) {
    case 'cluster':
      return compileCluster(service, name);
    case 'headless':
      return compileHeadless(slices, name);
    case 'external': {
      const data: RecordData = { type: 'CNAME', target: service.externalName ?? '' };
      return [{ name, data, from: fromService(service, 'spec.externalName') }];
    }
  }
}

export const serviceName = (
  { name, namespace }: { readonly name: string; readonly namespace: string },
  clusterDomain: string,
): string => `${name}.${namespace}.svc.${clusterDomain}`;

/** What a namespace alone brings: names that exist without records, so that they are no NXDOMAIN. */
export const namespaceNames = (
  namespace: string,
  clusterDomain: string,
  { pods }: Pick<NameRules, 'pods'>,
): readonly string[] => [
  `${namespace}.svc.${clusterDomain}`,
  ...(pods === 'disabled' ? [] : [`${namespace}.pod.${clusterDomain}`]),
];

function compileCluster(service: ServiceNames, name: string): readonly NamedRecord[] {
  const addresses = service.addresses.flatMap((text, index) => {
    const address = parseAddress(text);
    if (address === undefined) return [];
    const from = fromService(service, `spec.clusterIPs[${index}]`);
    return [
      { name, data: addressData(address), from },
      { name: reverseName(address), data: { type: 'PTR', target: name } as const, from },
    ];
  });
  const ports = service.ports
    .filter(port => port.name !== '')
    .map(port => ({
      name: portName(port, name),
      data: srvData(srvWeight(service.addresses.length), port.port, name),
      from: fromService(service, `spec.ports[${port.index}]`),
    }));
  return [...addresses, ...ports];
}

function compileHeadless(slices: readonly SliceNames[], name: string): readonly NamedRecord[] {
  const records = slices.flatMap(slice =>
    slice.endpoints.flatMap(endpoint => compileEndpoint(slice, endpoint, name)),
  );
  return [...records, ...compileHeadlessPorts(slices, name)];
}

function compileEndpoint(
  slice: SliceNames,
  endpoint: EndpointNames,
  service: string,
): readonly NamedRecord[] {
  const address = parseAddress(endpoint.address);
  if (address === undefined) return [];
  const from = fromEndpoint(slice, endpoint);
  const own = `${endpoint.label}.${service}`;
  return [
    { name: service, data: addressData(address), from },
    { name: own, data: addressData(address), from },
    { name: reverseName(address), data: { type: 'PTR', target: own }, from },
  ];
}

function compileHeadlessPorts(slices: readonly SliceNames[], service: string): readonly NamedRecord[] {
  const found = new Map<string, EndpointPort[]>();
  for (const slice of slices) {
    for (const port of slice.ports.filter(({ name }) => name !== '')) {
      const name = portName(port, service);
      const list = found.get(name) ?? [];
      found.set(name, list);
      for (const endpoint of slice.endpoints) list.push({ slice, endpoint, port });
    }
  }
  return [...found].flatMap(([name, ports]) => endpointServices(name, ports, service));
}

/** One port of one endpoint. */
export interface EndpointPort {
  readonly slice: SliceNames;
  readonly endpoint: EndpointNames;
  readonly port: ServicePortNames;
}

/** The SRV records of a name; both families of a pod with a hostname share a target, and so a record. */
export function endpointServices(
  name: string,
  ports: readonly EndpointPort[],
  service: string,
): readonly NamedRecord[] {
  const weight = srvWeight(ports.length);
  const found = new Map<string, NamedRecord>();
  for (const { slice, endpoint, port } of ports) {
    const target = `${endpoint.label}.${service}`;
    const key = `${target} ${port.port}`;
    const from = fromSlice(slice, `endpoints[${endpoint.index}], ports[${port.index}]`);
    if (!found.has(key)) found.set(key, { name, data: srvData(weight, port.port, target), from });
  }
  return [...found.values()];
}

/** 100 shared by so many addresses, and never 0, as CoreDNS does: a name with two families has 50. */
export const srvWeight = (addresses: number): number => Math.max(1, Math.floor(100 / Math.max(1, addresses)));

export const addressData = (address: Address): RecordData =>
  address.family === 4 ? { type: 'A', address } : { type: 'AAAA', address };

export const srvData = (weight: number, port: number, target: string): RecordData => ({
  type: 'SRV',
  priority: 0,
  weight,
  port,
  target,
});

const portName = (port: ServicePortNames, service: string): string =>
  `_${port.name}._${port.protocol}.${service}`;

/** `10.0.96.10.in-addr.arpa`, or all 32 nibbles below ip6.arpa (RFC 1035 section 3.5, RFC 3596 section 2.5). */
export function reverseName(address: Address): string {
  if (address.family === 4) {
    const octets = [0n, 8n, 16n, 24n].map(shift => ((address.value >> shift) & 255n).toString());
    return `${octets.join('.')}.in-addr.arpa`;
  }
  const nibbles = address.value.toString(16).padStart(32, '0').split('').toReversed();
  return `${nibbles.join('.')}.ip6.arpa`;
}

/** The other way round; undefined for part of one and for other names. */
export function addressOfReverse(name: string): Address | undefined {
  const [, v4] = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(name) ?? [];
  if (v4 !== undefined) return parseAddress(v4.slice(0, -1).split('.').toReversed().join('.'));
  const [, v6] = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name) ?? [];
  if (v6 === undefined) return undefined;
  const digits = v6.replaceAll('.', '').split('').toReversed().join('');
  return parseAddress(digits.replaceAll(/....(?!$)/g, '$&:'));
}

export const fromService = (service: ServiceNames, field: string): Provenance => ({
  object: `Service/${service.namespace}/${service.name}`,
  field,
});

export const fromEndpoint = (slice: SliceNames, endpoint: EndpointNames): Provenance =>
  fromSlice(slice, `endpoints[${endpoint.index}].addresses[0]`);

const fromSlice = (slice: SliceNames, field: string): Provenance => ({
  object: `EndpointSlice/${slice.namespace}/${slice.name}`,
  field,
});
