import { provenanceOf } from '../base/provenance.ts';
import type { Problem, Provenance } from '../base/provenance.ts';
import { formatAddress, parseAddress, parseInterface, prefixOf } from '../base/ip.ts';
import type { Address, Family, Prefix } from '../base/ip.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import type { Service } from '../kube/types/service.ts';
import { isBalancedByUs } from './compile-announcer.ts';
import { isPort, readEndpoints, specialKindOf } from './compile-endpoints.ts';
import { frontendKey, mergeParts } from './model.ts';
import type { Affinity, Exposure, Frontend, ServiceModel, ServicePart } from './model.ts';

/** The label by which a slice names its Service (discovery/v1 LabelServiceName). */
export const SERVICE_NAME = 'kubernetes.io/service-name';
/** A Service or slice with it asks to be left to another implementation. */
const OTHER_PROXY = 'service.kubernetes.io/service-proxy-name';
const HEADLESS = 'service.kubernetes.io/headless';

/** `namespace/name` of the Service that a slice belongs to. */
export function serviceOf(slice: EndpointSlice): string {
  return `${slice.metadata.namespace ?? ''}/${slice.metadata.labels?.[SERVICE_NAME] ?? ''}`;
}

/**
 * @param nodePortAddresses - of the nodes at whose ports Services are to be found.
 * @param prefixes - where cluster addresses come from, if that is known.
 */
export function buildServiceModel(
  services: Iterable<Service>,
  slices: Iterable<EndpointSlice>,
  nodePortAddresses: readonly Address[] = [],
  prefixes: readonly Prefix[] = [],
): ServiceModel {
  const slicesOf = Map.groupBy(slices, serviceOf);
  const keyOf = ({ metadata }: Service) => `${metadata.namespace ?? ''}/${metadata.name}`;
  return mergeParts(
    [...services].flatMap(
      service => readService(service, slicesOf.get(keyOf(service)) ?? [], nodePortAddresses) ?? [],
    ),
    prefixes,
  );
}

/**
 * Undefined for a Service that has no virtual address of ours: ExternalName and headless ones are DNS's alone, and
 * another proxy's are its own.
 * @param nodeAddresses - whose other ports are the nodes' own, whatever a load balancer's status says.
 */
export function readService(
  service: Service,
  slices: readonly EndpointSlice[],
  nodePortAddresses: readonly Address[] = [],
  nodeAddresses: readonly Address[] = nodePortAddresses,
): ServicePart | undefined {
  const { metadata, spec } = service;
  const written = (spec.clusterIPs ?? [spec.clusterIP ?? '']).filter(text => text !== '');
  if (spec.type === 'ExternalName' || !isOurs(service) || written.length === 0 || written[0] === 'None')
    return undefined;
  const problems: Problem[] = [];
  const own = clusterFaces(service, written, problems);
  // A Service has the families of its cluster addresses, at every address (core/v1 ServiceSpec.ipFamilies).
  const families = new Set(own.map(({ address }) => address.family));
  const faces = [
    ...own,
    ...loadBalancerFaces(service, families, problems),
    ...externalFaces(service, families, problems),
    ...nodePortFaces(service, nodePortAddresses).filter(({ address }) => families.has(address.family)),
  ];
  const ownSlices = slices.filter(isOurs);
  problems.push(...ownSlices.flatMap(slice => familyProblem(slice, families) ?? []));
  const frontends = (spec.ports ?? []).flatMap((port, index): readonly Frontend[] => {
    const provenance = provenanceOf('Service', metadata, `spec.ports[${index}]`);
    const { name: portName = '', protocol = 'TCP' } = port;
    if (!isPort(port.port)) {
      problems.push({ provenance, sentence: `${port.port} is no port` });
      return [];
    }
    const endpoints = new Map(
      [...families].map(family => [family, readEndpoints(ownSlices, family, portName, protocol, problems)]),
    );
    const affinity = affinityOf(service, portName, protocol);
    return faces.flatMap(({ address, exposure }): readonly Frontend[] => {
      const number = exposure.of === 'node-port' ? port.nodePort : port.port;
      if (number === undefined || !isPort(number)) return [];
      return [
        {
          address,
          protocol,
          port: number,
          portName,
          service: provenance,
          exposure,
          ...(affinity === undefined ? {} : { affinity }),
          endpoints: endpoints.get(address.family) ?? [],
        },
      ];
    });
  });
  return {
    key: `${metadata.namespace ?? ''}/${metadata.name}`,
    age: `${metadata.creationTimestamp ?? ''} ${metadata.uid ?? ''} ${metadata.namespace ?? ''}/${metadata.name}`,
    service: provenanceOf('Service', metadata, 'spec'),
    addresses: faces
      .filter(face => isOwn(face, service))
      .map(({ address }) => address)
      .filter(address => !isAmong(nodeAddresses, address)),
    frontends: uniqueFrontends(frontends),
    isAnnounced: isBalancedByUs(service),
    problems,
  };
}

