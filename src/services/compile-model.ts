import { provenanceOf } from '../base/provenance.ts';
import type { Problem } from '../base/provenance.ts';
import { parseAddress, parseInterface, prefixOf } from '../base/ip.ts';
import type { Address, Prefix } from '../base/ip.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import type { Service } from '../kube/types/service.ts';
import { isBalancedByUs } from './compile-announcer.ts';
import { isPort, readEndpoints } from './compile-endpoints.ts';
import { frontendKey, mergeParts } from './model.ts';
import type { Affinity, Exposure, Frontend, ServiceModel, ServicePart } from './model.ts';

/** The label by which a slice names its Service (discovery/v1 LabelServiceName). */
export const SERVICE_NAME = 'kubernetes.io/service-name';
/** A Service with it asks to be left to another implementation. */
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
 */
export function readService(
  service: Service,
  slices: readonly EndpointSlice[],
  nodePortAddresses: readonly Address[] = [],
): ServicePart | undefined {
  const { metadata, spec } = service;
  const labels = metadata.labels ?? {};
  const written = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  if (spec.type === 'ExternalName' || OTHER_PROXY in labels || HEADLESS in labels || written[0] === 'None')
    return undefined;
  const problems: Problem[] = [];
  const faces = [
    ...clusterFaces(service, written, problems),
    ...loadBalancerFaces(service, problems),
    ...externalFaces(service, problems),
    ...nodePortFaces(service, nodePortAddresses),
  ];
  const frontends = (spec.ports ?? []).flatMap((port, index): readonly Frontend[] => {
    const provenance = provenanceOf('Service', metadata, `spec.ports[${index}]`);
    const { name: portName = '', protocol = 'TCP' } = port;
    if (!isPort(port.port)) {
      problems.push({ provenance, sentence: `${port.port} is no port` });
      return [];
    }
    const endpoints = new Map(
      [...new Set(faces.map(({ address }) => address.family))].map(family => [
        family,
        readEndpoints(slices, family, portName, protocol, problems),
      ]),
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
    addresses: faces.filter(face => isOwn(face, service)).map(({ address }) => address),
    frontends: uniqueFrontends(frontends),
    isAnnounced: isBalancedByUs(service),
    problems,
  };
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
function loadBalancerFaces(service: Service, problems: Problem[]): readonly Face[] {
  const { metadata, spec, status } = service;
  if (spec.type !== 'LoadBalancer') return [];
  const sourceRanges = readSourceRanges(service, problems);
  const externalPolicy = spec.externalTrafficPolicy ?? 'Cluster';
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode = 'VIP' }, index): Face[] => {
    if (ip === undefined || ip === '' || ipMode !== 'VIP') return [];
    const address = parseAddress(ip);
    if (address !== undefined)
      return [{ address, exposure: { of: 'load-balancer', externalPolicy, sourceRanges } }];
    const provenance = provenanceOf('Service', metadata, `status.loadBalancer.ingress[${index}].ip`);
    problems.push({ provenance, sentence: `"${ip}" is no address` });
    return [];
  });
}

/** As a load balancer's, without ranges; a node may have one of them as its own. */
function externalFaces({ metadata, spec }: Service, problems: Problem[]): readonly Face[] {
  const externalPolicy = spec.externalTrafficPolicy ?? 'Cluster';
  return (spec.externalIPs ?? []).flatMap((text, index): Face[] => {
    const address = parseAddress(text);
    if (address !== undefined) return [{ address, exposure: { of: 'external-ip', externalPolicy } }];
    const provenance = provenanceOf('Service', metadata, `spec.externalIPs[${index}]`);
    problems.push({ provenance, sentence: `"${text}" is no address` });
    return [];
  });
}

function nodePortFaces({ spec }: Service, addresses: readonly Address[]): readonly Face[] {
  if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return [];
  const externalPolicy = spec.externalTrafficPolicy ?? 'Cluster';
  return addresses.map(address => ({ address, exposure: { of: 'node-port', externalPolicy } }));
}

/** Another's load balancer may tell a node's own address, and external addresses may be one: ports of these are left alone. */
function isOwn({ exposure }: Face, service: Service): boolean {
  return exposure.of === 'cluster' || (exposure.of === 'load-balancer' && isBalancedByUs(service));
}

/** What cannot be read lets nobody in. Blanks around a range are left out, as the API does. */
function readSourceRanges({ metadata, spec }: Service, problems: Problem[]): readonly Prefix[] | undefined {
  const written = spec.loadBalancerSourceRanges ?? [];
  if (written.length === 0) return undefined;
  return written.flatMap((text, index): readonly Prefix[] => {
    const found = parseInterface(text.trim());
    if (found !== undefined) return [prefixOf(found.address, found.length)];
    const provenance = provenanceOf('Service', metadata, `spec.loadBalancerSourceRanges[${index}]`);
    problems.push({ provenance, sentence: `"${text}" is no range of addresses; it lets nobody in` });
    return [];
  });
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
