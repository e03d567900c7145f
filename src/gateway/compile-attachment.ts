import { matchesSelector } from '../kube/selector.ts';
import type { ParentReference } from '../kube/types/gateway-routes.ts';
import { doIntersect } from './compile-hostname.ts';
import { GATEWAY_GROUP, bad, good, parentKey } from './model.ts';
import type { Attachment, GatewayModel, GatewaySources, ListenerModel, Route, RouteModel } from './model.ts';

/** What each of a route's parentRefs that leads to this Gateway comes to. */
export function attach(
  route: RouteModel,
  gateway: GatewayModel,
  sources: Pick<GatewaySources, 'namespace'>,
): readonly Attachment[] {
  const { metadata, spec } = route.route;
  return (spec.parentRefs ?? []).flatMap((parentRef, index): readonly Attachment[] => {
    if (parentKey(parentRef, metadata.namespace ?? '') !== gateway.key) return [];
    const { listeners, verdict } = chooseListeners(route, parentRef, gateway, sources);
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

function chooseListeners(
  { route, hostnames }: RouteModel,
  { port, sectionName }: ParentReference,
  gateway: GatewayModel,
  sources: Pick<GatewaySources, 'namespace'>,
): Pick<Attachment, 'listeners' | 'verdict'> {
  const none = (reason: string, message: string) => ({ listeners: [], verdict: bad(reason, message) });
  const meant = gateway.listeners.filter(
    ({ listener }) =>
      (sectionName === undefined || sectionName === '' || listener.name === sectionName) &&
      (port === undefined || listener.port === port),
  );
  if (meant.length === 0) {
    const which = [
      ...(sectionName === undefined ? [] : [`named ${sectionName}`]),
      ...(port === undefined ? [] : [`on port ${port}`]),
    ];
    return none('NoMatchingParent', `Gateway ${gateway.key} has no listener ${which.join(' ')}`);
  }
  const refusals = meant.map(listener => refusalOf(listener, route, gateway, sources));
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
  { listener, supportedKinds }: ListenerModel,
  route: Route,
  { gateway }: GatewayModel,
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
    return own === gateway.metadata.namespace
      ? undefined
      : `Listener ${listener.name} takes routes of its own namespace only`;
  }
  const labels = sources.namespace(own)?.metadata.labels ?? {};
  // Without a selector nothing is selected: an empty one would select every namespace.
  const isSelected = selector !== undefined && matchesSelector(selector, labels);
  return isSelected ? undefined : `Listener ${listener.name} does not select namespace ${own}`;
}
