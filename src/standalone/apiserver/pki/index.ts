export { createAuthority, issueKubeconfig, issueServing } from './authority.ts';
export type { Authority, KubeconfigOptions, ServingOptions } from './authority.ts';
export type { KeyPair } from './certificate.ts';
