import { sentenceOf } from '../../base/errors.ts';
import type { DefaultDenyObjects } from '../../insight/migrate/index.ts';
import { readManifestObjects } from '../../insight/policy/index.ts';
import { isNotFound } from '../../kube/client.ts';
import type { ListOptions } from '../../kube/client.ts';
import {
  CLUSTER_NETWORK_POLICIES,
  CONFIG_MAPS,
  ENDPOINT_SLICES,
  GATEWAYS,
  GRPC_ROUTES,
  HTTP_ROUTES,
  INGRESSES,
  NAMESPACES,
  NETWORK_POLICIES,
  NODES,
  PODS,
  SERVICES,
  TCP_ROUTES,
  TLS_ROUTES,
  UDP_ROUTES,
} from '../../kube/resources.ts';
import type { Resource } from '../../kube/resources.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { PolicyObjects } from '../../policy/index.ts';
import { clientOf } from '../object-source.ts';
import type { ObjectSource } from '../object-source.ts';
import { readCanonical } from '../policy/read-objects.ts';

export interface MigrateObjects {
  readonly objects: DefaultDenyObjects & PolicyObjects;
  /** Kinds that could not be listed, in sentences. */
  readonly unread: readonly string[];
}

const answerMilliseconds = 30_000;

/** What default deny is proposed from: manifests where there are any, else one list of each kind. */
export async function readMigrateObjects(source: ObjectSource): Promise<MigrateObjects> {
  if (source.files.length > 0)
    return {
      // As an API server would keep them: fields without a value are absent.
      objects: ofManifests(await readCanonical(source.files, warn)),
      unread: [],
    };
  const client = clientOf(source, 'migrate');
  const signal = AbortSignal.timeout(answerMilliseconds);
  const unread: string[] = [];
  const all = async <T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}) =>
    (await client.list(resource, { ...options, signal })).items;
  /** Without it something is not proposed, and that is said. */
  const wished = async <T extends KubeObject>(resource: Resource<T>): Promise<readonly T[]> => {
    try {
      return await all(resource);
    } catch (error) {
      if (!isNotFound(error)) unread.push(`${resource.plural}: ${sentenceOf(error)}`);
      return [];
    }
  };
  try {
    const [pods, namespaces, services, policies] = await Promise.all([
      all(PODS),
      all(NAMESPACES),
      all(SERVICES),
      all(NETWORK_POLICIES),
    ]);
    const [endpointSlices, configMaps, gateways, ingresses, nodes, clusterPolicies] = await Promise.all([
      wished(ENDPOINT_SLICES),
      wished(CONFIG_MAPS),
      wished(GATEWAYS),
      wished(INGRESSES),
      wished(NODES),
      wished(CLUSTER_NETWORK_POLICIES),
    ]);
    const [httpRoutes, grpcRoutes, tlsRoutes, tcpRoutes, udpRoutes] = await Promise.all([
      wished(HTTP_ROUTES),
      wished(GRPC_ROUTES),
      wished(TLS_ROUTES),
      wished(TCP_ROUTES),
      wished(UDP_ROUTES),
    ]);
    const nodeLocalServices = services.filter(
      ({ metadata }) => metadata.namespace === 'kube-system' && metadata.name === 'kube-dns',
    );
    return {
      objects: {
        pods,
        namespaces,
        services,
        policies,
        endpointSlices,
        configMaps,
        gateways,
        httpRoutes,
        grpcRoutes,
        tlsRoutes,
        tcpRoutes,
        udpRoutes,
        ingresses,
        nodes,
        clusterPolicies,
        nodeLocalServices,
      },
      unread,
    };
  } finally {
    client.close();
  }
}

const warn = (sentence: string): void => void process.stderr.write(`Warning: ${sentence}\n`);

function ofManifests(objects: readonly KubeObject[]): MigrateObjects['objects'] {
  // An object of a kind has its shape, or any API server refuses it.
  const ofKind = (kind: string): readonly never[] =>
    objects
      .filter(object => object.kind === kind)
      .map(object => ({
        ...object,
        metadata: { ...object.metadata, namespace: object.metadata.namespace ?? 'default' },
      })) as never;
  return {
    ...readManifestObjects(objects),
    services: ofKind('Service'),
    endpointSlices: ofKind('EndpointSlice'),
    configMaps: ofKind('ConfigMap'),
    gateways: ofKind('Gateway'),
    httpRoutes: ofKind('HTTPRoute'),
    grpcRoutes: ofKind('GRPCRoute'),
    tlsRoutes: ofKind('TLSRoute'),
    tcpRoutes: ofKind('TCPRoute'),
    udpRoutes: ofKind('UDPRoute'),
    ingresses: ofKind('Ingress'),
  };
}