/** A slice of a family that its Service does not have leads nowhere: nobody asks for it. */
function familyProblem(slice: EndpointSlice, families: ReadonlySet<Family>): Problem | undefined {
  const { addressType, endpoints } = slice;
  const family = addressType === 'IPv4' ? 4 : addressType === 'IPv6' ? 6 : undefined;
  if ((family !== undefined && families.has(family)) || (endpoints ?? []).length === 0) return undefined;
  const why =
    family === undefined
      ? 'cannot be endpoints of a Service with an address'
      : 'are none of the Service, which does not have that family (spec.ipFamilies)';
  return {
    provenance: provenanceOf('EndpointSlice', slice.metadata, 'addressType'),
    sentence: `endpoints of the type ${addressType} ${why}`,
  };
}

function isOurs({ metadata: { labels = {} } }: Service | EndpointSlice): boolean {
  return !(OTHER_PROXY in labels) && !(HEADLESS in labels);
}

/** One virtual address of a Service, and whom it is for. */
interface Face {
  readonly address: Address;
  readonly exposure: Exposure;
}

function clusterFaces(
  { metadata, spec }: Service,
  written: readonly string[],
  problems: Problem[],
): readonly Face[] {
  const exposure: Exposure = { of: 'cluster', internalPolicy: spec.internalTrafficPolicy ?? 'Cluster' };
  return written.flatMap((text, index): Face[] => {
    if (text === '') return [];
    const address = parseAddress(text);
    if (address !== undefined) return [{ address, exposure }];
    const provenance = provenanceOf('Service', metadata, `spec.clusterIPs[${index}]`);
    problems.push({ provenance, sentence: `"${text}" is no address` });
    return [];
  });
}

/** The addresses that a load balancer gave it; one of mode Proxy is reached through the balancer (KEP-1860). */
function loadBalancerFaces(
  service: Service,
  families: ReadonlySet<Family>,
  problems: Problem[],
): readonly Face[] {
  const { metadata, spec, status } = service;
  if (spec.type !== 'LoadBalancer') return [];
  const sourceRangesOf = readSourceRanges(service, problems);
  const externalPolicy = spec.externalTrafficPolicy ?? 'Cluster';
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode = 'VIP' }, index): Face[] => {
    if (ip === undefined || ip === '' || ipMode !== 'VIP') return [];
    const provenance = provenanceOf('Service', metadata, `status.loadBalancer.ingress[${index}].ip`);
    const address = readOutside(ip, families, provenance, problems);
    if (address === undefined) return [];
    const sourceRanges = sourceRangesOf(address.family);
    if (sourceRanges === undefined && isRestricted(spec)) {
      const sentence = `spec.loadBalancerSourceRanges has no range of IPv${address.family}: everybody may come to ${formatAddress(address)}`;
      problems.push({ provenance, sentence });
    }
    return [{ address, exposure: { of: 'load-balancer', externalPolicy, sourceRanges } }];
  });
}

/** A range of everybody in one family says that nobody is meant to be kept out. */
const isRestricted = ({ loadBalancerSourceRanges = [] }: Service['spec']): boolean =>
  loadBalancerSourceRanges.length > 0 && !loadBalancerSourceRanges.some(text => text.trim().endsWith('/0'));

