import type { ConfigMap, Namespace, ServiceAccount } from '../../../kube/types/config.ts';
import { DEFAULT_SERVICE_ACCOUNT, ROOT_CERTIFICATE_CONFIG_MAP } from '../names.ts';

const CERTIFICATE_KEY = 'ca.crt';

export interface NamespaceFurniture {
  readonly namespace: Namespace;
  readonly serviceAccount: ServiceAccount | undefined;
  readonly rootCertificate: ConfigMap | undefined;
  /** The certificate of the cluster's authority, as PEM. */
  readonly certificate: string;
}

export type Write =
  | { readonly do: 'create-service-account'; readonly object: ServiceAccount }
  | { readonly do: 'create-config-map' | 'update-config-map'; readonly object: ConfigMap };

/** What every living namespace has: a `default` ServiceAccount, and the certificate that pods check the API server with. */
export function furnish(furniture: NamespaceFurniture): readonly Write[] {
  const { namespace, serviceAccount, rootCertificate, certificate } = furniture;
  if (namespace.metadata.deletionTimestamp !== undefined) return [];
  const { name } = namespace.metadata;
  const writes: Write[] = [];
  if (serviceAccount === undefined) writes.push({ do: 'create-service-account', object: accountFor(name) });
  if (rootCertificate === undefined) {
    writes.push({ do: 'create-config-map', object: configMapFor(name, certificate) });
  } else if (rootCertificate.data?.[CERTIFICATE_KEY] !== certificate) {
    const data = { ...rootCertificate.data, [CERTIFICATE_KEY]: certificate };
    writes.push({ do: 'update-config-map', object: { ...rootCertificate, data } });
  }
  return writes;
}

function accountFor(namespace: string): ServiceAccount {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: DEFAULT_SERVICE_ACCOUNT, namespace },
  };
}

function configMapFor(namespace: string, certificate: string): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: ROOT_CERTIFICATE_CONFIG_MAP,
      namespace,
      annotations: {
        'kubernetes.io/description':
          "The certificate of the cluster's authority, to check the API server's certificate with.",
      },
    },
    data: { [CERTIFICATE_KEY]: certificate },
  };
}
