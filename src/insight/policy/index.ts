/** What policies allow, for people: who may speak to whom, why, and whether it is what they expect. */
export { readManifestObjects } from './cluster.ts';
export { checkAssertions, explainPolicy, readAssertions } from './check.ts';
export type { CheckedAssertion } from './check.ts';
export { shadowReport, withCandidate } from './shadow.ts';
export type { ShadowDifference, ShadowReport } from './shadow.ts';
export { policyMatrix } from './matrix.ts';
export type { MatrixCell } from './matrix.ts';
