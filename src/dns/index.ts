/** Cluster DNS: the names of Services, endpoints and pods, answered on every node. */
export { leaveUntracked, takeAddresses } from './apply-node.ts';
export { ClusterNames } from './compile-cluster.ts';
export { buildClusterNames, decideName } from './compile-objects.ts';
export { dnsAddressesOf } from './compile-zone.ts';
export type { Decision } from './decide.ts';
export { followCluster } from './follow-cluster.ts';
export { startDnsServer } from './server/dns-server.ts';
export type { DnsCounts } from './server/dns-server.ts';
export type { Upstream } from './server/forwarder.ts';
export { readSnapshot, writeSnapshot } from './server/snapshot.ts';
