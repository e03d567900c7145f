import type { KeyPair } from './certificate.ts';

export interface KubeconfigContent {
  readonly cluster: string;
  readonly user: string;
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  readonly client: KeyPair;
}

/** The text of a kubeconfig with everything inside: no other file is needed to use it. */
export function kubeconfigText(content: KubeconfigContent): string {
  const quoted = (text: string) => JSON.stringify(text);
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return `apiVersion: v1
kind: Config
clusters:
- name: ${quoted(content.cluster)}
  cluster:
    server: ${quoted(content.server)}
    certificate-authority-data: ${base64(content.authority)}
users:
- name: ${quoted(content.user)}
  user:
    client-certificate-data: ${base64(content.client.certificate)}
    client-key-data: ${base64(content.client.key)}
contexts:
- name: ${quoted(content.cluster)}
  context:
    cluster: ${quoted(content.cluster)}
    user: ${quoted(content.user)}
current-context: ${quoted(content.cluster)}
`;
}
