/** Cluster DNS: the names of Services, endpoints and pods, answered on every node. */
export { leaveUntracked, takeAddresses } from './apply-node.ts';
export { ClusterNames } from './compile-cluster.ts';
export { buildClusterNames, decideName } from './compile-objects.ts';
export { dnsAddressesOf } from './compile-zone.ts';
export { loadConfig, watchConfig } from './config/load-config.ts';
export type { Upstream } from './config/config.ts';
export { parseUpstream } from './config/read-config.ts';
export type { Decision } from './decide.ts';
export { DnsMetrics } from './metrics.ts';
export { ClusterServer, monotonic } from './serve-cluster.ts';
export type { DnsCounts } from './server/dns-server.ts';
export { serverLabel } from './server/dns-server.ts';
export { startHttpServer } from './server/http-server.ts';
export { NameGate } from './server/name-gate.ts';
export { defaultForm, writeSnapshot } from './server/snapshot.ts';
export { TopNames } from './server/top-names.ts';
export type { TopReport } from './server/top-names.ts';
