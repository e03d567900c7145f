import type { Fields } from '../../object.ts';
import { isFields, textsOf, valueAt } from '../../object.ts';
import type { Store } from '../../store/store.ts';
import { listOf } from '../rules.ts';

/** In [0, 1). */
export type Random = () => number;

export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** A pod behind a Service, and the node that it runs on. */
export interface Endpoint {
  readonly node: string;
  readonly address: { readonly host: string; readonly port: number };
}

/** One ready endpoint of a Service's port, any of them; throws an Error in a real server's words where there is none. */
export function endpointOf(store: Store, { namespace, name, port }: ServicePort, random: Random): Endpoint {
  const service = store.newest('/services', `${namespace}/${name}`)?.object;
  if (service === undefined) throw new Error(`service ${JSON.stringify(name)} not found`);
  const found = listOf(valueAt(service, ['spec', 'ports'])).find(one => one['port'] === port);
  if (found === undefined) {
    throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`);
  }
  const portName = found['name'] ?? '';
  const slices = store.list('discovery.k8s.io/endpointslices', `${namespace}/`)?.entries ?? [];
  const endpoints = slices
    .map(({ object }) => object)
    .filter(slice => slice.metadata.labels?.['kubernetes.io/service-name'] === name)
    .flatMap(slice => endpointsOf(slice, portName));
  const chosen = endpoints[Math.floor(random() * endpoints.length)];
  if (chosen === undefined) {
    throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
  }
  return chosen;
}

function endpointsOf(slice: Fields, portName: unknown): readonly Endpoint[] {
  const port = listOf(slice['ports']).find(one => (one['name'] ?? '') === portName)?.['port'];
  if (typeof port !== 'number') return [];
  return listOf(slice['endpoints']).flatMap(endpoint => {
    const { addresses, conditions, nodeName } = endpoint;
    const [host] = textsOf(addresses);
    const isReady = !isFields(conditions) || conditions['ready'] !== false;
    if (host === undefined || !isReady || typeof nodeName !== 'string') return [];
    return [{ node: nodeName, address: { host, port } }];
  });
}
