/** The way of one request through the models: what decides it at each hop, and what would have to change. */
export type { ClusterFacts, TraceObjects } from './cluster.ts';
export { compareTrace } from './compare.ts';
export type { Finding } from './compare.ts';
export type * from './hops.ts';
export type * from './observed.ts';
export type { HttpTarget, Origin, Target } from './request.ts';
export { explainGateways } from './explain-gateways.ts';
export type { ExplainedGateways } from './explain-gateways.ts';
export { traceObjectsOf } from './manifest-objects.ts';
export { traceRequest } from './trace-request.ts';
