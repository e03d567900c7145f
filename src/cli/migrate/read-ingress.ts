import { sentenceOf } from '../../base/errors.ts';
import { configMapsNamed, readIngresses } from '../../insight/migrate/index.ts';
import type { IngressModel } from '../../insight/migrate/index.ts';
import { isNotFound } from '../../kube/client.ts';
import type { KubeClient } from '../../kube/client.ts';
import {
  CONFIG_MAPS,
  DAEMON_SETS,
  DEPLOYMENTS,
  GATEWAY_CLASSES,
  INGRESSES,
  INGRESS_CLASSES,
  SERVICES,
} from '../../kube/resources.ts';
import type { Resource } from '../../kube/resources.ts';
import type { DaemonSet, Deployment } from '../../kube/types/apps.ts';
import type { ConfigMap } from '../../kube/types/config.ts';
import type { GatewayClass } from '../../kube/types/gateway.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { Ingress, IngressClass } from '../../kube/types/networking.ts';
import type { Service } from '../../kube/types/service.ts';
import { clientOf } from '../object-source.ts';
import type { ObjectSource } from '../object-source.ts';
import { findController } from './find-controller.ts';

export interface ReadIngressRequest {
  readonly source: ObjectSource;
  readonly ingressClass?: string;
  /** As the controller gets them, instead of those that are found. */
  readonly flags: readonly string[];
}

export interface ReadIngress {
  readonly model: IngressModel;
  readonly gatewayClasses: readonly GatewayClass[];
  /** Data, by `namespace/name`. */
  readonly configMaps: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** What could not be read, in sentences. */
  readonly unread: readonly string[];
}

interface Lists {
  readonly ingresses: readonly Ingress[];
  readonly ingressClasses: readonly IngressClass[];
  /** Absent: not known. */
  readonly services: readonly Service[] | undefined;
  readonly workloads: readonly (Deployment | DaemonSet)[];
  readonly gatewayClasses: readonly GatewayClass[];
  readonly unread: readonly string[];
  readonly configMap: (name: string) => Promise<ConfigMap | undefined>;
  readonly positionOf: (ingress: Ingress) => string | undefined;
}

const answerMilliseconds = 30_000;

export async function readIngress(request: ReadIngressRequest): Promise<ReadIngress> {
  if (request.source.files.length > 0) return finish(request, await listFiles(request.source.files), 'files');
  const client = clientOf(request.source, 'migrate');
  try {
    return await finish(request, await listCluster(client), 'cluster');
  } finally {
    client.close();
  }
}

async function finish(
  { flags: given, ingressClass }: ReadIngressRequest,
  lists: Lists,
  source: 'cluster' | 'files',
): Promise<ReadIngress> {
  const { configMap, ingressClasses, ingresses, positionOf, services, unread } = lists;
  const controller = findController(lists.workloads, given);
  const settings = controller.configMap === undefined ? undefined : await configMap(controller.configMap);
  const missing =
    controller.configMap !== undefined && settings === undefined
      ? [`ConfigMap ${controller.configMap}, the controller’s settings: defaults are taken for them`]
      : [];
  const model = readIngresses(
    {
      ingresses,
      ingressClasses,
      flags: controller.flags,
      ...(services === undefined ? {} : { services }),
      ...(settings === undefined ? {} : { configMap: settings }),
    },
    { source, positionOf, ...(ingressClass === undefined ? {} : { className: ingressClass }) },
  );
  const configMaps = new Map<string, Readonly<Record<string, string>>>();
  for (const name of configMapsNamed(model)) {
    const found = await configMap(name);
    if (found !== undefined) configMaps.set(name, found.data ?? {});
  }
  return { model, gatewayClasses: lists.gatewayClasses, configMaps, unread: [...unread, ...missing] };
}

async function listFiles(files: readonly string[]): Promise<Lists> {
  const { parseDocuments } = await import('./parse-documents.ts');
  const { manifests, unread } = parseDocuments(files);
  const positions = new Map<KubeObject, string>(
    manifests.map(({ line, object, source }) => [object, `${source}:${line}`]),
  );
  // Shapes are checked where they are read: the reading trusts none of them.
  const ofKind = (kind: string): readonly never[] =>
    manifests.flatMap(({ object }) => (object.kind === kind ? [object as never] : []));
  const services = ofKind('Service') as readonly Service[];
  const maps = ofKind('ConfigMap') as readonly ConfigMap[];
  const old = manifests.filter(
    ({ object }) => object.kind === 'Ingress' && object.apiVersion !== 'networking.k8s.io/v1',
  );
  return {
    ingresses: (ofKind('Ingress') as readonly Ingress[]).filter(
      ({ apiVersion }) => (apiVersion as string) === 'networking.k8s.io/v1',
    ),
    ingressClasses: ofKind('IngressClass'),
    services: services.length === 0 ? undefined : services,
    workloads: [
      ...(ofKind('Deployment') as readonly Deployment[]),
      ...(ofKind('DaemonSet') as readonly DaemonSet[]),
    ],
    gatewayClasses: ofKind('GatewayClass'),
    unread: [
      ...unread,
      ...old.map(
        ({ line, object, source }) =>
          `${source}:${line}: Ingress ${object.metadata.name} is of ${object.apiVersion}, which no API server has any more: make it networking.k8s.io/v1`,
      ),
    ],
    configMap: name =>
      Promise.resolve(
        maps.find(({ metadata }) => `${metadata.namespace ?? 'default'}/${metadata.name}` === name),
      ),
    positionOf: ingress => positions.get(ingress),
  };
}

async function listCluster(client: KubeClient): Promise<Lists> {
  const signal = AbortSignal.timeout(answerMilliseconds);
  const unread: string[] = [];
  const wished = async <T extends KubeObject>(resource: Resource<T>): Promise<readonly T[] | undefined> => {
    try {
      return (await client.list(resource, { signal })).items;
    } catch (error) {
      if (!isNotFound(error)) unread.push(`${resource.plural}: ${sentenceOf(error)}`);
      return undefined;
    }
  };
  // Without them there is nothing to speak of.
  const ingresses = (await client.list(INGRESSES, { signal })).items;
  const [ingressClasses, services, deployments, daemonSets, gatewayClasses] = await Promise.all([
    wished(INGRESS_CLASSES),
    wished(SERVICES),
    wished(DEPLOYMENTS),
    wished(DAEMON_SETS),
    wished(GATEWAY_CLASSES),
  ]);
  return {
    ingresses,
    ingressClasses: ingressClasses ?? [],
    services,
    workloads: [...(deployments ?? []), ...(daemonSets ?? [])],
    gatewayClasses: gatewayClasses ?? [],
    unread,
    configMap: async written => {
      const [namespace = 'default', name = ''] = written.split('/');
      try {
        return await client.get(CONFIG_MAPS, { namespace, name });
      } catch {
        // It is named among what is missing, by who needs it.
        return undefined;
      }
    },
    positionOf: () => undefined,
  };
}
