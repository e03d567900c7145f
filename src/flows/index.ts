/** What happened to connections: events joined to why. */
export type { ReportedPacket } from './ends.ts';
export { explainDrop } from './explain-drop.ts';
export { explainPass } from './explain-pass.ts';
export { numberOf } from './flow-filter.ts';
export type { FlowFilter } from './flow-filter.ts';
export { flowOfEvent } from './flow-of-event.ts';
export { joinRequests, readRequests } from './join-requests.ts';
export type { LoggedRequest } from './join-requests.ts';
export { FlowStore } from './flow-store.ts';
export { FlowExporter } from './flow-exporter.ts';
export type { Reception } from './flow-exporter.ts';
export { compileOtlpLogs } from './compile-otlp.ts';
export { flowMetrics } from './metrics.ts';
