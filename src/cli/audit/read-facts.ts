import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { sentenceOf } from '../../base/errors.ts';
import { factsOfManifests, readPrometheusText } from '../../insight/audit/index.ts';
import type { AuditFacts, CertificateFacts, Known, MetricSample } from '../../insight/audit/index.ts';
import { isNotFound } from '../../kube/client.ts';
import type { KubeClient, ListOptions } from '../../kube/client.ts';
import {
  CLUSTER_NETWORK_POLICIES,
  CONFIG_MAPS,
  DAEMON_SETS,
  DEPLOYMENTS,
  ENDPOINT_SLICES,
  GATEWAYS,
  GATEWAY_CLASSES,
  GRPC_ROUTES,
  HTTP_ROUTES,
  INGRESSES,
  INGRESS_CLASSES,
  NAMESPACES,
  NETWORK_POLICIES,
  NODES,
  PODS,
  POD_DISRUPTION_BUDGETS,
  REFERENCE_GRANTS,
  SECRETS,
  SERVICES,
  TCP_ROUTES,
  TLS_ROUTES,
  UDP_ROUTES,
} from '../../kube/resources.ts';
import type { Resource } from '../../kube/resources.ts';
import type { Secret } from '../../kube/types/config.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import { manifestFiles, readManifests } from '../apply/read-manifests.ts';
import type { Manifest } from '../apply/read-manifests.ts';
import { clientOf } from '../object-source.ts';
import type { ObjectSource } from '../object-source.ts';

export interface ReadFacts {
  readonly facts: AuditFacts;
  /** With files: where each object stands. */
  readonly manifests: readonly Manifest[];
  /** What could not be read at all, in sentences. */
  readonly unread: readonly string[];
}

const answerMilliseconds = 30_000;
/** Their definitions bring these kinds: a cluster without them has none of their objects. */
const brought = /^(gateway\.networking\.k8s\.io|policy\.networking\.k8s\.io)$/;

/** `metrics`: files in Prometheus’ text format, what an exporter answered. */
export async function readFacts(
  source: ObjectSource,
  metrics: readonly string[],
  now: number,
): Promise<ReadFacts> {
  const unread: string[] = [];
  const samples = readMetrics(metrics, unread);
  const read =
    source.files.length > 0
      ? await readFiles(source.files, samples, now)
      : await readCluster(source, samples, now);
  return { ...read, unread: [...read.unread, ...unread] };
}

function readMetrics(paths: readonly string[], unread: string[]): Known<MetricSample> {
  if (paths.length === 0) return { why: 'none were given (--metrics FILE)' };
  return {
    items: paths.flatMap(path => {
      try {
        return readPrometheusText(path, readFileSync(path, 'utf8'));
      } catch (error) {
        unread.push(`${path}: ${sentenceOf(error)}`);
        return [];
      }
    }),
  };
}

/** A file that cannot be read is named; the others are audited. */
async function readFiles(
  paths: readonly string[],
  metrics: Known<MetricSample>,
  now: number,
): Promise<ReadFacts> {
  const manifests: Manifest[] = [];
  const objects: KubeObject[] = [];
  const unread: string[] = [];
  const { canonicalManifests } = await import('../policy/canonical-manifests.ts');
  for (const file of paths.flatMap(manifestFiles)) {
    try {
      const written = await readManifests([file]);
      const canonical = canonicalManifests(written);
      for (const warning of canonical.warnings) process.stderr.write(`Warning: ${warning}\n`);
      objects.push(...canonical.objects);
      manifests.push(...written);
    } catch (error) {
      unread.push(`${file}: ${sentenceOf(error)}`);
    }
  }
  const secrets = objects.filter(({ kind }) => kind === 'Secret') as readonly Secret[];
  return { facts: factsOfManifests(objects, certificatesOf(secrets), metrics, now), manifests, unread };
}

