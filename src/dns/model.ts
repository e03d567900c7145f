import { formatAddress, parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { Namespace } from '../kube/types/core.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import type { Service } from '../kube/types/service.ts';

/** What DNS needs of a Service, as plain data that goes into the snapshot as it is. */
export interface ServiceNames {
  readonly namespace: string;
  readonly name: string;
  readonly kind: 'cluster' | 'headless' | 'external';
  /** Of kind `cluster`, canonical. */
  readonly addresses: readonly string[];
  /** Of kind `external`. */
  readonly externalName?: string;
  /** Those with a name, of kind `cluster`; the index is that of spec.ports. */
  readonly ports: readonly NamedPort[];
}

export interface NamedPort {
  readonly index: number;
  readonly name: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly port: number;
}

/** The ready endpoints of one slice of a headless Service. */
export interface SliceNames {
  readonly namespace: string;
  readonly name: string;
  readonly service: string;
  readonly endpoints: readonly EndpointNames[];
  readonly ports: readonly NamedPort[];
}

export interface EndpointNames {
  /** In the slice's list. */
  readonly index: number;
  readonly address: string;
  /** The endpoint's hostname, or its address with dashes. */
  readonly label: string;
}

const longestLabel = 63;
/** RFC 1123, as the API server holds names to it; hand-made EndpointSlices may have anything. */
const labelPattern = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** Undefined for a Service that has no names yet, or that no name may be made of. */
export function readService(service: Service): ServiceNames | undefined {
  const { name, namespace = '' } = service.metadata;
  const { type, externalName = '', clusterIP = '' } = service.spec;
  const base = { namespace, name, addresses: [], ports: [] };
  if (type === 'ExternalName') {
    // An address is no name (core/v1 ServiceSpec.externalName).
    const target = externalName.toLowerCase();
    if (target === '' || parseAddress(target) !== undefined) return undefined;
    return { ...base, kind: 'external', externalName: target };
  }
  if (clusterIP === 'None') return { ...base, kind: 'headless' };
  const texts = service.spec.clusterIPs ?? (clusterIP === '' ? [] : [clusterIP]);
  const addresses = texts.flatMap(canonical);
  return addresses.length === 0
    ? undefined
    : { ...base, kind: 'cluster', addresses, ports: namedPorts(service.spec.ports ?? []) };
}

/** Undefined for a slice that belongs to no Service or has names instead of addresses. */
export function readSlice(slice: EndpointSlice): SliceNames | undefined {
  const { name, namespace = '', labels } = slice.metadata;
  const service = labels?.['kubernetes.io/service-name'] ?? '';
  if (service === '' || slice.addressType === 'FQDN') return undefined;
  const endpoints = (slice.endpoints ?? []).flatMap((endpoint, index) => {
    // Absent means ready; publishNotReadyAddresses is in `ready` already (discovery/v1 EndpointConditions).
    if (endpoint.conditions?.ready === false) return [];
    return endpoint.addresses
      .slice(0, 1)
      .flatMap(canonical)
      .flatMap(address => {
        const label = labelOf(endpoint.hostname, address);
        return label === undefined ? [] : [{ index, address, label }];
      });
  });
  return { namespace, name, service, endpoints, ports: namedPorts(slice.ports ?? []) };
}

export const readNamespace = (namespace: Namespace): string => namespace.metadata.name;

export const serviceKey = (of: { readonly namespace: string; readonly service: string }): string =>
  `${of.namespace}/${of.service}`;

/** `10-244-1-7`, `fd00-10-244--7`. */
export const dashed = (address: string): string => address.replaceAll(/[.:]/g, '-');

/** The address that a pod's name says; undefined for another label. */
export function undash(label: string): Address | undefined {
  const v4 = parseAddress(label.replaceAll('-', '.'));
  return v4 ?? (label.includes('-') ? parseAddress(label.replaceAll('-', ':')) : undefined);
}

function labelOf(hostname: string | undefined, address: string): string | undefined {
  const label = hostname === undefined || hostname === '' ? dashed(address) : hostname.toLowerCase();
  if (hostname === undefined || hostname === '') return label;
  return label.length <= longestLabel && labelPattern.test(label) ? label : undefined;
}

function canonical(text: string): readonly string[] {
  const address = parseAddress(text);
  return address === undefined ? [] : [formatAddress(address)];
}

interface PortLike {
  readonly name?: string;
  readonly port?: number;
  readonly protocol?: string;
}

function namedPorts(ports: readonly PortLike[]): readonly NamedPort[] {
  return ports.flatMap(({ name = '', port, protocol = 'TCP' }, index) => {
    const lower = protocol.toLowerCase();
    if (name === '' || port === undefined || name.length >= longestLabel) return [];
    if (lower !== 'tcp' && lower !== 'udp' && lower !== 'sctp') return [];
    return [{ index, name, protocol: lower, port }];
  });
}
