import type { Family } from '../../base/ip.ts';
import { bytesOf } from '../../base/ip.ts';
import { routing } from '../contract.ts';
import type { ForwardingDelete, ForwardingReplace, NeighbourReplace, ProxyEntry } from './operation.ts';
import { flags, request } from './request.ts';
import type { Request, Resolver } from './request.ts';
import {
  bridgeFamily,
  decodeAddress,
  decodeMac,
  encodeAddress,
  encodeMac,
  familyNumber,
  familyOf,
  requireAddress,
} from './values.ts';
import { decodeAttributes, encodeBody, optional, readU32, readU8, u8, viewOf } from './wire.ts';

/** Who has an address on a link: ARP (RFC 826) and neighbour discovery (RFC 4861) alike. */
export interface Neighbour {
  readonly index: number;
  readonly family: Family;
  readonly address: string;
  readonly mac: string | undefined;
  readonly state:
    | 'permanent'
    | 'reachable'
    | 'stale'
    | 'noarp'
    | 'delay'
    | 'probe'
    | 'incomplete'
    | 'failed'
    | 'none';
  readonly protocol: number;
}

/** An address that is answered for on a link without being one of the node's own. */
export interface Proxy {
  readonly index: number;
  readonly address: string;
  readonly protocol: number;
}

/** Behind which port of a bridge, or which far end of a VXLAN link, a MAC address is. */
export interface ForwardingEntry {
  readonly index: number;
  readonly mac: string;
  readonly via: string | undefined;
  readonly permanent: boolean;
  /** The bridge that it belongs to. */
  readonly master: number | undefined;
}

/** <linux/neighbour.h> */
const attribute = { dst: 1, mac: 2, master: 9, protocol: 12 } as const;
const states = {
  incomplete: 1,
  reachable: 2,
  stale: 4,
  delay: 8,
  probe: 16,
  failed: 32,
  noarp: 64,
  permanent: 128,
} as const;
const flagSelf = 2;
const flagMaster = 4;
const flagProxy = 8;
const message = { new: 28, delete: 29, get: 30 } as const;
const change = flags.request | flags.acknowledge;

export function encodeNeighbourReplace(neighbour: NeighbourReplace, resolve: Resolver): Request {
  const { family } = requireAddress(neighbour.address);
  const state = states[neighbour.state ?? 'permanent'];
  const head = header(familyNumber(family), resolve.linkIndex(neighbour.dev), state, 0);
  return request(message.new, change | flags.create | flags.replace, head, [
    [attribute.dst, encodeAddress(neighbour.address)],
    [attribute.mac, encodeMac(neighbour.mac)],
    [attribute.protocol, u8(neighbour.protocol ?? routing.protocol)],
  ]);
}

export function encodeNeighbourDelete(dev: string, text: string, resolve: Resolver): Request {
  const address = requireAddress(text);
  const head = header(familyNumber(address.family), resolve.linkIndex(dev), 0, 0);
  return request(message.delete, change, head, [[attribute.dst, bytesOf(address)]]);
}

export function encodeProxy(entry: ProxyEntry, resolve: Resolver): Request {
  const address = requireAddress(entry.address);
  const head = header(familyNumber(address.family), resolve.linkIndex(entry.dev), 0, flagProxy);
  const attributes = [[attribute.dst, bytesOf(address)] as const];
  return entry.do === 'proxy-delete'
    ? request(message.delete, change, head, attributes)
    : request(message.new, change | flags.create | flags.replace, head, [
        ...attributes,
        [attribute.protocol, u8(routing.protocol)],
      ]);
}

export function encodeForwardingReplace(entry: ForwardingReplace, resolve: Resolver): Request {
  const mode = entry.append === true ? flags.append : flags.replace;
  const owner = entry.ofBridge === true ? flagMaster : flagSelf;
  const head = header(bridgeFamily, resolve.linkIndex(entry.dev), states.permanent | states.noarp, owner);
  return request(message.new, change | flags.create | mode, head, [
    [attribute.mac, encodeMac(entry.mac)],
    optional(attribute.dst, entry.via, encodeAddress),
  ]);
}

export function encodeForwardingDelete(entry: ForwardingDelete, resolve: Resolver): Request {
  const owner = entry.ofBridge === true ? flagMaster : flagSelf;
  return request(message.delete, change, header(bridgeFamily, resolve.linkIndex(entry.dev), 0, owner), [
    [attribute.mac, encodeMac(entry.mac)],
    optional(attribute.dst, entry.via, encodeAddress),
  ]);
}

export function encodeNeighbourDump(): Request {
  return request(message.get, flags.request | flags.dump, encodeBody(new Uint8Array(12), []), []);
}

export function encodeProxyDump(): Request {
  return request(message.get, flags.request | flags.dump, header(0, 0, 0, flagProxy), []);
}

export function encodeForwardingDump(): Request {
  return request(message.get, flags.request | flags.dump, header(bridgeFamily, 0, 0, 0), []);
}

export function decodeNeighbour(body: Uint8Array): Neighbour | undefined {
  const family = familyOf(body[0]);
  if (body.length < 12 || family === undefined) return undefined;
  const attributes = decodeAttributes(body, 12);
  const address = decodeAddress(attributes.get(attribute.dst));
  if (address === undefined) return undefined;
  return {
    index: viewOf(body).getInt32(4, true),
    family,
    address,
    mac: decodeMac(attributes.get(attribute.mac)),
    state: stateOf(viewOf(body).getUint16(8, true)),
    protocol: readU8(attributes.get(attribute.protocol)) ?? 0,
  };
}

export function decodeProxy(body: Uint8Array): Proxy | undefined {
  if (body.length < 12 || ((body[10] ?? 0) & flagProxy) === 0) return undefined;
  const attributes = decodeAttributes(body, 12);
  const address = decodeAddress(attributes.get(attribute.dst));
  if (address === undefined) return undefined;
  return {
    index: viewOf(body).getInt32(4, true),
    address,
    protocol: readU8(attributes.get(attribute.protocol)) ?? 0,
  };
}

export function decodeForwardingEntry(body: Uint8Array): ForwardingEntry | undefined {
  if (body.length < 12 || body[0] !== bridgeFamily) return undefined;
  const attributes = decodeAttributes(body, 12);
  const mac = decodeMac(attributes.get(attribute.mac));
  if (mac === undefined) return undefined;
  return {
    index: viewOf(body).getInt32(4, true),
    mac,
    via: decodeAddress(attributes.get(attribute.dst)),
    permanent: (viewOf(body).getUint16(8, true) & states.permanent) !== 0,
    master: readU32(attributes.get(attribute.master)),
  };
}

/** struct ndmsg */
function header(family: number, index: number, state: number, entryFlags: number): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = viewOf(bytes);
  view.setUint8(0, family);
  view.setInt32(4, index, true);
  view.setUint16(8, state, true);
  view.setUint8(10, entryFlags);
  return bytes;
}

function stateOf(bits: number): Neighbour['state'] {
  const found = Object.entries(states).find(([, bit]) => (bits & bit) !== 0);
  // The keys of `states` are names of the state.
  return found === undefined ? 'none' : (found[0] as keyof typeof states);
}
