import { parseAddress } from '../../../base/ip.ts';
import type { Pod } from '../../../kube/types/core.ts';
import type { EndpointAddress, EndpointSubset, EndpointsPort } from '../../../kube/types/endpoints.ts';
import type { Service } from '../../../kube/types/service.ts';
import { resolvePort } from '../endpoint-slices/desired.ts';
import { isReady, isTerminated, isTerminating } from '../pod-state.ts';

/** So many addresses stand in one object (core/v1 EndpointsOverCapacity). */
export const MOST_ADDRESSES = 1000;

interface Candidate {
  readonly address: EndpointAddress;
  readonly ready: boolean;
}

/**
 * What the Endpoints of a Service shall say: its pods in the Service's first family, ports that lead to the same pods
 * together. Unlike slices they do not know what terminates.
 */
export function desiredSubsets(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const byPort = new Map<
    string,
    { readonly ports: readonly EndpointsPort[]; readonly behind: Candidate[] }
  >();
  for (const pod of pods) {
    const candidate = candidateOf(service, pod);
    if (candidate === undefined) continue;
    for (const ports of portsOf(service, pod)) {
      const key = JSON.stringify(ports);
      const one = byPort.get(key) ?? { ports, behind: [] };
      byPort.set(key, one);
      one.behind.push(candidate);
    }
  }
  const sorted = [...byPort.values()].map(({ ports, behind }) => ({
    ports,
    behind: behind.toSorted((a, b) => compare(placeOf(a), placeOf(b))),
  }));
  const together = Map.groupBy(sorted, ({ behind }) =>
    behind.map(one => `${placeOf(one)} ${one.ready}`).join(),
  );
  return [...together.values()]
    .map(group => subsetOf(group.flatMap(({ ports }) => ports).toSorted(byNumber), group[0]?.behind ?? []))
    .toSorted((a, b) => compare(JSON.stringify(a.ports ?? []), JSON.stringify(b.ports ?? [])));
}

/** Pods of a node's own network share an address. */
const placeOf = ({ address }: Candidate): string => `${address.ip} ${address.targetRef?.uid ?? ''}`;

/** A list of one port each; a headless Service without ports has addresses alone. */
function portsOf(service: Service, pod: Pod): readonly (readonly EndpointsPort[])[] {
  const { clusterIP, ports = [] } = service.spec;
  if (ports.length === 0) return clusterIP === 'None' ? [[]] : [];
  return ports.flatMap(port =>
    resolvePort(port, pod).map(({ appProtocol, name, port: number = 0, protocol = 'TCP' }) => [
      {
        ...(appProtocol === undefined ? {} : { appProtocol }),
        ...(name === undefined || name === '' ? {} : { name }),
        port: number,
        protocol,
      },
    ]),
  );
}

function candidateOf(service: Service, pod: Pod): Candidate | undefined {
  const isPublished = service.spec.publishNotReadyAddresses === true;
  if (isTerminated(pod) || (isTerminating(pod) && !isPublished)) return undefined;
  const family = service.spec.ipFamilies?.[0] === 'IPv6' ? 6 : 4;
  const ip = (pod.status?.podIPs ?? []).find(one => parseAddress(one.ip)?.family === family)?.ip;
  const { hostname, nodeName, subdomain } = pod.spec;
  if (ip === undefined) return undefined;
  const isNamed = hostname !== undefined && hostname !== '' && subdomain === service.metadata.name;
  const { name, namespace = '', uid } = pod.metadata;
  return {
    ready: isPublished || isReady(pod),
    address: {
      ...(isNamed ? { hostname } : {}),
      ip,
      ...(nodeName === undefined || nodeName === '' ? {} : { nodeName }),
      targetRef: { kind: 'Pod', namespace, name, ...(uid === undefined ? {} : { uid }) },
    },
  };
}

function subsetOf(ports: readonly EndpointsPort[], behind: readonly Candidate[]): EndpointSubset {
  const [ready, unready] = [true, false].map(wanted =>
    behind.filter(one => one.ready === wanted).map(({ address }) => address),
  );
  return withAddresses({ ports }, ready ?? [], unready ?? []);
}

function withAddresses(
  { ports = [] }: Pick<EndpointSubset, 'ports'>,
  addresses: readonly EndpointAddress[],
  notReadyAddresses: readonly EndpointAddress[],
): EndpointSubset {
  return {
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
    ...(ports.length === 0 ? {} : { ports }),
  };
}

/**
 * As many as one object may have: ready ones before others, and each subset its share, rounded up. Returns what was
 * given where that is not too much.
 */
export function truncated(subsets: readonly EndpointSubset[]): readonly EndpointSubset[] {
  const count = (of: (subset: EndpointSubset) => readonly EndpointAddress[]) =>
    subsets.reduce((sum, subset) => sum + of(subset).length, 0);
  const [ready, unready] = [count(readyIn), count(unreadyIn)];
  if (ready + unready <= MOST_ADDRESSES) return subsets;
  const isReadyCut = ready > MOST_ADDRESSES;
  const room = isReadyCut ? MOST_ADDRESSES : MOST_ADDRESSES - ready;
  const total = isReadyCut ? ready : unready;
  let left = room;
  const cut = (addresses: readonly EndpointAddress[]) => {
    const share = addresses.slice(0, Math.min(left, Math.ceil((addresses.length / total) * room)));
    left -= share.length;
    return share;
  };
  return subsets
    .map(subset =>
      isReadyCut
        ? withAddresses(subset, cut(readyIn(subset)), [])
        : withAddresses(subset, readyIn(subset), cut(unreadyIn(subset))),
    )
    .filter(({ addresses = [], notReadyAddresses = [] }) => addresses.length + notReadyAddresses.length > 0);
}

const readyIn = ({ addresses = [] }: EndpointSubset): readonly EndpointAddress[] => addresses;
const unreadyIn = ({ notReadyAddresses = [] }: EndpointSubset): readonly EndpointAddress[] =>
  notReadyAddresses;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const byNumber = (a: EndpointsPort, b: EndpointsPort): number =>
  compare(a.name ?? '', b.name ?? '') || a.port - b.port || compare(a.protocol ?? '', b.protocol ?? '');
