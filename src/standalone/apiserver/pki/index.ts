export { createAuthority, issueKubeconfig, issueServing } from './authority.ts';
export type { Authority, AuthorityOptions, KubeconfigOptions, ServingOptions } from './authority.ts';
export { signCertificate } from './certificate.ts';
export type { KeyPair } from './certificate.ts';
