import { matchesSelector } from '../kube/selector.ts';
import type { ParentReference } from '../kube/types/gateway-routes.ts';
import { doIntersect } from './compile-hostname.ts';
import { GATEWAY_GROUP, bad, good, parentKey, setParent } from './model.ts';
import type { Attachment, GatewayModel, GatewaySources, ListenerModel, Route, RouteModel } from './model.ts';

/** What each of a route's parentRefs that leads to this Gateway, or to a set of it, comes to. */
export function attach(
  route: RouteModel,
  gateway: GatewayModel,
  sources: Pick<GatewaySources, 'namespace'>,
): readonly Attachment[] {
  const { metadata, spec } = route.route;
  return (spec.parentRefs ?? []).flatMap((parentRef, index): readonly Attachment[] => {
    const parent = parentOf(parentKey(parentRef, metadata.namespace ?? ''), gateway);
    if (parent === undefined) return [];
    const { listeners, verdict } = chooseListeners(route, parentRef, parent, sources);
    const isAccepted = verdict.holds && route.accepted.holds;
    return [
      {
        parentRef,
        index,
        verdict: verdict.holds ? route.accepted : verdict,
        listeners: isAccepted ? listeners : [],
      },
    ];
  });
}

interface Parent {
  readonly what: string;
  readonly listeners: readonly ListenerModel[];
  /** Why nothing can stand on it. */
  readonly refusal?: string;
}

/** A set's listeners are found by the set alone, a Gateway's by the Gateway alone (ParentReference.sectionName). */
function parentOf(key: string | undefined, { key: own, listeners, sets }: GatewayModel): Parent | undefined {
  if (key === own) return { what: `Gateway ${own}`, listeners };
  const found = sets.find(set => setParent(set.key) === key);
  if (found === undefined) return undefined;
  const parent = { what: `ListenerSet ${found.key}`, listeners: found.listeners };
  return found.listeners.length > 0 ? parent : { ...parent, refusal: found.accepted.message };
}

function chooseListeners(
  { route, hostnames }: RouteModel,
  { port, sectionName }: ParentReference,
  parent: Parent,
  sources: Pick<GatewaySources, 'namespace'>,
): Pick<Attachment, 'listeners' | 'verdict'> {
  const none = (reason: string, message: string) => ({ listeners: [], verdict: bad(reason, message) });
  if (parent.refusal !== undefined)
    return none('NotAllowedByListeners', `${parent.what} does not stand: ${parent.refusal}`);
  const meant = parent.listeners.filter(
    ({ listener }) =>
      (sectionName === undefined || sectionName === '' || listener.name === sectionName) &&
      (port === undefined || listener.port === port),
  );
  if (meant.length === 0) {
    const which = [
      ...(sectionName === undefined ? [] : [`named ${sectionName}`]),
      ...(port === undefined ? [] : [`on port ${port}`]),
    ];
    return none('NoMatchingParent', `${parent.what} has no listener ${which.join(' ')}`);
  }
  const refusals = meant.map(listener => refusalOf(listener, route, sources));
  const allowing = meant.filter((_, index) => refusals[index] === undefined);
  if (allowing.length === 0) return none('NotAllowedByListeners', refusals[0] ?? '');
  const listeners = allowing.filter(
    ({ hostname }) => hostnames.length === 0 || hostnames.some(name => doIntersect(hostname, name)),
  );
  if (listeners.length === 0) {
    const names = allowing.map(({ listener, hostname }) => `${listener.name} is for ${hostname ?? 'all'}`);
    return none(
      'NoMatchingListenerHostname',
      `None of ${hostnames.join(', ')} is a name of the listeners: ${names.join(', ')}`,
    );
  }
  return { listeners, verdict: good('Accepted', 'The route is attached') };
}

/** Why the listener does not let the route in; undefined where it does. */
function refusalOf(
  { listener, owner, supportedKinds }: ListenerModel,
  route: Route,
  sources: Pick<GatewaySources, 'namespace'>,
): string | undefined {
  const isKind = supportedKinds.some(
    ({ group = GATEWAY_GROUP, kind }) => group === GATEWAY_GROUP && kind === route.kind,
  );
  if (!isKind) return `Listener ${listener.name} takes no ${route.kind}`;
  const own = route.metadata.namespace ?? '';
  const { from = 'Same', selector } = listener.allowedRoutes?.namespaces ?? {};
  if (from === 'All') return undefined;
  if (from === 'Same') {
    return own === owner.metadata.namespace
      ? undefined
      : `Listener ${listener.name} takes routes of its own namespace only`;
  }
  const labels = sources.namespace(own)?.metadata.labels ?? {};
  // Without a selector nothing is selected: an empty one would select every namespace.
  const isSelected = selector !== undefined && matchesSelector(selector, labels);
  return isSelected ? undefined : `Listener ${listener.name} does not select namespace ${own}`;
}
