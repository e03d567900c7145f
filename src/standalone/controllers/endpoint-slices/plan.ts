import { isDeepStrictEqual } from 'node:util';
import type { Endpoint, EndpointSlice } from '../../../kube/types/discovery.ts';
import type { ObjectMeta } from '../../../kube/types/meta.ts';
import type { Service } from '../../../kube/types/service.ts';
import type { EndpointGroup } from './desired.ts';

/** discovery.k8s.io: how many endpoints the upstream controller puts into one slice (a slice may hold 1,000). */
export const ENDPOINTS_A_SLICE = 100;
export const MANAGED_BY = 'endpointslice-controller.k8s.io';
const LABELS = { service: 'kubernetes.io/service-name', managedBy: 'endpointslice.kubernetes.io/managed-by' } as const;
const HEADLESS = 'service.kubernetes.io/headless';

export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/** Is this slice ours to write for its Service? Hand-made and mirrored slices name other managers. */
export function isManaged(slice: EndpointSlice): boolean {
  return slice.metadata.labels?.[LABELS.managedBy] === MANAGED_BY;
}

export function serviceKeyOf(slice: EndpointSlice): string {
  return `${slice.metadata.namespace ?? ''}/${slice.metadata.labels?.[LABELS.service] ?? ''}`;
}

/**
 * The fewest writes that make the managed slices of a Service say what is desired: an endpoint stays in the slice where
 * it is, new ones fill slices with room, and a slice that is left empty goes unless it is the family's last.
 */
export function planSlices(
  service: Service,
  desired: readonly EndpointGroup[],
  existing: readonly EndpointSlice[],
): SlicePlan {
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  const kept = new Set<EndpointSlice>();
  for (const group of desired) {
    const slices = existing.filter(slice => !kept.has(slice) && fits(slice, group));
    const waiting = new Map(group.endpoints.map(endpoint => [placeOf(endpoint), endpoint]));
    const fillings = slices.map(slice => {
      const endpoints: Endpoint[] = [];
      for (const present of slice.endpoints ?? []) {
        const wanted = waiting.get(placeOf(present));
        if (wanted === undefined) continue;
        waiting.delete(placeOf(present));
        endpoints.push(wanted);
      }
      return { slice, endpoints };
    });
    const rest = [...waiting.values()];
    for (const filling of fillings.toSorted((a, b) => b.endpoints.length - a.endpoints.length)) {
      if (rest.length === 0) break;
      filling.endpoints.push(...rest.splice(0, ENDPOINTS_A_SLICE - filling.endpoints.length));
    }
    const inUse = fillings.filter(filling => filling.endpoints.length > 0);
    const needed = inUse.length > 0 || rest.length > 0 ? inUse : fillings.slice(0, 1);
    for (const { slice, endpoints } of needed) {
      kept.add(slice);
      const next = sliceFor(service, group, endpoints, slice.metadata);
      if (!says(slice, next)) update.push(next);
    }
    do {
      if (rest.length === 0 && needed.length > 0) break;
      create.push(sliceFor(service, group, rest.splice(0, ENDPOINTS_A_SLICE), undefined));
    } while (rest.length > 0);
  }
  return { create, update, remove: existing.filter(slice => !kept.has(slice)) };
}

function fits(slice: EndpointSlice, group: EndpointGroup): boolean {
  return slice.addressType === group.addressType && isDeepStrictEqual(slice.ports ?? [], group.ports);
}

function says(slice: EndpointSlice, next: EndpointSlice): boolean {
  return (
    isDeepStrictEqual(slice.endpoints ?? [], next.endpoints) &&
    isDeepStrictEqual(slice.metadata.labels, next.metadata.labels) &&
    isDeepStrictEqual(slice.metadata.annotations, next.metadata.annotations)
  );
}

function sliceFor(
  service: Service,
  group: EndpointGroup,
  endpoints: readonly Endpoint[],
  before: ObjectMeta | undefined,
): EndpointSlice {
  const { name, namespace = '', uid = '', labels = {} } = service.metadata;
  const headless = service.spec.clusterIP === 'None' ? { [HEADLESS]: '' } : {};
  const metadata: ObjectMeta = {
    ...(before ?? { name: '', generateName: `${name}-` }),
    namespace,
    labels: { ...labels, ...headless, [LABELS.service]: name, [LABELS.managedBy]: MANAGED_BY },
    ownerReferences: [
      { apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true },
    ],
  };
  const { addressType, ports } = group;
  return { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType, endpoints, ports };
}

/** What makes two entries the same endpoint: the pod, or the address where no pod is named. */
function placeOf(endpoint: Endpoint): string {
  return endpoint.targetRef?.uid ?? endpoint.addresses.join(' ');
}
