import { bitsOf, parseAddress } from '../base/ip.ts';
import type { Address, Family } from '../base/ip.ts';
import { defaults } from '../kernel/contract.ts';
import { addressOf } from './model.ts';
import type { Attachment, NodeNetwork } from './model.ts';
import type { NeighbourEntry, RouteEntry } from './compile-program.ts';

/** The node's side of an attachment: the pod's addresses lead to its veth, and nobody has to be asked for its MAC. */
export interface HostSide {
  readonly routes: readonly RouteEntry[];
  readonly neighbours: readonly NeighbourEntry[];
}

export function compileHostSide(self: NodeNetwork, attachment: Attachment): HostSide {
  const device = attachment.hostInterface;
  return {
    routes: attachment.addresses.map(address => {
      const source = addressOf(self, address.family);
      const destination = { ...address, length: bitsOf(address.family) };
      return source === undefined ? { destination, device } : { destination, device, source };
    }),
    neighbours: attachment.addresses.map(address => ({ device, address, mac: attachment.mac })),
  };
}

/** The pod's side: its addresses, and a default route to the gateway of each family that it has. */
export interface PodSide {
  readonly addresses: readonly Address[];
  readonly gateways: readonly Address[];
}

export function compilePodSide(attachment: Attachment): PodSide {
  return {
    addresses: attachment.addresses,
    gateways: attachment.addresses.map(address => gatewayOf(address.family)),
  };
}

/** The pods' gateway of a family, on link scope and the same on every node. */
export function gatewayOf(family: Family): Address {
  for (const text of defaults.podGateways) {
    const address = parseAddress(text);
    if (address?.family === family) return address;
  }
  throw new RangeError(`the contract names no pod gateway of IPv${family}`);
}
