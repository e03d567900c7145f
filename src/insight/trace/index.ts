/** The way of one request through the models: what decides it at each hop, and what would have to change. */
export type { ClusterFacts, TraceObjects } from './cluster.ts';
export type * from './hops.ts';
export type { HttpTarget, Origin, Target } from './request.ts';
export { traceRequest } from './trace-request.ts';
