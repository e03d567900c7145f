import { diff } from '../base/delta.ts';
import { formatAddress, formatPrefix } from '../base/ip.ts';
import type { RouteOperation } from '../kernel/netlink/index.ts';
import type { HostSide } from './compile-attachment.ts';
import {
  keyed,
  neighbourKey,
  routeKey,
  sameForwarding,
  sameNeighbour,
  sameRoute,
} from './compile-program.ts';
import type { NetworkProgram, RouteEntry } from './compile-program.ts';

/** The part of a program that is compared entry by entry. */
export type Entries = Pick<NetworkProgram, 'routes' | 'neighbours' | 'forwarding'>;

export const nothing: Entries = { routes: new Map(), neighbours: new Map(), forwarding: new Map() };

export function entriesOf(side: HostSide): Entries {
  return {
    routes: keyed(side.routes, routeKey),
    neighbours: keyed(side.neighbours, neighbourKey),
    forwarding: new Map(),
  };
}

/**
 * Neighbours and forwarding entries stand before the routes that need them, and routes go before what they used.
 */
export function entryOperations(actual: Entries, desired: Entries): readonly RouteOperation[] {
  const routes = diff(actual.routes, desired.routes, sameRoute);
  const neighbours = diff(actual.neighbours, desired.neighbours, sameNeighbour);
  const forwarding = diff(actual.forwarding, desired.forwarding, sameForwarding);
  const operations: RouteOperation[] = [];
  for (const key of routes.remove) {
    const route = actual.routes.get(key);
    if (route !== undefined)
      operations.push({ do: 'route-delete', dst: formatPrefix(route.destination), dev: route.device });
  }
  for (const key of neighbours.remove) {
    const entry = actual.neighbours.get(key);
    if (entry !== undefined)
      operations.push({ do: 'neighbour-delete', dev: entry.device, address: formatAddress(entry.address) });
  }
  for (const key of forwarding.remove) {
    const entry = actual.forwarding.get(key);
    if (entry !== undefined)
      operations.push({
        do: 'fdb-delete',
        dev: entry.device,
        mac: entry.mac,
        via: formatAddress(entry.remote),
      });
  }
  for (const [, entry] of [...forwarding.add, ...forwarding.change])
    operations.push({
      do: 'fdb-replace',
      dev: entry.device,
      mac: entry.mac,
      via: formatAddress(entry.remote),
    });
  for (const [, { device, address, mac }] of [...neighbours.add, ...neighbours.change])
    operations.push({ do: 'neighbour-replace', dev: device, address: formatAddress(address), mac });
  for (const [, route] of [...routes.add, ...routes.change]) operations.push(routeReplace(route));
  return operations;
}

export function routeReplace(route: RouteEntry): RouteOperation {
  const { destination, device, via, source, mtu, onlink } = route;
  return {
    do: 'route-replace',
    dst: formatPrefix(destination),
    dev: device,
    ...(via === undefined
      ? destination.family === 4
        ? { scope: 'link' as const }
        : {}
      : { via: formatAddress(via) }),
    ...(source === undefined ? {} : { src: formatAddress(source) }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(onlink === true ? { onlink } : {}),
  };
}
