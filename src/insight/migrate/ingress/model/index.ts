/** Ingress NGINX as an executable model: what it does with a request, by its documented behaviour. Pure. */
export { answer } from './answer.ts';
export { compileModel } from './compile.ts';
export type { NginxModel } from './compile.ts';
export { findServer } from './find-server.ts';
export { escapePath, readTarget } from './read-target.ts';
export { witnesses } from './pattern/index.ts';
export type {
  BackendOutcome,
  BackendProtocol,
  BackendShare,
  Decision,
  Outcome,
  RuleSettings,
} from './outcome.ts';
export type { ModelRequest } from './request.ts';
export type { NginxLocation, NginxServer, NginxServers } from './servers.ts';
