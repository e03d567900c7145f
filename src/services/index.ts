/** Services of one node: where each cluster address leads, in the kernel and in words. */
export { ServiceNetwork } from './service-network.ts';
export type {
  ServiceCounts,
  ServiceNetworkOptions,
  ServicePlace,
  ServiceReport,
  ServiceSource,
} from './service-network.ts';
export type { FrontendCounters } from './apply-counters.ts';
export type { ServiceKernel } from './apply-nft.ts';
export { Announcements } from './apply-announce.ts';
export type { AnnouncingKernel, AnnouncingLink } from './apply-announce.ts';
export { announcerOf, isBalancedByUs, readCandidate } from './compile-announcer.ts';
export type { Candidate } from './compile-announcer.ts';
export { nodeAddressesOf } from './node-addresses.ts';
export { buildServiceModel, serviceOf } from './compile-model.ts';
export { decideService } from './decide.ts';
export { ServiceMetrics } from './metrics.ts';
export type { Client, ServiceDecision } from './decide.ts';
export type { Endpoint, Exposure, Frontend, ServiceModel, TrafficPolicy, WeightedService } from './model.ts';
export { SocketTranslation } from './apply-ebpf.ts';
export { SocketServices } from './apply-ebpf-services.ts';
export { SERVICE_MODE, decideMode, modeProbes, serviceModes, wishOf } from './mode.ts';
export type { ModeDecision, ServiceModeWish } from './mode.ts';
