import type { Family } from '../../base/ip.ts';
import { bytesOf } from '../../base/ip.ts';
import { routing } from '../contract.ts';
import { scopeNumber, scopeOf } from './address.ts';
import type { RouteDelete, RouteReplace, Scope } from './operation.ts';
import { flags, request } from './request.ts';
import type { Request, Resolver } from './request.ts';
import {
  decodeAddress,
  decodePrefix,
  encodeAddress,
  familyNumber,
  familyOf,
  requireAddress,
  requirePrefix,
} from './values.ts';
import {
  decodeAttributes,
  encodeBody,
  listAttributes,
  nested,
  optional,
  readU32,
  u16,
  u32,
  viewOf,
} from './wire.ts';
import type { Attribute } from './wire.ts';

export type RouteType =
  | 'unicast'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast'
  | 'blackhole'
  | 'unreachable'
  | 'prohibit'
  | 'throw';

export interface Route {
  readonly family: Family;
  readonly dst: string;
  readonly type: RouteType | number;
  readonly table: number;
  readonly protocol: number;
  readonly scope: Scope | number;
  readonly metric: number | undefined;
  /** The outgoing link's index. */
  readonly index: number | undefined;
  readonly via: string | undefined;
  readonly onlink: boolean;
  readonly src: string | undefined;
  readonly mtu: number | undefined;
  readonly advmss: number | undefined;
  /** More than one next hop: then `index` and `via` are undefined. */
  readonly nextHops: readonly { readonly index: number; readonly via: string | undefined }[];
}

const attribute = {
  dst: 1,
  oif: 4,
  gateway: 5,
  metric: 6,
  src: 7,
  metrics: 8,
  multipath: 9,
  table: 15,
  via: 18,
} as const;
const metric = { mtu: 2, advmss: 8 } as const;
const typeNames: readonly RouteType[] = [
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
];
const flagOnlink = 4;
/** An entry of the routing cache or of a redirect, not of a table. */
const flagCloned = 0x200;
const mainTable = 254;
const message = { new: 24, delete: 25, get: 26 } as const;
const change = flags.request | flags.acknowledge;

export function encodeRouteReplace(route: RouteReplace, resolve: Resolver): Request {
  const type = route.type ?? 'unicast';
  const scope =
    route.scope ??
    (type === 'local' ? 'host' : route.via === undefined && type === 'unicast' ? 'link' : 'global');
  const head = header(route, {
    type,
    // IPv6 knows no scopes of routes.
    scope: requirePrefix(route.dst).family === 6 ? 0 : scopeNumber(scope),
    protocol: route.protocol ?? routing.protocol,
    onlink: route.onlink === true,
  });
  const metrics = [optional(metric.mtu, route.mtu, u32), optional(metric.advmss, route.advmss, u32)];
  return request(message.new, change | flags.create | flags.replace, head, [
    ...keyAttributes(route),
    ...hop(route, resolve),
    optional(attribute.src, route.src, encodeAddress),
    metrics.some(one => one !== undefined) ? [attribute.metrics, nested(metrics)] : undefined,
  ]);
}

/** Protocol 0 and scope "nowhere" match any. */
export function encodeRouteDelete(route: RouteDelete, resolve: Resolver): Request {
  const scope = requirePrefix(route.dst).family === 6 ? 0 : scopeNumber('nowhere');
  const head = header(route, { type: route.type, scope, protocol: 0, onlink: false });
  return request(message.delete, change, head, [...keyAttributes(route), ...hop(route, resolve)]);
}

export function encodeRouteDump(family: Family): Request {
  return request(
    message.get,
    flags.request | flags.dump,
    encodeBody(Uint8Array.of(familyNumber(family), ...new Uint8Array(11)), []),
    [],
  );
}

