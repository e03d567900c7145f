import { formatAddress, parseAddress } from '../base/ip.ts';
import type { ParentReference, RouteParentStatus, RouteStatus } from '../kube/types/gateway-routes.ts';
import type {
  Gateway,
  GatewayClass,
  GatewayClassStatus,
  GatewayStatus,
  ListenerSet,
  ListenerStatus,
} from '../kube/types/gateway.ts';
import { mergeConditions } from './compile-conditions.ts';
import type { Wanted } from './compile-conditions.ts';
import { unlessSame } from './compile-same.ts';
import { featuresOf, supportedVersion } from './compile-features.ts';
import type { InstalledDefinitions } from './compile-features.ts';
import { CONTROLLER_NAME, allListeners, bad, good, isStream } from './model.ts';
import type {
  Attachment,
  GatewayModel,
  ListenerModel,
  ListenerSetModel,
  RouteModel,
  Verdict,
} from './model.ts';

/**
 * Status of GatewayClass, Gateway and routes. Each function answers undefined where the object says it already, so that
 * nothing is written twice; `now` is RFC 3339.
 */

/** Most entries of a route's status.parents. */
const MOST_PARENTS = 32;

export function gatewayClassStatus(
  object: GatewayClass,
  now: string,
  installed?: InstalledDefinitions,
): GatewayClassStatus | undefined {
  const { parametersRef } = object.spec;
  const accepted =
    parametersRef === undefined
      ? good('Accepted', 'Gateways of this class are served')
      : bad(
          'InvalidParameters',
          `spec.parametersRef: ${parametersRef.kind} ${parametersRef.name} is no kind that parameters are taken from`,
        );
  const version = supportedVersion(installed);
  const wanted: readonly Wanted[] = [
    { type: 'Accepted', verdict: accepted },
    ...(version === undefined ? [] : [{ type: 'SupportedVersion', verdict: version }]),
  ];
  const status: GatewayClassStatus = {
    ...object.status,
    conditions: mergeConditions(object.status?.conditions ?? [], wanted, {
      generation: object.metadata.generation ?? 0,
      now,
      ownTypes: ['SupportedVersion'],
    }),
    supportedFeatures: featuresOf(installed).map(name => ({ name })),
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
  const { gateway, accepted, isInsecure, resolvedRefs, listeners, sets } = model;
  const generation = gateway.metadata.generation ?? 0;
  const programmed = programmedOf(model, infrastructure);
  const wanted: readonly Wanted[] = [
    { type: 'Accepted', verdict: accepted },
    { type: 'Programmed', verdict: programmed },
    ...(resolvedRefs === undefined ? [] : [{ type: 'ResolvedRefs', verdict: resolvedRefs }]),
    ...(isInsecure ? [{ type: INSECURE, verdict: insecure }] : []),
  ];
  const attached = sets.filter(set => set.accepted.holds).length;
  const present = gateway.status?.conditions ?? [];
  const status: GatewayStatus = {
    ...gateway.status,
    addresses: accepted.holds ? usableAddresses(gateway, infrastructure) : [],
    // An API that is older than ListenerSets does not keep the field.
    ...(attached > 0 || gateway.status?.attachedListenerSets !== undefined
      ? { attachedListenerSets: attached }
      : {}),
    conditions: mergeConditions(present, wanted, { generation, now, ownTypes: ['ResolvedRefs', INSECURE] }),
    listeners: listeners.map(listener =>
      listenerStatus(listener, gateway.status?.listeners, programmed, attachedRoutes, now),
    ),
  };
  return unlessSame(gateway.status, status);
}

const INSECURE = 'InsecureFrontendValidationMode';
const insecure = good(
  'ConfigurationChanged',
  'Clients are let in whose certificates prove nothing (spec.tls.frontend, AllowInsecureFallback)',
);

/** Undefined where the set says it already, or names no Gateway of ours. */
export function listenerSetStatus(
  { set, accepted, listeners }: ListenerSetModel,
  model: GatewayModel,
  infrastructure: Infrastructure,
  attachedRoutes: ReadonlyMap<string, number>,
  now: string,
): ListenerSet['status'] {
  const gateway = programmedOf(model, infrastructure);
  const programmed = gateway.holds
    ? good('Programmed', 'At least one listener is served')
    : bad(gateway.reason === 'Pending' ? 'Pending' : 'ParentNotProgrammed', gateway.message);
  const status: ListenerSet['status'] = {
    ...set.status,
    conditions: mergeConditions(
      set.status?.conditions ?? [],
      [
        { type: 'Accepted', verdict: accepted },
        { type: 'Programmed', verdict: accepted.holds ? programmed : accepted },
      ],
      { generation: set.metadata.generation ?? 0, now, ownTypes: [] },
    ),
    listeners: listeners.map(listener =>
      listenerStatus(listener, set.status?.listeners, gateway, attachedRoutes, now),
    ),
  };
  return unlessSame(set.status, status);
}

/** Of a set whose Gateway, `namespace/name`, is gone; undefined where the set says it already. */
export function orphanStatus(set: ListenerSet, gateway: string, now: string): ListenerSet['status'] {
  const verdict = bad('ParentNotAccepted', `There is no Gateway ${gateway}`);
  const wanted = ['Accepted', 'Programmed'].map((type): Wanted => ({ type, verdict }));
  const options = { generation: set.metadata.generation ?? 0, now, ownTypes: [] };
  const conditions = mergeConditions(set.status?.conditions ?? [], wanted, options);
  return unlessSame(set.status, { ...set.status, conditions, listeners: [] });
}

/** `attachedRoutes` by the listener's unique name. */
function listenerStatus(
  model: ListenerModel,
  before: readonly ListenerStatus[] | undefined,
  gatewayProgrammed: Verdict,
  attachedRoutes: ReadonlyMap<string, number>,
  now: string,
): ListenerStatus {
  const { listener, accepted, conflicted, owner, resolvedRefs, supportedKinds } = model;
  const present = before?.find(({ name }) => name === listener.name)?.conditions ?? [];
  const wanted: readonly Wanted[] = [
    { type: 'Accepted', verdict: accepted },
    { type: 'Conflicted', verdict: conflicted },
    { type: 'Programmed', verdict: listenerProgrammed(model, gatewayProgrammed) },
    { type: 'ResolvedRefs', verdict: resolvedRefs },
  ];
  return {
    name: listener.name,
    supportedKinds,
    attachedRoutes: attachedRoutes.get(model.name) ?? 0,
    conditions: mergeConditions(present, wanted, {
      generation: owner.metadata.generation ?? 0,
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
    ? good('Programmed', 'The listener is served')
    : bad(gateway.reason === 'Invalid' ? 'Invalid' : 'Pending', gateway.message);
}

function programmedOf(model: GatewayModel, infrastructure: Infrastructure): Verdict {
  const { accepted, gateway } = model;
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
  const places = addresses.map(({ value }) => value).join(', ');
  if (!needsProxies(model)) return good('Programmed', `The nodes serve ${places}`);
  if (availableProxies === 0) return bad('Pending', 'No proxy is ready yet');
  return good(
    'Programmed',
    `${availableProxies} ${availableProxies === 1 ? 'proxy serves' : 'proxies serve'} ${places}`,
  );
}

/** A Gateway whose listeners are all the kernel's has no proxies. */
export function needsProxies(model: GatewayModel): boolean {
  const served = allListeners(model).filter(({ accepted }) => accepted.holds);
  return served.length === 0 || !served.every(isStream);
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
