import type { GatewaySources } from '../../../../gateway/index.ts';
import type { BackendTLSPolicy } from '../../../../kube/types/gateway-policies.ts';
import type { ListenerSet, ReferenceGrant } from '../../../../kube/types/gateway.ts';
import type { KubeObject } from '../../../../kube/types/meta.ts';
import type { Service } from '../../../../kube/types/service.ts';

/**
 * What routes and Gateways of a conversion refer to. A Service or Secret that nobody showed is taken to be there with the
 * ports that are named: whether it is, is no question of the move.
 */
export function sourcesOf(
  objects: readonly KubeObject[],
  routes: readonly KubeObject[],
  services: ReadonlyMap<string, Service> | undefined,
): GatewaySources {
  const named = namedPorts(routes);
  const grants = Map.groupBy(objects.filter(isGrant), ({ metadata }) => metadata.namespace ?? '');
  const sets = Map.groupBy(objects.filter(isListenerSet), ({ metadata, spec: { parentRef } }) =>
    [parentRef.namespace ?? metadata.namespace ?? '', parentRef.name].join('/'),
  );
  const policies = objects.filter(isPolicy);
  return {
    namespace: name => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    }),
    service: key => services?.get(key) ?? namedService(key, named.get(key) ?? new Set()),
    slices: () => [],
    secret: key => ({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: metadataOf(key),
    }),
    grants: namespace => grants.get(namespace) ?? [],
    certificate: ({ metadata }) => ({
      certificate: { id: `${metadata.namespace ?? ''}/${metadata.name}`, chain: '', key: '' },
    }),
    configMap: key => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: metadataOf(key) }),
    authorities: () => ({ authorities: '' }),
    listenerSets: gateway => sets.get(gateway) ?? [],
    tlsPolicies: key =>
      policies.filter(({ metadata, spec }) =>
        spec.targetRefs.some(({ name }) => `${metadata.namespace ?? ''}/${name}` === key),
      ),
  };
}

const isGrant = (object: KubeObject): object is ReferenceGrant => object.kind === 'ReferenceGrant';
const isListenerSet = (object: KubeObject): object is ListenerSet => object.kind === 'ListenerSet';
const isPolicy = (object: KubeObject): object is BackendTLSPolicy => object.kind === 'BackendTLSPolicy';

function metadataOf(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}

interface Reference {
  readonly name?: string;
  readonly namespace?: string;
  readonly port?: number;
}

/** Ports of Services that any reference of a route names, wherever it stands. */
function namedPorts(routes: readonly KubeObject[]): ReadonlyMap<string, ReadonlySet<number>> {
  const ports = new Map<string, Set<number>>();
  const visit = (value: unknown, namespace: string): void => {
    if (Array.isArray(value)) for (const entry of value) visit(entry, namespace);
    else if (typeof value === 'object' && value !== null) {
      const { name, namespace: own = namespace, port } = value as Reference; // any part of a route
      if (typeof name === 'string' && typeof port === 'number') {
        const key = `${own}/${name}`;
        const known = ports.get(key) ?? new Set();
        ports.set(key, known.add(port));
      }
      for (const part of Object.values(value)) visit(part, namespace);
    }
  };
  for (const route of routes)
    visit((route as { readonly spec?: unknown }).spec, route.metadata.namespace ?? '');
  return ports;
}

function namedService(key: string, ports: ReadonlySet<number>): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(key),
    spec: {
      clusterIP: '10.0.0.1',
      ports: [...ports].map(port => ({ name: `port-${port}`, port, targetPort: port })),
    },
  };
}
