/** Services of one node: where each cluster address leads, in the kernel and in words. */
export { ServiceNetwork } from './service-network.ts';
export type {
  ServiceCounts,
  ServiceNetworkOptions,
  ServiceReport,
  ServiceSource,
} from './service-network.ts';
export type { ServiceKernel } from './apply-nft.ts';
export { buildServiceModel, serviceOf } from './compile-model.ts';
export { decideService } from './decide.ts';
export type { ServiceDecision } from './decide.ts';
export type { Endpoint, Frontend, ServiceModel } from './model.ts';
