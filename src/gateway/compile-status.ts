import { formatAddress, parseAddress } from '../base/ip.ts';
import type { ParentReference, RouteParentStatus, RouteStatus } from '../kube/types/gateway-routes.ts';
import type {
  Gateway,
  GatewayClass,
  GatewayClassStatus,
  GatewayStatus,
  ListenerStatus,
} from '../kube/types/gateway.ts';
import { mergeConditions } from './compile-conditions.ts';
import type { Wanted } from './compile-conditions.ts';
import { SUPPORTED_FEATURES } from './compile-features.ts';
import { CONTROLLER_NAME, bad, good } from './model.ts';
import type { Attachment, GatewayModel, ListenerModel, RouteModel, Verdict } from './model.ts';

/**
 * Status of GatewayClass, Gateway and routes. Each function answers undefined where the object says it already, so that
 * nothing is written twice; `now` is RFC 3339.
 */

/** Most entries of a route's status.parents. */
const MOST_PARENTS = 32;

export function gatewayClassStatus(object: GatewayClass, now: string): GatewayClassStatus | undefined {
  const { parametersRef } = object.spec;
  const accepted =
    parametersRef === undefined
      ? good('Accepted', 'Gateways of this class are served')
      : bad(
          'InvalidParameters',
          `spec.parametersRef: ${parametersRef.kind} ${parametersRef.name} is no kind that parameters are taken from`,
        );
  const status: GatewayClassStatus = {
    ...object.status,
    conditions: mergeConditions(object.status?.conditions ?? [], [{ type: 'Accepted', verdict: accepted }], {
      generation: object.metadata.generation ?? 0,
      now,
      ownTypes: [],
    }),
    supportedFeatures: SUPPORTED_FEATURES.map(name => ({ name })),
  };
  return unlessSame(object.status, status);
}

/** What became of a Gateway outside of the objects that people write. */
export interface Infrastructure {
  /** Of its load balancer. */
  readonly addresses: readonly { readonly type: 'IPAddress' | 'Hostname'; readonly value: string }[];
  /** Proxies that can take requests. */
  readonly availableProxies: number;
  /** Why something could not be made. */
  readonly problem?: string;
}

export function gatewayStatus(
  model: GatewayModel,
  infrastructure: Infrastructure,
  attachedRoutes: ReadonlyMap<string, number>,
  now: string,
): GatewayStatus | undefined {
  const { gateway, accepted, resolvedRefs, listeners } = model;
  const generation = gateway.metadata.generation ?? 0;
  const programmed = programmedOf(model, infrastructure);
  const wanted: readonly Wanted[] = [
    { type: 'Accepted', verdict: accepted },
    { type: 'Programmed', verdict: programmed },
    ...(resolvedRefs === undefined ? [] : [{ type: 'ResolvedRefs', verdict: resolvedRefs }]),
  ];
  const present = gateway.status?.conditions ?? [];
  const status: GatewayStatus = {
    ...gateway.status,
    addresses: accepted.holds ? usableAddresses(gateway, infrastructure) : [],
    conditions: mergeConditions(present, wanted, { generation, now, ownTypes: ['ResolvedRefs'] }),
    listeners: listeners.map(listener =>
      listenerStatus(listener, gateway, programmed, attachedRoutes.get(listener.listener.name) ?? 0, now),
    ),
  };
  return unlessSame(gateway.status, status);
}

function listenerStatus(
  model: ListenerModel,
  gateway: Gateway,
  gatewayProgrammed: Verdict,
  attachedRoutes: number,
  now: string,
): ListenerStatus {
  const { listener, accepted, conflicted, resolvedRefs, supportedKinds } = model;
  const present = gateway.status?.listeners?.find(({ name }) => name === listener.name)?.conditions ?? [];
  const wanted: readonly Wanted[] = [
    { type: 'Accepted', verdict: accepted },
    { type: 'Conflicted', verdict: conflicted },
    { type: 'Programmed', verdict: listenerProgrammed(model, gatewayProgrammed) },
    { type: 'ResolvedRefs', verdict: resolvedRefs },
  ];
  return {
    name: listener.name,
    supportedKinds,
    attachedRoutes,
    conditions: mergeConditions(present, wanted, {
      generation: gateway.metadata.generation ?? 0,
      now,
      ownTypes: [],
    }),
  };
}

function listenerProgrammed(
  { accepted, conflicted, isServed, resolvedRefs }: ListenerModel,
  gateway: Verdict,
): Verdict {
  // The loser of a conflict says so in all its conditions.
  if (conflicted.holds) return bad(conflicted.reason, conflicted.message);
  if (!accepted.holds) return bad('Invalid', accepted.message);
  if (!isServed) return bad('Invalid', resolvedRefs.message);
  return gateway.holds
    ? good('Programmed', 'The proxies serve the listener')
    : bad(gateway.reason === 'Invalid' ? 'Invalid' : 'Pending', gateway.message);
}

