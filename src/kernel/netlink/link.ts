import { FairleadError } from '../../base/errors.ts';
import { parseAddress } from '../../base/ip.ts';
import { linkGroups } from '../contract.ts';
import type { LinkAdd, LinkSet, VethPeer } from './operation.ts';
import { flags, request } from './request.ts';
import type { Request, Resolver } from './request.ts';
import { decodeAddress, decodeMac, encodeAddress, encodeMac, requireName } from './values.ts';
import {
  decodeAttributes,
  encodeBody,
  listAttributes,
  nested,
  optional,
  readText,
  readU16,
  readU32,
  readU8,
  text,
  u16,
  u32,
  u8,
  viewOf,
} from './wire.ts';
import type { Attribute } from './wire.ts';

export interface Link {
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge`, `vxlan`, `tun`, …; undefined for loopback and hardware. */
  readonly kind: string | undefined;
  readonly mac: string | undefined;
  readonly mtu: number;
  /** Administratively up. */
  readonly up: boolean;
  /** The carrier is there. */
  readonly running: boolean;
  /** The index of the bridge that it belongs to. */
  readonly master: number | undefined;
  /** The index of the other end (veth) or of the link below (vxlan), in the namespace `peerNamespace` tells of. */
  readonly peerIndex: number | undefined;
  /** The other end is in another namespace. */
  readonly peerElsewhere: boolean;
  readonly alias: string | undefined;
  readonly altNames: readonly string[];
  readonly vxlan: VxlanState | undefined;
}

export interface VxlanState {
  readonly id: number;
  readonly port: number;
  readonly local: string | undefined;
  readonly learning: boolean;
}

/** <linux/if_link.h> */
const attribute = {
  mac: 1,
  name: 3,
  mtu: 4,
  link: 5,
  master: 10,
  linkInfo: 18,
  alias: 20,
  familySpecific: 26,
  group: 27,
  namespaceFd: 28,
  extendedMask: 29,
  linkNamespaceId: 37,
  properties: 52,
  altName: 53,
} as const;
const infoKind = 1;
const infoData = 2;
const vethPeer = 1;
const bridgeAttribute = { forwardDelay: 1, multicastSnooping: 23 } as const;
const vxlanAttribute = { id: 1, link: 3, local: 4, learning: 7, port: 15, local6: 17 } as const;
const inet6AddressGeneration = 8;
const afInet6 = 10;
const flagUp = 1;
const flagRunning = 0x40;
const skipStatistics = 8;

export const linkMessage = { new: 16, delete: 17, get: 18, set: 19 } as const;
const change = flags.request | flags.acknowledge;

/**
 * Several messages for one operation: the kernel takes aliases and address generation only for links that exist, and
 * brings a link up before it looks at the latter.
 */
export function encodeLinkAdd(operation: LinkAdd, resolve: Resolver): readonly Request[] {
  const { name, namespace, alias, linkLocal, up } = operation;
  if (namespace !== undefined && (alias ?? linkLocal) !== undefined) {
    throw new FairleadError(
      'kernel/netlink-operation',
      `The link ${name} is made in another network namespace`,
      {
        hint: 'Set its alias and its link-local address with a socket of that namespace',
      },
    );
  }
  const atOnce = namespace === undefined ? undefined : up;
  const create = request(linkMessage.new, change | flags.create | flags.exclusive, header(0, atOnce), [
    [attribute.name, text(requireName(name))],
    ...settings(operation),
    optional(attribute.master, operation.master, master => u32(resolve.linkIndex(master))),
    optional(attribute.namespaceFd, namespace, path => u32(resolve.namespaceFd(path))),
    [attribute.linkInfo, nested([[infoKind, text(operation.kind)], kindData(operation, resolve)])],
  ]);
  if (namespace !== undefined) return [create];
  return [create, ...laterSettings(name, { alias, linkLocal, up })];
}

export function encodeLinkSet(operation: LinkSet, resolve: Resolver): readonly Request[] {
  const { dev, alias, linkLocal, up } = operation;
  const index = resolve.linkIndex(dev);
  const attributes = [
    optional(attribute.name, operation.name, name => text(requireName(name))),
    ...settings(operation),
    optional(attribute.alias, alias, text),
    optional(attribute.familySpecific, linkLocal, encodeLinkLocal),
    optional(attribute.master, operation.master, master =>
      u32(master === null ? 0 : resolve.linkIndex(master)),
    ),
  ];
  const requests: Request[] = [];
  if (attributes.some(one => one !== undefined)) {
    requests.push(request(linkMessage.set, change, header(index), attributes));
  }
  if (up !== undefined) requests.push(request(linkMessage.set, change, header(index, up), []));
  if (operation.namespace !== undefined) {
    const fd = u32(resolve.namespaceFd(operation.namespace));
    requests.push(request(linkMessage.set, change, header(index), [[attribute.namespaceFd, fd]]));
  }
  return requests;
}

export function encodeLinkDelete(dev: string): Request {
  return request(linkMessage.delete, change, header(0), [[attribute.name, text(requireName(dev))]]);
}

/** Each joins the group, by its name, and then the group goes. */
export function encodeLinksDelete(devs: readonly string[]): readonly Request[] {
  const group: Attribute = [attribute.group, u32(linkGroups.deletion)];
  const join = (dev: string) =>
    request(linkMessage.set, change, header(0), [[attribute.name, text(requireName(dev))], group]);
  return [...devs.map(join), request(linkMessage.delete, change, header(0), [group])];
}

/** A dump of all links, or the one of that name. */
export function encodeLinkGet(name?: string): Request {
  const kind = name === undefined ? flags.request | flags.dump : flags.request;
  return request(linkMessage.get, kind, header(0), [
    optional(attribute.name, name, text),
    [attribute.extendedMask, u32(skipStatistics)],
  ]);
}

/** Undefined for a message that is cut off, or of another family (bridges send their own). */
export function decodeLink(body: Uint8Array): Link | undefined {
  if (body.length < 16 || body[0] !== 0) return undefined;
  const view = viewOf(body);
  const attributes = decodeAttributes(body, 16);
  const name = readText(attributes.get(attribute.name));
  if (name === undefined) return undefined;
  const info = decodeAttributes(attributes.get(attribute.linkInfo) ?? new Uint8Array(0), 0);
  const kind = readText(info.get(infoKind));
  const linkFlags = view.getUint32(8, true);
  return {
    index: view.getInt32(4, true),
    name,
    kind,
    mac: decodeMac(attributes.get(attribute.mac)),
    mtu: readU32(attributes.get(attribute.mtu)) ?? 0,
    up: (linkFlags & flagUp) !== 0,
    running: (linkFlags & flagRunning) !== 0,
    master: readU32(attributes.get(attribute.master)),
    peerIndex: readU32(attributes.get(attribute.link)),
    peerElsewhere: attributes.has(attribute.linkNamespaceId),
    alias: readText(attributes.get(attribute.alias)),
    altNames: decodeAltNames(attributes.get(attribute.properties)),
    vxlan: kind === 'vxlan' ? decodeVxlan(info.get(infoData)) : undefined,
  };
}

function laterSettings(
  name: string,
  later: { alias: string | undefined; linkLocal: LinkSet['linkLocal']; up: boolean | undefined },
): Request[] {
  const requests: Request[] = [];
  const set = (up: boolean | undefined, attributes: readonly (Attribute | undefined)[]) =>
    requests.push(
      request(linkMessage.set, change, header(0, up), [[attribute.name, text(name)], ...attributes]),
    );
  if (later.alias !== undefined || later.linkLocal !== undefined) {
    set(undefined, [
      optional(attribute.alias, later.alias, text),
      optional(attribute.familySpecific, later.linkLocal, encodeLinkLocal),
    ]);
  }
  if (later.up !== undefined) set(later.up, []);
  return requests;
}

function kindData(operation: LinkAdd, resolve: Resolver): Attribute | undefined {
  switch (operation.kind) {
    case 'veth':
      return [infoData, nested([[vethPeer, encodePeer(operation.peer, resolve)]])];
    case 'bridge': {
      const { forwardDelay, multicastSnooping } = operation;
      const data = [
        optional(bridgeAttribute.forwardDelay, forwardDelay, u32),
        optional(bridgeAttribute.multicastSnooping, multicastSnooping, on => u8(on ? 1 : 0)),
      ];
      return [infoData, nested(data)];
    }
    case 'vxlan': {
      const local6 = operation.local !== undefined && parseAddress(operation.local)?.family === 6;
      const data = [
        [vxlanAttribute.id, u32(operation.id)] as const,
        [vxlanAttribute.port, u16(operation.port, 'network')] as const,
        [vxlanAttribute.learning, u8(operation.learning === true ? 1 : 0)] as const,
        optional(local6 ? vxlanAttribute.local6 : vxlanAttribute.local, operation.local, encodeAddress),
        optional(vxlanAttribute.link, operation.underlay, underlay => u32(resolve.linkIndex(underlay))),
      ];
      return [infoData, nested(data)];
    }
    case 'dummy':
    case 'ifb':
      return undefined;
  }
}

function encodePeer(peer: VethPeer, resolve: Resolver): Uint8Array {
  return encodeBody(header(0), [
    [attribute.name, text(requireName(peer.name))],
    ...settings(peer),
    optional(attribute.namespaceFd, peer.namespace, path => u32(resolve.namespaceFd(path))),
  ]);
}

function settings(of: { readonly mtu?: number; readonly mac?: string }): readonly (Attribute | undefined)[] {
  return [optional(attribute.mtu, of.mtu, u32), optional(attribute.mac, of.mac, encodeMac)];
}

function encodeLinkLocal(mode: 'eui64' | 'none'): Uint8Array {
  const value = u8(mode === 'none' ? 1 : 0);
  return nested([[afInet6, nested([[inet6AddressGeneration, value]])]]);
}

/** struct ifinfomsg */
function header(index: number, up?: boolean): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = viewOf(bytes);
  view.setInt32(4, index, true);
  view.setUint32(8, up === true ? flagUp : 0, true);
  view.setUint32(12, up === undefined ? 0 : flagUp, true);
  return bytes;
}

function decodeAltNames(bytes: Uint8Array | undefined): readonly string[] {
  if (bytes === undefined) return [];
  return listAttributes(bytes, 0)
    .filter(([type]) => type === attribute.altName)
    .map(([, value]) => readText(value) ?? '');
}

function decodeVxlan(bytes: Uint8Array | undefined): VxlanState | undefined {
  if (bytes === undefined) return undefined;
  const data = decodeAttributes(bytes, 0);
  const id = readU32(data.get(vxlanAttribute.id));
  const port = readU16(data.get(vxlanAttribute.port), 'network');
  if (id === undefined || port === undefined) return undefined;
  return {
    id,
    port,
    local: decodeAddress(data.get(vxlanAttribute.local) ?? data.get(vxlanAttribute.local6)),
    learning: readU8(data.get(vxlanAttribute.learning)) === 1,
  };
}
