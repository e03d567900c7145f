import { provenanceOf } from '../base/provenance.ts';
import type { Problem, Provenance } from '../base/provenance.ts';
import type { Address, Family, Prefix } from '../base/ip.ts';
import { contains, formatAddress, parseAddress, parsePrefix } from '../base/ip.ts';
import type { Endpoint as SliceEndpoint, EndpointPort, EndpointSlice } from '../kube/types/discovery.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import type { Endpoint } from './model.ts';

/** What of the slices stands behind one Service port in one family; what is wrong goes to `problems`. */
export function readEndpoints(
  slices: readonly EndpointSlice[],
  family: Family,
  portName: string,
  protocol: Protocol,
  problems: Problem[],
): readonly Endpoint[] {
  const places = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== (family === 4 ? 'IPv4' : 'IPv6')) continue;
    const at = slice.ports?.findIndex(candidate => matchesPort(candidate, portName, protocol)) ?? -1;
    if (at < 0) continue;
    const port = slice.ports?.[at]?.port;
    if (port === undefined || !isPort(port)) {
      const provenance = provenanceOf('EndpointSlice', slice.metadata, `ports[${at}]`);
      problems.push({
        provenance,
        sentence: port === undefined ? 'the port has no number' : `${port} is no port`,
      });
      continue;
    }
    for (const [index, endpoint] of (slice.endpoints ?? []).entries()) {
      const provenance = provenanceOf('EndpointSlice', slice.metadata, `endpoints[${index}]`);
      // All addresses of one endpoint are the same backend; only the first is used (discovery/v1 Endpoint.addresses).
      const text = endpoint.addresses[0] ?? '';
      const address = parseAddress(text);
      const refusal = address === undefined ? `"${text}" is no address` : refusalOf(address, family);
      if (address === undefined || refusal !== undefined) {
        if (refusal !== undefined) problems.push({ provenance, sentence: refusal });
        continue;
      }
      const place = `${formatAddress(address)} ${port}`;
      const found = describeEndpoint(endpoint, address, port, provenance);
      const other = places.get(place);
      // A place may stand in two slices while one is rewritten: the better state counts.
      if (other === undefined || isBetter(found, other)) places.set(place, found);
    }
  }
  return [...places.values()].sort(byPlace);
}

function matchesPort(port: EndpointPort, name: string, protocol: Protocol): boolean {
  return (port.name ?? '') === name && (port.protocol ?? 'TCP') === protocol;
}

/** What nobody outside of one node, or of one link, can have (core/v1 ValidateNonSpecialIP). */
const special: readonly (readonly [string, readonly string[]])[] = [
  ['the unspecified address', ['0.0.0.0/32', '::/128']],
  ['a loopback address', ['127.0.0.0/8', '::1/128']],
  ['a link-local address', ['169.254.0.0/16', 'fe80::/10']],
  ['a multicast address', ['224.0.0.0/4', 'ff00::/8']],
];

const specialPrefixes: readonly (readonly [string, readonly Prefix[]])[] = special.map(([what, texts]) => [
  what,
  texts.map(parsePrefix).filter(prefix => prefix !== undefined),
]);

function refusalOf(address: Address, family: Family): string | undefined {
  const text = formatAddress(address);
  if (address.family !== family) return `${text} is no IPv${family} address`;
  const what = specialKindOf(address);
  return what === undefined ? undefined : `${text} is ${what} and cannot be an endpoint`;
}

/** `a loopback address`; undefined for one that can lead to a Service, or be an endpoint. */
export function specialKindOf(address: Address): string | undefined {
  return specialPrefixes.find(([, prefixes]) => prefixes.some(prefix => contains(prefix, address)))?.[0];
}

/** Absent conditions: ready and serving mean true, terminating means false (discovery/v1 EndpointConditions). */
function describeEndpoint(
  endpoint: SliceEndpoint,
  address: Address,
  port: number,
  provenance: Provenance,
): Endpoint {
  const target = endpoint.targetRef;
  const hints = hintsOf(endpoint);
  return {
    address,
    port,
    ready: endpoint.conditions?.ready ?? true,
    serving: endpoint.conditions?.serving ?? true,
    terminating: endpoint.conditions?.terminating ?? false,
    nodeName: endpoint.nodeName,
    ...(hints === undefined ? {} : { hints }),
    pod:
      target?.kind === 'Pod' ? `${target.namespace ?? provenance.namespace}/${target.name ?? ''}` : undefined,
    provenance,
  };
}

function hintsOf({ hints }: SliceEndpoint): Endpoint['hints'] {
  const nodes = (hints?.forNodes ?? []).map(({ name }) => name);
  const zones = (hints?.forZones ?? []).map(({ name }) => name);
  return nodes.length + zones.length === 0 ? undefined : { nodes, zones };
}

/** Of two entries for one place: the more usable one, then the one of the slice that sorts first, in any order seen. */
function isBetter(a: Endpoint, b: Endpoint): boolean {
  if (rank(a) !== rank(b)) return rank(a) > rank(b);
  return nameOf(a) < nameOf(b);
}

const rank = (endpoint: Endpoint): number =>
  endpoint.ready ? 2 : endpoint.serving && endpoint.terminating ? 1 : 0;

const nameOf = ({ provenance }: Endpoint): string => `${provenance.name} ${provenance.field}`;

function byPlace(a: Endpoint, b: Endpoint): number {
  if (a.address.value !== b.address.value) return a.address.value < b.address.value ? -1 : 1;
  return a.port - b.port;
}

export const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;