async function readCluster(
  source: ObjectSource,
  metrics: Known<MetricSample>,
  now: number,
): Promise<ReadFacts> {
  const client = clientOf(source, 'audit');
  try {
    // One answer that has to come: without any, there is no cluster to speak of.
    await client.request('GET', '/version', { signal: AbortSignal.timeout(answerMilliseconds) });
    const objects = { ...(await listAll(client)), metrics };
    return { facts: { source: 'cluster', now, objects }, manifests: [], unread: [] };
  } finally {
    client.close();
  }
}

type Listed = Omit<AuditFacts['objects'], 'metrics'>;

async function listAll(client: KubeClient): Promise<Listed> {
  const signal = AbortSignal.timeout(answerMilliseconds);
  const list = <T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<Known<T>> =>
    known(
      brought.test(resource.group),
      async () => (await client.list(resource, { ...options, signal })).items,
    );
  const secrets = list(SECRETS, { fieldSelector: 'type=kubernetes.io/tls' });
  const entries = {
    nodes: list(NODES),
    pods: list(PODS),
    namespaces: list(NAMESPACES),
    services: list(SERVICES),
    endpointSlices: list(ENDPOINT_SLICES),
    configMaps: list(CONFIG_MAPS, { namespace: 'kube-system' }),
    daemonSets: list(DAEMON_SETS),
    deployments: list(DEPLOYMENTS),
    disruptionBudgets: list(POD_DISRUPTION_BUDGETS),
    networkPolicies: list(NETWORK_POLICIES),
    clusterNetworkPolicies: list(CLUSTER_NETWORK_POLICIES),
    ingresses: list(INGRESSES),
    ingressClasses: list(INGRESS_CLASSES),
    definitions: definitionsOf(client, signal),
    gatewayClasses: list(GATEWAY_CLASSES),
    gateways: list(GATEWAYS),
    httpRoutes: list(HTTP_ROUTES),
    grpcRoutes: list(GRPC_ROUTES),
    tlsRoutes: list(TLS_ROUTES),
    tcpRoutes: list(TCP_ROUTES),
    udpRoutes: list(UDP_ROUTES),
    referenceGrants: list(REFERENCE_GRANTS),
    certificates: secrets.then(found =>
      found.items === undefined ? found : { items: certificatesOf(found.items) },
    ),
  } as const;
  const read = await Promise.all(
    Object.entries(entries).map(async ([kind, answer]) => [kind, await answer] as const),
  );
  return Object.fromEntries(read) as unknown as Listed; // the same keys, awaited
}

/** Definitions are large; their metadata says their release and channel. */
const definitionsOf = (client: KubeClient, signal: AbortSignal): Promise<Known<KubeObject>> =>
  known(false, async () => {
    const { body, status } = await client.request(
      'GET',
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      { headers: { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' }, signal },
    );
    if (status !== 200) throw new Error(`the API server answered ${status}`);
    return (JSON.parse(body.toString()) as { readonly items: readonly KubeObject[] }).items;
  });

async function known<T>(mayBeAbsent: boolean, list: () => Promise<readonly T[]>): Promise<Known<T>> {
  try {
    return { items: await list() };
  } catch (error) {
    return mayBeAbsent && isNotFound(error) ? { items: [] } : { why: sentenceOf(error) };
  }
}

function certificatesOf(secrets: readonly Secret[]): readonly CertificateFacts[] {
  return secrets.flatMap(({ data, metadata, type }): CertificateFacts[] => {
    if (type !== 'kubernetes.io/tls') return [];
    const encoded = data?.['tls.crt'];
    if (typeof encoded !== 'string' || encoded === '') return [{ metadata, problem: 'it has no tls.crt' }];
    try {
      const { validToDate } = new X509Certificate(Buffer.from(encoded, 'base64'));
      return [{ metadata, notAfter: validToDate.getTime() }];
    } catch {
      return [{ metadata, problem: 'tls.crt is no certificate' }];
    }
  });
}
