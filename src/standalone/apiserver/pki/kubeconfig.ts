import type { KeyPair } from './certificate.ts';

export interface KubeconfigContent {
  readonly cluster: string;
  readonly user: string;
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  readonly client: KeyPair;
}

/**
 * The text of a kubeconfig with everything inside: no other file is needed to use it. It is JSON, which is YAML too, so
 * that our own processes read it without a parser of YAML.
 */
export function kubeconfigText(content: KubeconfigContent): string {
  const { cluster, user, server, authority, client } = content;
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: cluster, cluster: { server, 'certificate-authority-data': base64(authority) } }],
    users: [
      {
        name: user,
        user: {
          'client-certificate-data': base64(client.certificate),
          'client-key-data': base64(client.key),
        },
      },
    ],
    contexts: [{ name: cluster, context: { cluster, user } }],
    'current-context': cluster,
  };
  return `${JSON.stringify(kubeconfig, null, 2)}\n`;
}
