import { contains, formatAddress, parseAddress, parsePrefix } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { Elements } from '../kernel/nft/table.ts';
import type { HostPortEntry } from './compile-program.ts';
import { same } from './model.ts';
import type { Attachment, HostPort } from './model.ts';

/** The ports of the node that are the attachment's: one entry for each family that both the port and the pod have. */
export function compileHostPorts(
  attachment: Pick<Attachment, 'hostInterface' | 'addresses' | 'hostPorts'>,
): readonly HostPortEntry[] {
  const { hostInterface: device, addresses, hostPorts } = attachment;
  return hostPorts.flatMap(({ protocol, address, port, containerPort: toPort }) =>
    addresses
      .filter(to => address === undefined || address.family === to.family)
      .map(to => {
        const only = address === undefined || address.value === 0n ? undefined : address;
        return { device, protocol, address: only, port, to, toPort };
      }),
  );
}

/** The key of its map: with the address for one that has one, as nft writes it. */
export function hostPortKey({ address, protocol, port }: HostPortEntry): string {
  const place = `${protocol} . ${port}`;
  return address === undefined ? place : `${formatAddress(address)} . ${place}`;
}

/** Sorted, so that the order of pods makes no difference. */
export function sortHostPorts(entries: readonly HostPortEntry[]): readonly HostPortEntry[] {
  const nameOf = (entry: HostPortEntry) => `${entry.to.family} ${hostPortKey(entry)}`;
  return [...entries].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

/**
 * The ports that a table's maps lead to a pod's addresses: what an address store that was lost is rebuilt from. One
 * that both families of the pod have alike was asked for without an address.
 */
export function hostPortsIn(
  sets: ReadonlyMap<string, { readonly elements: Elements }>,
  addresses: readonly Address[],
): readonly HostPort[] {
  const found = addresses.flatMap(to => {
    const entries = (name: string) => [...(sets.get(`${name}${to.family}`)?.elements ?? [])];
    return [...entries('ports'), ...entries('anyports')].flatMap(([key, value]) => {
      const [target, containerPort] = value.split(' . ');
      const [port = '', protocol, address] = key.split(' . ').toReversed();
      if (target !== formatAddress(to) || !isProtocol(protocol)) return [];
      const any: Address = { family: to.family, value: 0n };
      const at = address === undefined ? any : parseAddress(address);
      if (at === undefined) return [];
      return [{ protocol, address: at, port: Number(port), containerPort: Number(containerPort) }];
    });
  });
  const isAny = ({ address }: HostPort) => address?.value === 0n;
  const likeIt = (one: HostPort) =>
    found.filter(
      other =>
        isAny(other) &&
        other.protocol === one.protocol &&
        other.port === one.port &&
        other.containerPort === one.containerPort,
    );
  return found.flatMap((one): HostPort[] => {
    const alike = isAny(one) ? likeIt(one) : [one];
    if (alike.length < 2) return [one];
    return alike[0] === one ? [{ ...one, address: undefined }] : [];
  });
}

const isProtocol = (text: string | undefined): text is HostPort['protocol'] =>
  text === 'tcp' || text === 'udp' || text === 'sctp';

/** Whether both would take a packet to some address of the node. */
export function hostPortsOverlap(a: HostPort, b: HostPort): boolean {
  if (a.protocol !== b.protocol || a.port !== b.port) return false;
  if (a.address === undefined || b.address === undefined) return true;
  if (a.address.family !== b.address.family) return false;
  return a.address.value === 0n || b.address.value === 0n || same(a.address, b.address);
}

/** `tcp 172.30.0.1:80`, as sentences name it. */
export function formatHostPort({ protocol, address, port }: HostPort): string {
  if (address === undefined) return `${protocol} port ${port}`;
  const text = formatAddress(address);
  return `${protocol} ${address.family === 6 ? `[${text}]` : text}:${port}`;
}

/** Whether the node itself is to reach one of the ports by a loopback address, which only IPv4 can translate. */
export function wantsLoopback({ addresses, hostPorts }: Attachment): boolean {
  if (!addresses.some(address => address.family === 4)) return false;
  return hostPorts.some(({ address }) => address === undefined || isLoopbackOrAny(address));
}

function isLoopbackOrAny(address: Address): boolean {
  if (address.family !== 4) return false;
  return address.value === 0n || (loopback !== undefined && contains(loopback, address));
}

const loopback = parsePrefix('127.0.0.0/8');
