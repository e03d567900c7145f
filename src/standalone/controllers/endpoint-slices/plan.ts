import { isDeepStrictEqual } from 'node:util';
import type { Endpoint, EndpointSlice } from '../../../kube/types/discovery.ts';
import type { ObjectMeta } from '../../../kube/types/meta.ts';
import type { Service } from '../../../kube/types/service.ts';
import { controllerReference } from '../ownership.ts';
import type { EndpointGroup } from './desired.ts';

/** How many endpoints the controller puts into one slice (a slice may hold 1,000). */
export const ENDPOINTS_A_SLICE = 100;
export const MANAGED_BY = 'endpointslice-controller.k8s.io';
export const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGER = 'endpointslice.kubernetes.io/managed-by';
export const HEADLESS = 'service.kubernetes.io/headless';
/** When the change began that a slice tells of: what programming latency is counted from. */
export const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';

export interface SlicePlan {
  /** Without a name: the caller chooses it. */
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/** Is this slice ours to write for its Service? Hand-made and mirrored slices name other managers, or none. */
export const isManaged = (slice: EndpointSlice): boolean => isManagedBy(slice, MANAGED_BY);

export const isManagedBy = (slice: EndpointSlice, manager: string): boolean =>
  slice.metadata.labels?.[MANAGER] === manager;

/** What slices are made for: a Service with a selector, or Endpoints that somebody wrote. */
export interface SliceOwner {
  /** Of the Service's name and namespace. */
  readonly metadata: ObjectMeta;
  /** Besides those that say what a slice is. */
  readonly labels: Readonly<Record<string, string>>;
  /** Absent: those that stand on a slice stay. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedBy: string;
  readonly reference: NonNullable<ObjectMeta['ownerReferences']>[number];
  readonly endpointsASlice: number;
}

export function ownerOf(service: Service): SliceOwner {
  return {
    metadata: service.metadata,
    labels: {
      ...withoutReserved(service.metadata.labels ?? {}),
      ...(service.spec.clusterIP === 'None' ? { [HEADLESS]: '' } : {}),
    },
    managedBy: MANAGED_BY,
    reference: controllerReference(service, { apiVersion: 'v1', kind: 'Service' }),
    endpointsASlice: ENDPOINTS_A_SLICE,
  };
}

/** Labels that say what a slice is are the controllers' own. */
export function withoutReserved(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const reserved = new Set([SERVICE_NAME, MANAGER, HEADLESS]);
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !reserved.has(key)));
}

export function serviceKeyOf(slice: EndpointSlice): string {
  return `${slice.metadata.namespace ?? ''}/${slice.metadata.labels?.[SERVICE_NAME] ?? ''}`;
}

/**
 * The fewest writes that make the managed slices of an owner say what is desired: an endpoint stays in the slice where
 * it is; new ones go into slices that are written anyway, then into one that has room for all that are left, then into
 * new ones. A slice that is left empty goes.
 */
export function planSlices(
  owner: SliceOwner,
  desired: readonly EndpointGroup[],
  existing: readonly EndpointSlice[],
): SlicePlan {
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  const kept = new Set<EndpointSlice>();
  for (const group of desired) {
    const slices = existing.filter(slice => !kept.has(slice) && fits(slice, group));
    const { fillings, rest } = fill(owner, group, slices);
    const isPlaceholder = group.endpoints.length === 0;
    const inUse = isPlaceholder
      ? fillings.slice(0, 1)
      : fillings.filter(({ endpoints }) => endpoints.length > 0);
    for (const { slice, endpoints } of inUse) {
      kept.add(slice);
      const next = sliceFor(owner, group, endpoints, slice.metadata);
      if (!says(slice, next)) update.push(next);
    }
    if (isPlaceholder && inUse.length === 0) create.push(sliceFor(owner, group, [], undefined));
    for (let at = 0; at < rest.length; at += owner.endpointsASlice)
      create.push(sliceFor(owner, group, rest.slice(at, at + owner.endpointsASlice), undefined));
  }
  return renewed({ create, update, remove: existing.filter(slice => !kept.has(slice)) });
}

