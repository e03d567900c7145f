/** NetworkPolicy of one node: the engine that decides and explains, and its enforcement in the kernel. */
export { PolicyNode } from './policy-node.ts';
export { policyMetrics } from './metrics.ts';
export type { PolicyChange } from './policy-feed.ts';
export type { Assignment, PolicyNodeOptions, PolicyStatus } from './policy-node.ts';
export type { HeldName, NameAnswer } from './domain-holds.ts';
export { askedChain, passedPrefix } from './compile-nft.ts';
export type { PolicyCounter } from './apply-counters.ts';
export { compileReach } from './compile-reach.ts';
export type { Reach } from './compile-reach.ts';
export { buildPolicyModel } from './compile-objects.ts';
export type { PolicyObjects } from './compile-objects.ts';
export { auditAnnotation } from './compile-policy.ts';
export { decide as decidePolicy, protocolOf } from './decide.ts';
export type { Change, DirectionVerdict, Flow, Miss, RuleTrace, Verdict } from './decide.ts';
export type { Policy, PolicyModel, PolicyPod } from './model.ts';
