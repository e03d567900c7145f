/** What happened to connections: events joined to why. */
export { explainDrop } from './explain-drop.ts';
export type { DroppedPacket } from './explain-drop.ts';
export { numberOf } from './flow-filter.ts';
export type { FlowFilter } from './flow-filter.ts';
export { FlowRing } from './flow-ring.ts';
