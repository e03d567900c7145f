/** Gateway API: which route stands on which listener, what the proxies are told, and what the objects' status says. */
export { attach } from './compile-attachment.ts';
export { explainRequest } from './decide.ts';
export type { NotChosen } from './decide.ts';
export { SUPPORTED_FEATURES } from './compile-features.ts';
export { applyChange, diffTables, emptyTable } from './compile-delta.ts';
export { readGateway } from './compile-gateway.ts';
export { readRoute } from './compile-route.ts';
export { compileTable } from './compile-table.ts';
export type { AttachedRoute } from './compile-table.ts';
export { isOurs } from './model.ts';
export { createCertificateReader } from './certificate.ts';
export { CrossOriginPolicy, isPreflight } from './proxy/cross-origin.ts';
export { redirectLocation } from './proxy/redirect-location.ts';
export { rewritePath } from './proxy/rewrite-path.ts';
export type { Attachment, GatewayModel, GatewaySources, ListenerModel, RouteModel } from './model.ts';
export type { TableBackendReference, TableFilter, TableListener, TableMatch, TableRule } from './table.ts';
