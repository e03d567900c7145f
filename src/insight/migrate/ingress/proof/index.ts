/** The proof of a move: both sides are asked the same, and each difference is announced or a failure. Pure. */
export { readAccessLog } from './access-log.ts';
export { liveLines, proveLive } from './live.ts';
export type { AskGateway, GatewayAnswer } from './live.ts';
export { prove } from './prove.ts';
export type { Proof, ProofOptions, ProvenDifference } from './prove.ts';
export { proofLines } from './words.ts';
