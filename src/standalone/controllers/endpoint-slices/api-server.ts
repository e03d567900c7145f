import { isDeepStrictEqual } from 'node:util';
import { parseAddress } from '../../../base/ip.ts';
import { ENDPOINTS, ENDPOINT_SLICES, keyOf } from '../../../kube/resources.ts';
import type { EndpointSlice } from '../../../kube/types/discovery.ts';
import type { Endpoints } from '../../../kube/types/endpoints.ts';
import type { Service } from '../../../kube/types/service.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { SERVICE_NAME } from './plan.ts';

/** Where nodes and pods reach the API server: what is behind the Service `kubernetes`. */
export interface ApiServerPlace {
  readonly addresses: readonly string[];
  readonly port: number;
}

const SERVICE = 'default/kubernetes';

/** Endpoints with it are not mirrored into slices: there are some. */
const SKIP_MIRROR = 'endpointslice.kubernetes.io/skip-mirror';

/** Keeps the slices and the Endpoints of the Service `kubernetes`, which selects no pods. */
export function startApiServerSlices(context: ControllerContext, place: ApiServerPlace): Controller {
  const { client, informers } = context;
  const { endpoints, endpointSlices, services } = informers;
  const queue = controllerQueue(context, 'api-server-slices', synchronize, 1);
  const stop = [
    services.onChange(({ after }) => {
      if (after !== undefined && keyOf(after) === SERVICE) queue.add(SERVICE);
    }),
    endpointSlices.onChange(({ before, after }) => {
      const slice = after ?? before;
      if (slice?.metadata.labels?.[SERVICE_NAME] === 'kubernetes') queue.add(SERVICE);
    }),
    endpoints.onChange(({ before, after }) => {
      const object = after ?? before;
      if (object !== undefined && keyOf(object) === SERVICE) queue.add(SERVICE);
    }),
  ];

  async function synchronize(): Promise<void> {
    const service = services.cache.get(SERVICE);
    if (service === undefined) return;
    for (const slice of apiServerSlices(service, place)) {
      const present = endpointSlices.cache.get(keyOf(slice));
      if (present === undefined) await client.create(ENDPOINT_SLICES, slice);
      else if (!says(present, slice)) {
        const { metadata } = present;
        const labels = { ...metadata.labels, ...slice.metadata.labels };
        await client.update(ENDPOINT_SLICES, { ...slice, metadata: { ...metadata, labels } });
      }
    }
    await writeEndpoints(apiServerEndpoints(service, place));
  }

  async function writeEndpoints(wanted: Endpoints | undefined): Promise<void> {
    if (wanted === undefined) return;
    const present = endpoints.cache.get(SERVICE);
    if (present === undefined) await client.create(ENDPOINTS, wanted);
    else if (
      !isDeepStrictEqual(present.subsets, wanted.subsets) ||
      present.metadata.labels?.[SKIP_MIRROR] !== 'true'
    ) {
      const labels = { ...present.metadata.labels, ...wanted.metadata.labels };
      await client.update(ENDPOINTS, { ...wanted, metadata: { ...present.metadata, labels } });
    }
  }

  return {
    name: 'api-server-slices',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}

/** One slice a family of the Service in which the API server has an address. */
export function apiServerSlices(
  service: Service,
  { addresses, port }: ApiServerPlace,
): readonly EndpointSlice[] {
  return (service.spec.ipFamilies ?? ['IPv4']).flatMap((addressType, index): EndpointSlice[] => {
    const family = addressType === 'IPv4' ? 4 : 6;
    const own = addresses.filter(text => parseAddress(text)?.family === family);
    if (own.length === 0) return [];
    return [
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: index === 0 ? 'kubernetes' : `kubernetes-${addressType.toLowerCase()}`,
          namespace: 'default',
          labels: { [SERVICE_NAME]: 'kubernetes' },
        },
        addressType,
        endpoints: [{ addresses: own, conditions: { ready: true } }],
        ports: [{ name: 'https', port, protocol: 'TCP' }],
      },
    ];
  });
}

/** In the Service's first family alone, as all Endpoints; undefined where the API server has no address in it. */
function apiServerEndpoints(service: Service, { addresses, port }: ApiServerPlace): Endpoints | undefined {
  const family = service.spec.ipFamilies?.[0] === 'IPv6' ? 6 : 4;
  const own = addresses.filter(text => parseAddress(text)?.family === family);
  if (own.length === 0) return undefined;
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { [SKIP_MIRROR]: 'true' } },
    subsets: [{ addresses: own.map(ip => ({ ip })), ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  };
}

function says(present: EndpointSlice, slice: EndpointSlice): boolean {
  return (
    present.metadata.labels?.[SERVICE_NAME] === 'kubernetes' &&
    isDeepStrictEqual(present.endpoints, slice.endpoints) &&
    isDeepStrictEqual(present.ports, slice.ports)
  );
}