/** As a load balancer's, without ranges; a node may have one of them as its own. */
function externalFaces(
  { metadata, spec }: Service,
  families: ReadonlySet<Family>,
  problems: Problem[],
): readonly Face[] {
  const externalPolicy = spec.externalTrafficPolicy ?? 'Cluster';
  return (spec.externalIPs ?? []).flatMap((text, index): Face[] => {
    const provenance = provenanceOf('Service', metadata, `spec.externalIPs[${index}]`);
    const address = readOutside(text, families, provenance, problems);
    return address === undefined ? [] : [{ address, exposure: { of: 'external-ip', externalPolicy } }];
  });
}

/** An address that others than the cluster gave out: one that cannot lead to the Service is left out, and reported. */
function readOutside(
  text: string,
  families: ReadonlySet<Family>,
  provenance: Provenance,
  problems: Problem[],
): Address | undefined {
  const address = parseAddress(text);
  const refusal = address === undefined ? `"${text}" is no address` : refusalOf(address, families);
  if (refusal === undefined) return address;
  problems.push({ provenance, sentence: refusal });
  return undefined;
}

function refusalOf(address: Address, families: ReadonlySet<Family>): string | undefined {
  const text = formatAddress(address);
  const what = specialKindOf(address);
  if (what !== undefined) return `${text} is ${what} and cannot lead to a Service`;
  return families.has(address.family)
    ? undefined
    : `${text} is of IPv${address.family}, which the Service does not have (spec.ipFamilies)`;
}

function nodePortFaces({ spec }: Service, addresses: readonly Address[]): readonly Face[] {
  if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return [];
  const externalPolicy = spec.externalTrafficPolicy ?? 'Cluster';
  return addresses.map(address => ({ address, exposure: { of: 'node-port', externalPolicy } }));
}

const isAmong = (addresses: readonly Address[], { family, value }: Address): boolean =>
  addresses.some(one => one.family === family && one.value === value);

/** Another's load balancer may tell a node's own address, and external addresses may be one: ports of these are left alone. */
function isOwn({ exposure }: Face, service: Service): boolean {
  return exposure.of === 'cluster' || (exposure.of === 'load-balancer' && isBalancedByUs(service));
}

/**
 * Each family has its own ranges: one without any is open to everybody, as kube-proxy has it. What cannot be read lets
 * nobody in, in either family. Blanks around a range are left out, as the API does.
 */
function readSourceRanges(
  { metadata, spec }: Service,
  problems: Problem[],
): (family: Family) => readonly Prefix[] | undefined {
  let isRead = true;
  const ranges = (spec.loadBalancerSourceRanges ?? []).flatMap((text, index): readonly Prefix[] => {
    const found = parseInterface(text.trim());
    if (found !== undefined) return [prefixOf(found.address, found.length)];
    isRead = false;
    const provenance = provenanceOf('Service', metadata, `spec.loadBalancerSourceRanges[${index}]`);
    problems.push({ provenance, sentence: `"${text}" is no range of addresses; it lets nobody in` });
    return [];
  });
  return family => {
    const own = ranges.filter(range => range.family === family);
    return own.length > 0 || !isRead ? own : undefined;
  };
}

/** The API refuses a Service with the same protocol and port twice; the first one counts. */
function uniqueFrontends(frontends: readonly Frontend[]): readonly Frontend[] {
  const byKey = new Map<string, Frontend>();
  for (const frontend of frontends) {
    const key = frontendKey(frontend.address, frontend.protocol, frontend.port);
    if (!byKey.has(key)) byKey.set(key, frontend);
  }
  return [...byKey.values()];
}

/** The API fills in three hours (core/v1 ClientIPConfig.timeoutSeconds), and allows one second to a day. */
function affinityOf({ metadata, spec }: Service, portName: string, protocol: Protocol): Affinity | undefined {
  if (spec.sessionAffinity !== 'ClientIP') return undefined;
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800;
  const port = `${metadata.namespace ?? ''}/${metadata.name}/${portName}-${protocol.toLowerCase()}`;
  return { port, seconds: Math.min(Math.max(1, Math.floor(seconds)), 86_400) };
}
