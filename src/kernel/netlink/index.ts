/** Netlink by a codec of our own: links, addresses, routes, rules, neighbours, forwarding entries; tracked connections. */
export { RouteSocket } from './socket.ts';
export { ConntrackSocket } from './conntrack-socket.ts';
export { SocketDiagnosis } from './socket-diagnosis.ts';
export { NftElementSocket } from './nft-element-socket.ts';
export type { NftElementChange } from './nft-element-change.ts';
export type { Request as NftElementRequest } from './request.ts';
export { NftCounterSocket } from './nft-counter-socket.ts';
export type { NftCounterPlace } from './nft-counter-socket.ts';
export type { NftCounter } from './nft-counters.ts';
export { matchesConnection } from './conntrack.ts';
export type { Connection, ConnectionFilter, ConnectionMark, ConnectionTuple } from './conntrack.ts';
export { NetlinkError } from './error.ts';
export { describeOperation } from './operation.ts';
export type {
  AddressAdd,
  ForwardingDelete,
  ForwardingReplace,
  LinkAdd,
  LinkSet,
  LinksDelete,
  NeighbourReplace,
  ProxyEntry,
  RouteDelete,
  RouteKey,
  RouteOperation,
  RouteReplace,
  RuleAdd,
  RuleDelete,
  RuleKey,
  Scope,
  VethPeer,
  VxlanSettings,
} from './operation.ts';
export type { LinkAddress } from './address.ts';
export type { Link, VxlanState } from './link.ts';
export type { ForwardingEntry, Neighbour, Proxy } from './neighbour.ts';
export type { Route, RouteType } from './route.ts';
export type { Rule } from './rule.ts';
export { NftTableSocket } from './nft-table-socket.ts';
export type { ElementTypes } from './nft-dump.ts';