function programmedOf({ accepted, gateway }: GatewayModel, infrastructure: Infrastructure): Verdict {
  const { addresses, availableProxies, problem } = infrastructure;
  if (!accepted.holds) return bad('Invalid', accepted.message);
  if (problem !== undefined) return bad('NoResources', problem);
  const asked = requestedAddresses(gateway);
  const missing = asked.filter(
    value => !addresses.some(address => canonicalAddress(address.value) === value),
  );
  if (missing.length > 0)
    return bad('AddressNotUsable', `The load balancer did not give ${missing.join(', ')}`);
  if (addresses.length === 0)
    return bad('AddressNotAssigned', 'The load balancer has not given an address yet');
  if (availableProxies === 0) return bad('Pending', 'No proxy is ready yet');
  const places = addresses.map(({ value }) => value).join(', ');
  return good(
    'Programmed',
    `${availableProxies} ${availableProxies === 1 ? 'proxy serves' : 'proxies serve'} ${places}`,
  );
}

/** The addresses that spec.addresses names; entries without a value leave the choice. */
export function requestedAddresses({ spec }: Gateway): readonly string[] {
  return (spec.addresses ?? []).flatMap(({ value = '' }) => (value === '' ? [] : [canonicalAddress(value)]));
}

function canonicalAddress(text: string): string {
  const address = parseAddress(text);
  return address === undefined ? text : formatAddress(address);
}

/** Where addresses were asked for, only they are the Gateway's. */
function usableAddresses(gateway: Gateway, { addresses }: Infrastructure): Infrastructure['addresses'] {
  const asked = requestedAddresses(gateway);
  return asked.length === 0
    ? addresses
    : addresses.filter(({ value }) => asked.includes(canonicalAddress(value)));
}

/** What one of our parents says of the route. */
export interface ParentVerdict {
  readonly parentRef: ParentReference;
  readonly verdict: Verdict;
}

/** All parents' entries: those of other controllers as they are, ours as the attachments say. */
export function routeStatus(
  { route, partiallyInvalid, resolvedRefs }: RouteModel,
  attachments: readonly Attachment[],
  now: string,
): RouteStatus | undefined {
  const present = route.status?.parents ?? [];
  const generation = route.metadata.generation ?? 0;
  const ours = attachments
    .toSorted((a, b) => a.index - b.index)
    .map(({ parentRef, verdict }): RouteParentStatus => {
      const isOwn = isEntryOf({ parentRef, controllerName: CONTROLLER_NAME, conditions: [] });
      const before = present.find(isOwn);
      const wanted: readonly Wanted[] = [
        { type: 'Accepted', verdict },
        { type: 'ResolvedRefs', verdict: resolvedRefs },
        ...(partiallyInvalid === undefined || !verdict.holds
          ? []
          : [{ type: 'PartiallyInvalid', verdict: partiallyInvalid }]),
      ];
      return {
        parentRef,
        controllerName: CONTROLLER_NAME,
        conditions: mergeConditions(before?.conditions ?? [], wanted, {
          generation,
          now,
          ownTypes: ['PartiallyInvalid'],
        }),
      };
    });
  const parents = [...inPlace(present, ours), ...ours.filter(entry => !present.some(isEntryOf(entry)))].slice(
    0,
    MOST_PARENTS,
  );
  if (route.status === undefined && parents.length === 0) return undefined;
  return unlessSame(route.status, { ...route.status, parents });
}

/** Entries stay where they are: two controllers that each put theirs first would write for ever. */
function inPlace(
  present: readonly RouteParentStatus[],
  ours: readonly RouteParentStatus[],
): readonly RouteParentStatus[] {
  return present.flatMap(entry => {
    if (entry.controllerName !== CONTROLLER_NAME) return [entry];
    return ours.find(candidate => isEntryOf(candidate)(entry)) ?? [];
  });
}

const isEntryOf =
  (ours: RouteParentStatus) =>
  (entry: RouteParentStatus): boolean =>
    entry.controllerName === CONTROLLER_NAME && isSameParent(entry.parentRef, ours.parentRef);

const isSameParent = (a: ParentReference, b: ParentReference): boolean =>
  a.group === b.group &&
  a.kind === b.kind &&
  a.namespace === b.namespace &&
  a.name === b.name &&
  a.sectionName === b.sectionName &&
  a.port === b.port;

function unlessSame<T>(present: T | undefined, wanted: T): T | undefined {
  return present !== undefined && canonical(present) === canonical(wanted) ? undefined : wanted;
}

/** The same whatever the order of keys, and of lists whose members have a type or a name. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (Array.isArray(member)) return member.toSorted((a, b) => compare(keyOf(a), keyOf(b)));
    if (typeof member !== 'object' || member === null) return member;
    return Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => compare(a, b)));
  });
}

function keyOf(member: unknown): string {
  const { type, name } = (member ?? {}) as { readonly type?: unknown; readonly name?: unknown };
  if (typeof type === 'string') return type;
  return typeof name === 'string' ? name : '';
}

const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
