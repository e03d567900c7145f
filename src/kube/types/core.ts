/** The core group, version v1: one import for what a block reads. */
export type { ConfigMap, Namespace, NamespaceStatus, Secret, ServiceAccount } from './config.ts';
export type * from './container.ts';
export type * from './event.ts';
export type * from './node.ts';
export type * from './pod-status.ts';
export type * from './pod.ts';
export type * from './reference.ts';
export type * from './scheduling.ts';
export type * from './security-context.ts';
export type * from './service.ts';
export type * from './volume.ts';