export function decodeRoute(body: Uint8Array): Route | undefined {
  const family = familyOf(body[0]);
  if (body.length < 12 || family === undefined) return undefined;
  const view = viewOf(body);
  const attributes = decodeAttributes(body, 12);
  const routeFlags = view.getUint32(8, true);
  const dst = decodePrefix(attributes.get(attribute.dst), family, view.getUint8(1));
  if (dst === undefined || (routeFlags & flagCloned) !== 0) return undefined;
  const metrics = decodeAttributes(attributes.get(attribute.metrics) ?? new Uint8Array(0), 0);
  return {
    family,
    dst,
    type: typeNames[view.getUint8(7) - 1] ?? view.getUint8(7),
    table: readU32(attributes.get(attribute.table)) ?? view.getUint8(4),
    protocol: view.getUint8(5),
    scope: scopeOf(view.getUint8(6)),
    metric: readU32(attributes.get(attribute.metric)),
    index: readU32(attributes.get(attribute.oif)),
    via: decodeGateway(attributes),
    onlink: (routeFlags & flagOnlink) !== 0,
    src: decodeAddress(attributes.get(attribute.src)),
    mtu: readU32(metrics.get(metric.mtu)),
    advmss: readU32(metrics.get(metric.advmss)),
    nextHops: decodeNextHops(attributes.get(attribute.multipath)),
  };
}

function keyAttributes(route: RouteReplace | RouteDelete): readonly (Attribute | undefined)[] {
  const dst = requirePrefix(route.dst);
  return [
    dst.length === 0 ? undefined : [attribute.dst, bytesOf(dst)],
    [attribute.table, u32(route.table ?? mainTable)],
    optional(attribute.metric, route.metric, u32),
  ];
}

function hop(route: RouteReplace | RouteDelete, resolve: Resolver): readonly (Attribute | undefined)[] {
  return [
    optional(attribute.oif, route.dev, dev => u32(resolve.linkIndex(dev))),
    route.via === undefined ? undefined : encodeGateway(route.via, requirePrefix(route.dst).family),
  ];
}

/** A next hop of the other family has an attribute of its own (struct rtvia). */
function encodeGateway(via: string, family: Family): Attribute {
  const address = requireAddress(via);
  if (address.family === family) return [attribute.gateway, bytesOf(address)];
  return [attribute.via, Uint8Array.of(...u16(familyNumber(address.family)), ...bytesOf(address))];
}

function decodeGateway(attributes: ReadonlyMap<number, Uint8Array>): string | undefined {
  return (
    decodeAddress(attributes.get(attribute.gateway)) ??
    decodeAddress(attributes.get(attribute.via)?.subarray(2))
  );
}

/** struct rtnexthop, one after the other, each with attributes of its own. */
function decodeNextHops(bytes: Uint8Array | undefined): Route['nextHops'] {
  const hops: { index: number; via: string | undefined }[] = [];
  if (bytes === undefined) return hops;
  const view = viewOf(bytes);
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < 8 || at + length > bytes.length) break;
    const attributes = new Map(listAttributes(bytes.subarray(at, at + length), 8));
    hops.push({ index: view.getInt32(at + 4, true), via: decodeGateway(attributes) });
    at += (length + 3) & ~3;
  }
  return hops;
}

/** struct rtmsg */
function header(
  route: RouteReplace | RouteDelete,
  rest: { type: RouteReplace['type']; scope: number; protocol: number; onlink: boolean },
): Uint8Array {
  const dst = requirePrefix(route.dst);
  const table = route.table ?? mainTable;
  const type = rest.type === undefined ? 0 : typeNames.indexOf(rest.type) + 1;
  const bytes = new Uint8Array(12);
  bytes.set([
    familyNumber(dst.family),
    dst.length,
    0,
    0,
    table < 256 ? table : 0,
    rest.protocol,
    rest.scope,
    type,
  ]);
  viewOf(bytes).setUint32(8, rest.onlink ? flagOnlink : 0, true);
  return bytes;
}
