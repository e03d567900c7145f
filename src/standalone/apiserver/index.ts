export { startApiServer } from './server.ts';
export type { ApiServer, ApiServerOptions, Listener } from './server.ts';
