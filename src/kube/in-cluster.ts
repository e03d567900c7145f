import { existsSync, readFileSync } from 'node:fs';
import { FairleadError } from '../base/errors.ts';
import type { Kubeconfig } from './kubeconfig.ts';

/** Where kubelet mounts the service account of a pod. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Are we a pod with a service account? */
export function isInCluster(
  environment: Readonly<Record<string, string | undefined>>,
  directory: string = SERVICE_ACCOUNT,
): boolean {
  return environment['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(`${directory}/token`);
}

/** The access that a pod has by its service account; the token is read again as kubelet rotates it. */
export function inClusterConfig(
  environment: Readonly<Record<string, string | undefined>>,
  directory: string = SERVICE_ACCOUNT,
): Kubeconfig {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (host === undefined || host === '') {
    throw new FairleadError(
      'kube/not-in-cluster',
      'This process is no pod: KUBERNETES_SERVICE_HOST is not set.',
      {
        hint: 'Name a kubeconfig by KUBECONFIG.',
      },
    );
  }
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (!URL.canParse(server)) {
    throw new FairleadError(
      'kube/not-in-cluster',
      `${JSON.stringify(server)} is no address of an API server.`,
      {
        hint: 'Check KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT of the pod.',
      },
    );
  }
  return {
    context: 'in-cluster',
    namespace: read(`${directory}/namespace`).trim() || 'default',
    cluster: {
      server,
      certificateAuthority: read(`${directory}/ca.crt`),
      insecureSkipTlsVerify: false,
      disableCompression: false,
    },
    user: { bearer: { from: 'file', path: `${directory}/token` } },
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new FairleadError(
      'kube/not-in-cluster',
      `The pod has no service account: ${path} cannot be read.`,
      {
        hint: 'Check automountServiceAccountToken of the pod and its ServiceAccount.',
        cause: error,
      },
    );
  }
}
