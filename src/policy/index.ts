/** NetworkPolicy of one node: the engine that decides and explains, and its enforcement in the kernel. */
export { PolicyNode } from './policy-node.ts';
export type { Assignment, PolicySources, PolicyStatus } from './policy-node.ts';
