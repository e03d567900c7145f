import { parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { EndpointNames, NamedPort, ServiceNames, SliceNames } from './model.ts';
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

/** 100 is shared by the records of one answer, as CoreDNS does. */
const srvWeight = 100;

/** The records of one Service (DNS-Based Service Discovery 1.1.0), in an order that the objects alone decide. */
export function compileService(
  service: ServiceNames,
  slices: readonly SliceNames[],
  clusterDomain: string,
): readonly NamedRecord[] {
  const name = `${service.name}.${service.namespace}.svc.${clusterDomain}`;
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

/** What a namespace alone brings: names that exist without records, so that they are no NXDOMAIN. */
export const namespaceNames = (namespace: string, clusterDomain: string): readonly string[] => [
  `${namespace}.svc.${clusterDomain}`,
  `${namespace}.pod.${clusterDomain}`,
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
  const ports = service.ports.map(port => ({
    name: portName(port, name),
    data: srv(srvWeight, port.port, name),
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
  const from = fromSlice(slice, `endpoints[${endpoint.index}].addresses[0]`);
  const own = `${endpoint.label}.${service}`;
  return [
    { name: service, data: addressData(address), from },
    { name: own, data: addressData(address), from },
    { name: reverseName(address), data: { type: 'PTR', target: own }, from },
  ];
}

/** Endpoints times ports; both families of a pod with a hostname share a target, and so a record. */
function compileHeadlessPorts(slices: readonly SliceNames[], service: string): readonly NamedRecord[] {
  const found = new Map<string, Map<string, { port: number; target: string; from: Provenance }>>();
  for (const slice of slices) {
    for (const port of slice.ports) {
      const name = portName(port, service);
      const targets =
        found.get(name) ?? new Map<string, { port: number; target: string; from: Provenance }>();
      found.set(name, targets);
      for (const { label, index } of slice.endpoints) {
        const target = `${label}.${service}`;
        const key = `${target} ${port.port}`;
        const from = fromSlice(slice, `endpoints[${index}], ports[${port.index}]`);
        if (!targets.has(key)) targets.set(key, { port: port.port, target, from });
      }
    }
  }
  return [...found].flatMap(([name, targets]) => {
    const weight = Math.max(1, Math.floor(srvWeight / Math.max(1, targets.size)));
    return [...targets.values()].map(({ port, target, from }) => ({
      name,
      data: srv(weight, port, target),
      from,
    }));
  });
}

export const addressData = (address: Address): RecordData =>
  address.family === 4 ? { type: 'A', address } : { type: 'AAAA', address };

const srv = (weight: number, port: number, target: string): RecordData => ({
  type: 'SRV',
  priority: 0,
  weight,
  port,
  target,
});

const portName = (port: NamedPort, service: string): string => `_${port.name}._${port.protocol}.${service}`;

/** `10.0.96.10.in-addr.arpa`, or all 32 nibbles below ip6.arpa (RFC 1035 section 3.5, RFC 3596 section 2.5). */
export function reverseName(address: Address): string {
  if (address.family === 4) {
    const octets = [0n, 8n, 16n, 24n].map(shift => ((address.value >> shift) & 255n).toString());
    return `${octets.join('.')}.in-addr.arpa`;
  }
  const nibbles = address.value.toString(16).padStart(32, '0').split('').toReversed();
  return `${nibbles.join('.')}.ip6.arpa`;
}

const fromService = (service: ServiceNames, field: string): Provenance => ({
  object: `Service/${service.namespace}/${service.name}`,
  field,
});

const fromSlice = (slice: SliceNames, field: string): Provenance => ({
  object: `EndpointSlice/${slice.namespace}/${slice.name}`,
  field,
});
