import { ENDPOINT_SLICES, NODES, PODS, SERVICES } from '../../kube/resources.ts';
import type { Pod } from '../../kube/types/core.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { Node } from '../../kube/types/node.ts';
import type { Service } from '../../kube/types/service.ts';
import { buildServiceModel, nodeAddressesOf } from '../../services/index.ts';
import type { ServiceModel } from '../../services/index.ts';
import { readManifests } from '../apply/read-manifests.ts';
import { clientOf } from '../object-source.ts';
import type { ObjectSource } from '../object-source.ts';

export interface ServiceObjects {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
}

const answerMilliseconds = 20_000;

/** Manifests where there are any, else one list of each kind. */
export async function readServiceObjects(source: ObjectSource): Promise<ServiceObjects> {
  if (source.files.length > 0) {
    const objects = (await readManifests(source.files)).map(({ object }) => object);
    const of = <T extends KubeObject>(kind: string) =>
      objects.filter((object): object is T & typeof object => object.kind === kind);
    return {
      services: of<Service>('Service'),
      slices: of<EndpointSlice>('EndpointSlice'),
      nodes: of<Node>('Node'),
      pods: of<Pod>('Pod'),
    };
  }
  const client = clientOf(source, 'services');
  const signal = AbortSignal.timeout(answerMilliseconds);
  try {
    const [services, slices, nodes, pods] = await Promise.all([
      client.list(SERVICES, { signal }),
      client.list(ENDPOINT_SLICES, { signal }),
      client.list(NODES, { signal }),
      client.list(PODS, { signal }),
    ]);
    return { services: services.items, slices: slices.items, nodes: nodes.items, pods: pods.items };
  } finally {
    client.close();
  }
}

/** With the node ports of one node, or of all. */
export function modelOf({ nodes, services, slices }: ServiceObjects, node?: Node): ServiceModel {
  return buildServiceModel(services, slices, (node === undefined ? nodes : [node]).flatMap(nodeAddressesOf));
}
