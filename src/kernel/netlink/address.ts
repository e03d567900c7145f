import type { Family } from '../../base/ip.ts';
import { bitsOf, bytesOf } from '../../base/ip.ts';
import type { AddressAdd, Scope } from './operation.ts';
import { flags, request } from './request.ts';
import type { Request, Resolver } from './request.ts';
import { decodeAddress, familyNumber, familyOf, requireInterfaceAddress } from './values.ts';
import { decodeAttributes, readText, readU32, u32, viewOf } from './wire.ts';

export interface LinkAddress {
  readonly index: number;
  readonly family: Family;
  /** With prefix length: `10.244.1.5/32`. */
  readonly address: string;
  readonly scope: Scope | number;
  readonly label: string | undefined;
  /** IPv6: duplicate address detection has not ended, or has found a duplicate. Not usable yet, or never. */
  readonly tentative: boolean;
  readonly duplicate: boolean;
}

const attribute = { address: 1, local: 2, label: 3, flags: 8 } as const;
const addressFlag = {
  nodad: 0x02,
  duplicate: 0x08,
  tentative: 0x40,
  permanent: 0x80,
  noPrefixRoute: 0x200,
} as const;
const message = { new: 20, delete: 21, get: 22 } as const;
const change = flags.request | flags.acknowledge;
const scopes = { global: 0, link: 253, host: 254, nowhere: 255 } as const;

export const scopeNumber = (scope: Scope): number => scopes[scope];

export function scopeOf(number: number): Scope | number {
  const found = Object.entries(scopes).find(([, value]) => value === number);
  // The keys of `scopes` are the names of Scope.
  return found === undefined ? number : (found[0] as Scope);
}

export function encodeAddressAdd(operation: AddressAdd, resolve: Resolver): Request {
  const { address, length } = requireInterfaceAddress(operation.address);
  const bits =
    (operation.nodad === true ? addressFlag.nodad : 0) |
    (operation.noPrefixRoute === true ? addressFlag.noPrefixRoute : 0);
  const scope = scopes[operation.scope ?? 'global'];
  const head = header(address.family, length, scope, resolve.linkIndex(operation.dev));
  return request(message.new, change | flags.create | flags.replace, head, [
    [attribute.local, bytesOf(address)],
    [attribute.address, bytesOf(address)],
    [attribute.flags, u32(bits)],
  ]);
}

export function encodeAddressDelete(dev: string, text: string, resolve: Resolver): Request {
  const { address, length } = requireInterfaceAddress(text);
  const head = header(address.family, length, 0, resolve.linkIndex(dev));
  return request(message.delete, change, head, [[attribute.local, bytesOf(address)]]);
}

export function encodeAddressDump(): Request {
  return request(message.get, flags.request | flags.dump, new Uint8Array(8), []);
}

export function decodeLinkAddress(body: Uint8Array): LinkAddress | undefined {
  const family = familyOf(body[0]);
  const length = body[1];
  if (body.length < 8 || family === undefined || length === undefined || length > bitsOf(family))
    return undefined;
  const view = viewOf(body);
  const attributes = decodeAttributes(body, 8);
  const address = decodeAddress(attributes.get(attribute.local) ?? attributes.get(attribute.address));
  if (address === undefined) return undefined;
  const bits = readU32(attributes.get(attribute.flags)) ?? view.getUint8(2);
  return {
    index: view.getUint32(4, true),
    family,
    address: `${address}/${length}`,
    scope: scopeOf(view.getUint8(3)),
    label: readText(attributes.get(attribute.label)),
    tentative: (bits & addressFlag.tentative) !== 0,
    duplicate: (bits & addressFlag.duplicate) !== 0,
  };
}

/** struct ifaddrmsg */
function header(family: Family, length: number, scope: number, index: number): Uint8Array {
  const bytes = new Uint8Array(8);
  bytes.set([familyNumber(family), length, 0, scope]);
  viewOf(bytes).setUint32(4, index, true);
  return bytes;
}
