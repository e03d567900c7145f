/** Moves that a platform makes, prepared and proven on models: pure. */
export { proveProposal } from './default-deny/prove.ts';
export type { Proof } from './default-deny/prove.ts';
export { proposeDefaultDeny } from './default-deny/propose.ts';
export type { DefaultDenyObjects, Proposal } from './default-deny/propose.ts';