/** A slice that goes becomes one that comes, if that has all of its endpoints: as when a Service's target port changes. */
function renewed(plan: SlicePlan): SlicePlan {
  const remove = [...plan.remove];
  const update = [...plan.update];
  const create = plan.create.filter(made => {
    const places = new Set((made.endpoints ?? []).map(placeOf));
    const at = remove.findIndex(
      old =>
        old.addressType === made.addressType && (old.endpoints ?? []).every(one => places.has(placeOf(one))),
    );
    const [old] = at < 0 ? [] : remove.splice(at, 1);
    if (old === undefined) return true;
    const { annotations, labels, ownerReferences } = made.metadata;
    const { annotations: _, ...metadata } = old.metadata;
    update.push({
      ...made,
      metadata: {
        ...metadata,
        ...(annotations === undefined ? {} : { annotations }),
        ...(labels === undefined ? {} : { labels }),
        ...(ownerReferences === undefined ? {} : { ownerReferences }),
      },
    });
    return false;
  });
  return { create, update, remove };
}

interface Filling {
  readonly slice: EndpointSlice;
  readonly endpoints: Endpoint[];
}

function fill(
  owner: SliceOwner,
  group: EndpointGroup,
  slices: readonly EndpointSlice[],
): { readonly fillings: readonly Filling[]; readonly rest: readonly Endpoint[] } {
  const waiting = new Map(group.endpoints.map(endpoint => [placeOf(endpoint), endpoint]));
  const fillings = slices.map((slice): Filling => {
    const endpoints = (slice.endpoints ?? []).flatMap(present => {
      const wanted = waiting.get(placeOf(present));
      waiting.delete(placeOf(present));
      return wanted === undefined ? [] : [wanted];
    });
    return { slice, endpoints };
  });
  const rest = [...waiting.values()];
  const isWritten = ({ slice, endpoints }: Filling) =>
    endpoints.length > 0 && !says(slice, sliceFor(owner, group, endpoints, slice.metadata));
  const fullestFirst = fillings.toSorted((a, b) => b.endpoints.length - a.endpoints.length);
  for (const { endpoints } of fullestFirst.filter(isWritten))
    endpoints.push(...rest.splice(0, Math.max(0, owner.endpointsASlice - endpoints.length)));
  const last = rest.length % owner.endpointsASlice;
  const roomy = fullestFirst.find(
    ({ endpoints }) => last > 0 && endpoints.length + last <= owner.endpointsASlice,
  );
  roomy?.endpoints.push(...rest.splice(rest.length - last));
  return { fillings, rest };
}

function fits(slice: EndpointSlice, group: EndpointGroup): boolean {
  return slice.addressType === group.addressType && isDeepStrictEqual(slice.ports ?? [], group.ports);
}

function says(slice: EndpointSlice, next: EndpointSlice): boolean {
  return (
    isDeepStrictEqual(slice.endpoints ?? [], next.endpoints) &&
    isDeepStrictEqual(slice.metadata.labels, next.metadata.labels) &&
    isDeepStrictEqual(slice.metadata.annotations ?? {}, next.metadata.annotations ?? {}) &&
    isDeepStrictEqual(slice.metadata.ownerReferences, next.metadata.ownerReferences)
  );
}

function sliceFor(
  owner: SliceOwner,
  group: EndpointGroup,
  endpoints: readonly Endpoint[],
  before: ObjectMeta | undefined,
): EndpointSlice {
  const { name, namespace = '' } = owner.metadata;
  const metadata: ObjectMeta = {
    ...(before ?? { name: '', generateName: `${name}-` }),
    namespace,
    labels: { ...owner.labels, [SERVICE_NAME]: name, [MANAGER]: owner.managedBy },
    ownerReferences: [owner.reference],
    ...(owner.annotations === undefined ? {} : { annotations: owner.annotations }),
  };
  const { addressType, ports } = group;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata,
    addressType,
    endpoints,
    ports,
  };
}

/** What makes two entries the same endpoint: the pod, or the address where no pod is named. */
function placeOf(endpoint: Endpoint): string {
  return endpoint.targetRef?.uid ?? endpoint.addresses.join(' ');
}
