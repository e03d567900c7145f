import type { KubeObject } from '../../kube/types/meta.ts';
import { readManifestObjects } from '../policy/index.ts';
import type { AuditFacts, CertificateFacts, Known, MetricSample } from './facts.ts';

/**
 * What manifests would be in a cluster, as far as files can say: pods from workloads' templates, no status. `certificates`
 * are read by the caller, as the text of a certificate is no plain data.
 */
export function factsOfManifests(
  objects: readonly KubeObject[],
  certificates: readonly CertificateFacts[],
  metrics: Known<MetricSample>,
  now: number,
): AuditFacts {
  const read = readManifestObjects(objects);
  // An object of a kind has its shape, or any API server refuses it; a check that stumbles over one says so.
  const ofKind = (kind: string): Known<never> => ({
    items: objects.filter(object => object.kind === kind).map(inNamespace) as never,
  });
  return {
    source: 'manifests',
    now,
    objects: {
      pods: { items: read.pods },
      namespaces: { items: read.namespaces },
      networkPolicies: { items: read.policies },
      clusterNetworkPolicies: { items: read.clusterPolicies ?? [] },
      nodes: { items: read.nodes },
      services: ofKind('Service'),
      endpointSlices: ofKind('EndpointSlice'),
      configMaps: ofKind('ConfigMap'),
      daemonSets: ofKind('DaemonSet'),
      deployments: ofKind('Deployment'),
      disruptionBudgets: ofKind('PodDisruptionBudget'),
      ingresses: ofKind('Ingress'),
      ingressClasses: ofKind('IngressClass'),
      definitions: ofKind('CustomResourceDefinition'),
      gatewayClasses: ofKind('GatewayClass'),
      gateways: ofKind('Gateway'),
      httpRoutes: ofKind('HTTPRoute'),
      grpcRoutes: ofKind('GRPCRoute'),
      tlsRoutes: ofKind('TLSRoute'),
      tcpRoutes: ofKind('TCPRoute'),
      udpRoutes: ofKind('UDPRoute'),
      referenceGrants: ofKind('ReferenceGrant'),
      certificates: { items: certificates },
      metrics,
    },
  };
}

const clusterScoped: ReadonlySet<string> = new Set([
  'IngressClass',
  'CustomResourceDefinition',
  'GatewayClass',
]);

const inNamespace = (object: KubeObject): KubeObject =>
  clusterScoped.has(object.kind) || object.metadata.namespace !== undefined
    ? object
    : { ...object, metadata: { ...object.metadata, namespace: 'default' } };
