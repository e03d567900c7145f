/** Network namespaces: made and named as `ip netns` does, entered by one thread for one synchronous moment. */
export { inNamespace } from './enter.ts';
export { createNamespace, deleteNamespace, listNamespaces, namespacePath } from './named.ts';
export { inScratchNamespace } from './scratch.ts';
export { bindUdpIn, connectIn, listenIn } from './sockets.ts';
export type { ConnectOptions, ListenOptions } from './sockets.ts';
export { namespaceCookie, namespacesOf } from './of-processes.ts';
export { spawnIn } from './spawn.ts';
