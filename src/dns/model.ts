import { formatAddress, parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { Namespace } from '../kube/types/core.ts';
import type { Endpoint, EndpointSlice } from '../kube/types/discovery.ts';
import type { Service } from '../kube/types/service.ts';
import { defaultRules } from './model-rules.ts';
import type { NameRules } from './model-rules.ts';

/** What DNS needs of a Service, as plain data that goes into the snapshot as it is. */
export interface ServiceNames {
  readonly namespace: string;
  readonly name: string;
  readonly kind: 'cluster' | 'headless' | 'external';
  /** Of kind `cluster`, canonical. */
  readonly addresses: readonly string[];
  /** Of kind `external`. */
  readonly externalName?: string;
  /** Of kind `cluster`; the index is that of spec.ports. */
  readonly ports: readonly ServicePortNames[];
}

export interface ServicePortNames {
  readonly index: number;
  /** Empty where it has none: then it is only among all ports of the Service. */
  readonly name: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly port: number;
}

/** The ready endpoints of one slice of a Service. */
export interface SliceNames {
  readonly namespace: string;
  readonly name: string;
  readonly service: string;
  readonly endpoints: readonly EndpointNames[];
  readonly ports: readonly ServicePortNames[];
}

export interface EndpointNames {
  /** In the slice's list. */
  readonly index: number;
  readonly address: string;
  /** The endpoint's hostname, its pod's name where the rules say so, or its address with dashes. */
  readonly label: string;
  /** In lower case; only where the rules name zones. */
  readonly zone?: string;
}

const longestLabel = 63;
/** A port's name and its underscore make one label. */
const longestPortName = longestLabel - 1;
/** RFC 1123, as the API server holds names to it; hand-made EndpointSlices may have anything. */
const labelPattern = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** Undefined for a Service that has no names yet, or that no name may be made of. */
export function readService(service: Service): ServiceNames | undefined {
  const { name, namespace = '' } = service.metadata;
  const { type, externalName = '', clusterIP = '' } = service.spec;
  const base = { namespace, name, addresses: [], ports: [] };
  if (type === 'ExternalName') {
    // An address is no name (core/v1 ServiceSpec.externalName).
    const target = externalName.toLowerCase().replace(/\.$/, '');
    if (target === '' || parseAddress(target) !== undefined) return undefined;
    return { ...base, kind: 'external', externalName: target };
  }
  if (clusterIP === 'None') return { ...base, kind: 'headless' };
  const texts = service.spec.clusterIPs ?? (clusterIP === '' ? [] : [clusterIP]);
  const addresses = texts.flatMap(canonical);
  return addresses.length === 0
    ? undefined
    : { ...base, kind: 'cluster', addresses, ports: readPorts(service.spec.ports ?? []) };
}

/** Undefined for a slice that belongs to no Service or has names instead of addresses. */
export function readSlice(slice: EndpointSlice, rules: NameRules = defaultRules): SliceNames | undefined {
  const { name, namespace = '', labels } = slice.metadata;
  const service = labels?.['kubernetes.io/service-name'] ?? '';
  if (service === '' || slice.addressType === 'FQDN') return undefined;
  const endpoints = (slice.endpoints ?? []).flatMap((endpoint, index) => {
    // Absent means ready; publishNotReadyAddresses is in `ready` already (discovery/v1 EndpointConditions).
    if (endpoint.conditions?.ready === false) return [];
    return endpoint.addresses
      .slice(0, 1)
      .flatMap(canonical)
      .flatMap((address): readonly EndpointNames[] => {
        const label = labelOf(endpoint, address, rules);
        if (label === undefined) return [];
        const zone = rules.zonal ? endpoint.zone?.toLowerCase() : undefined;
        return [zone === undefined ? { index, address, label } : { index, address, label, zone }];
      });
  });
  return { namespace, name, service, endpoints, ports: readPorts(slice.ports ?? []) };
}

export const readNamespace = (namespace: Namespace): string => namespace.metadata.name;

export const serviceKey = (of: { readonly namespace: string; readonly service: string }): string =>
  `${of.namespace}/${of.service}`;

/** `10-244-1-7`, `fd00-10-244--7`; a label ends with a digit, so that of `fd00::` is `fd00--0`. */
export function dashed(address: string): string {
  const label = address.replaceAll(/[.:]/g, '-');
  return label.endsWith('-') ? `${label}0` : label;
}

/** The address that a pod's name says; undefined for another label. */
export function undash(label: string): Address | undefined {
  const v4 = parseAddress(label.replaceAll('-', '.'));
  return v4 ?? (label.includes('-') ? parseAddress(label.replaceAll('-', ':')) : undefined);
}

function labelOf(
  { hostname = '', targetRef }: Endpoint,
  address: string,
  rules: NameRules,
): string | undefined {
  const isLabel = (label: string) => label.length <= longestLabel && labelPattern.test(label);
  if (hostname !== '') {
    const label = hostname.toLowerCase();
    return isLabel(label) ? label : undefined;
  }
  const podName = rules.endpointPodNames && targetRef?.kind === 'Pod' ? (targetRef.name ?? '') : '';
  return isLabel(podName) ? podName : dashed(address);
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

function readPorts(ports: readonly PortLike[]): readonly ServicePortNames[] {
  return ports.flatMap(({ name = '', port, protocol = 'TCP' }, index) => {
    const lower = protocol.toLowerCase();
    if (port === undefined) return [];
    if (lower !== 'tcp' && lower !== 'udp' && lower !== 'sctp') return [];
    const usable = name.length <= longestPortName ? name.toLowerCase() : '';
    return [{ index, name: usable, protocol: lower, port }];
  });
}
