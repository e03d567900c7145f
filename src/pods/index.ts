/** Pod networking of one node: addresses, wiring, routes to other nodes, masquerade, and the CNI protocol. */
export { CniPlugin } from './cni/plugin.ts';
export type { CniAnswer, CniPluginOptions } from './cni/plugin.ts';
export type { PodGate, PodSource } from './cni/gate.ts';
export { serveCni } from './cni/server.ts';
export type { CniServer } from './cni/server.ts';
export { createQueue, readQueue, removeFromQueue } from './cni/release-queue.ts';
export { supportedVersions } from './cni/version.ts';
export { Ipam } from './ipam/ipam.ts';
export type { Allocation } from './ipam/ipam.ts';
export { hostInterfaceOf } from './attachment.ts';
export { podMetrics } from './metrics.ts';
export { PodNetwork } from './pod-network.ts';
export type { PodNetworkOptions, ReconcileReport } from './pod-network.ts';
export { readNode } from './model.ts';
export { vxlanOf, wayTo } from './compile-peers.ts';
export type { Way } from './compile-peers.ts';
export type { NetworkProgram } from './compile-program.ts';
export type { Attachment, AttachmentKey, NodeNetwork, PodReference, Problem, Uplink } from './model.ts';
