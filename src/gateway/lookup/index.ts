/** A route table, indexed, and the look-up of a request in it: one for the proxy and for its explanation. */
export { hostnameOf } from './hostname.ts';
export { listenerFor, lookUp } from './look-up.ts';
export { wholeMatcher } from './match-values.ts';
export { RuleIndex } from './rule-index.ts';
export { normaliseTarget } from './normalise-target.ts';
export type { Target } from './normalise-target.ts';
export type { Lookup, LookupRequest } from './model.ts';
export { LiveTable } from './live-table.ts';
export { indexTable } from './table-index.ts';
export type { ListenerIndex, PortIndex, PortsIndex, TableIndex } from './table-index.ts';
