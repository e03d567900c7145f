import { provenanceOf } from '../base/provenance.ts';
import { proxy } from '../kernel/contract.ts';
import type { Gateway, Listener, RouteGroupKind } from '../kube/types/gateway.ts';
import { readCertificates } from './compile-certificates.ts';
import { isHostname } from './compile-hostname.ts';
import { GATEWAY_GROUP, bad, good } from './model.ts';
import type { GatewaySources, ListenerModel, Verdict } from './model.ts';

const ROUTES: readonly RouteGroupKind[] = [
  { group: GATEWAY_GROUP, kind: 'HTTPRoute' },
  { group: GATEWAY_GROUP, kind: 'GRPCRoute' },
];
const TLS_ROUTE: readonly RouteGroupKind[] = [{ group: GATEWAY_GROUP, kind: 'TLSRoute' }];
const PROTOCOLS = ['HTTP', 'HTTPS', 'TLS'];

/** Listeners of a Gateway, with what is wrong with each. */
export function readListeners(gateway: Gateway, sources: GatewaySources): readonly ListenerModel[] {
  const { listeners } = gateway.spec;
  return listeners.map((listener, index): ListenerModel => {
    const field = `spec.listeners[${index}]`;
    const conflicted = conflictOf(listener, listeners);
    const accepted = acceptedOf(gateway, listener, field, conflicted);
    const { kinds, resolved: kindsResolved } = readKinds(listener, field);
    const isPassthrough = listener.protocol === 'TLS' && listener.tls?.mode === 'Passthrough';
    const { certificates, resolved } =
      (listener.protocol === 'HTTPS' || listener.protocol === 'TLS') && !isPassthrough
        ? readCertificates(gateway, listener, field, sources)
        : { certificates: [], resolved: good('ResolvedRefs', 'All references lead to what they name') };
    return {
      listener,
      hostname: nameOf(listener),
      supportedKinds: kinds,
      accepted,
      conflicted,
      resolvedRefs: resolved.holds ? kindsResolved : resolved,
      certificates,
      isServed: accepted.holds && (listener.protocol === 'HTTP' || isPassthrough || certificates.length > 0),
      provenance: provenanceOf('Gateway', gateway.metadata, field),
    };
  });
}

function nameOf({ hostname }: Listener): string | undefined {
  return hostname === undefined || hostname === '' ? undefined : hostname.toLowerCase();
}

function acceptedOf(gateway: Gateway, listener: Listener, field: string, conflicted: Verdict): Verdict {
  const { port, protocol, tls } = listener;
  if (!PROTOCOLS.includes(protocol))
    return bad('UnsupportedProtocol', `${field}: ${protocol} is not supported; HTTP, HTTPS and TLS are`);
  if (conflicted.holds) return bad(conflicted.reason, conflicted.message);
  if (port === proxy.controlPort || port === proxy.healthPort)
    return bad('PortUnavailable', `${field}: port ${port} is the proxy's own`);
  const hostname = nameOf(listener);
  if (hostname !== undefined && !isHostname(hostname))
    return bad('UnsupportedValue', `${field}: ${JSON.stringify(hostname)} is no hostname`);
  const unsupported = unsupportedTls(gateway, listener);
  if (protocol !== 'HTTP' && unsupported !== undefined)
    return bad('UnsupportedValue', `${field}: ${unsupported}`);
  if (protocol === 'HTTPS' && tls?.mode === 'Passthrough')
    return bad('UnsupportedValue', `${field}: HTTPS ends here, and cannot pass through`);
  return good('Accepted', 'The listener is accepted');
}

/** What would be weaker than asked for if it were left out of account. */
function unsupportedTls({ spec }: Gateway, { port, tls }: Listener): string | undefined {
  const [option] = Object.keys(tls?.options ?? {});
  if (option !== undefined) return `the TLS option ${option} is not supported`;
  const frontend = spec.tls?.frontend;
  const own = frontend?.perPort?.find(entry => entry.port === port);
  const validation = own === undefined ? frontend?.default?.validation : own.tls.validation;
  return validation === undefined
    ? undefined
    : 'the validation of client certificates (spec.tls.frontend) is not supported';
}

/** Every listener that cannot be told from another one is conflicted: none of them wins (Gateway API, spec.listeners). */
function conflictOf(listener: Listener, listeners: readonly Listener[]): Verdict {
  const others = listeners.filter(
    other => other !== listener && other.port === listener.port && PROTOCOLS.includes(other.protocol),
  );
  if (!PROTOCOLS.includes(listener.protocol)) return bad('NoConflicts', 'No other listener claims the same');
  const protocol = others.find(other => other.protocol !== listener.protocol);
  if (protocol !== undefined)
    return good(
      'ProtocolConflict',
      `Port ${listener.port} is claimed for ${protocol.protocol} by listener ${protocol.name} as well`,
    );
  const same = others.find(other => nameOf(other) === nameOf(listener));
  if (same === undefined) return bad('NoConflicts', 'No other listener claims the same');
  const name = nameOf(listener) ?? 'every hostname';
  return good(
    'HostnameConflict',
    `${name} on port ${listener.port} is claimed by listener ${same.name} as well`,
  );
}

/** The kinds of routes that the listener takes: those of its protocol, or those of them that it lists. */
function readKinds(
  { allowedRoutes, protocol }: Listener,
  field: string,
): { readonly kinds: readonly RouteGroupKind[]; readonly resolved: Verdict } {
  const fit = protocol === 'TLS' ? TLS_ROUTE : PROTOCOLS.includes(protocol) ? ROUTES : [];
  const listed = allowedRoutes?.kinds ?? [];
  const resolved = good('ResolvedRefs', 'All references lead to what they name');
  if (listed.length === 0) return { kinds: fit, resolved };
  const isSame = (a: RouteGroupKind, b: RouteGroupKind) =>
    (a.group ?? GATEWAY_GROUP) === (b.group ?? GATEWAY_GROUP) && a.kind === b.kind;
  const kinds = fit.filter(kind => listed.some(one => isSame(one, kind)));
  const wrong = listed.findIndex(one => !fit.some(kind => isSame(one, kind)));
  if (wrong < 0) return { kinds, resolved };
  const { group = GATEWAY_GROUP, kind } = listed[wrong] ?? { kind: '' };
  return {
    kinds,
    resolved: bad(
      'InvalidRouteKinds',
      `${field}.allowedRoutes.kinds[${wrong}]: ${kind} of ${group === '' ? 'the core group' : group} does not go with ${protocol}`,
    ),
  };
}
