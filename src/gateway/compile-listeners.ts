import { provenanceOf } from '../base/provenance.ts';
import { proxy } from '../kernel/contract.ts';
import type { Gateway, Listener, ListenerSet, RouteGroupKind } from '../kube/types/gateway.ts';
import { readAuthorities } from './compile-authorities.ts';
import { readCertificates } from './compile-certificates.ts';
import { Claims, nameOf } from './compile-conflicts.ts';
import { isHostname } from './compile-hostname.ts';
import { GATEWAY_GROUP, bad, good } from './model.ts';
import type { GatewaySources, ListenerModel, Verdict } from './model.ts';
import type { TableClientValidation } from './table.ts';

const kindsOf = (...kinds: readonly string[]): readonly RouteGroupKind[] =>
  kinds.map(kind => ({ group: GATEWAY_GROUP, kind }));

/** The kinds of routes that fit each protocol. */
const ROUTES: Readonly<Record<string, readonly RouteGroupKind[]>> = {
  HTTP: kindsOf('HTTPRoute', 'GRPCRoute'),
  HTTPS: kindsOf('HTTPRoute', 'GRPCRoute'),
  TLS: kindsOf('TLSRoute'),
  TCP: kindsOf('TCPRoute'),
  UDP: kindsOf('UDPRoute'),
};
const isKnown = (protocol: string): boolean => Object.hasOwn(ROUTES, protocol);

/**
 * Listeners of a Gateway, or of a set of it, with what is wrong with each. Of a Gateway's own every one that cannot be told
 * from another is conflicted: none of them wins (Gateway API, spec.listeners). Those of a set lose to `claims`, and the
 * others join them.
 */
export function readListeners(
  gateway: Gateway,
  owner: Gateway | ListenerSet,
  claims: Claims,
  sources: GatewaySources,
): readonly ListenerModel[] {
  const { listeners } = owner.spec;
  const prefix = owner.kind === 'Gateway' ? '' : `${owner.metadata.namespace ?? ''}/${owner.metadata.name}/`;
  // What we do not serve claims nothing.
  const known = listeners.filter(({ protocol }) => isKnown(protocol));
  const rivalsOf = (listener: Listener) => {
    if (!known.includes(listener)) return new Claims();
    return owner.kind === 'Gateway' ? new Claims(known.filter(other => other !== listener)) : claims;
  };
  return listeners.map((listener, index): ListenerModel => {
    const field = `spec.listeners[${index}]`;
    const conflicted = rivalsOf(listener).conflict(listener);
    // Who lost does not stand in the way of others.
    if (owner.kind === 'ListenerSet' && known.includes(listener) && !conflicted.holds) claims.add(listener);
    const { kinds, resolved: kindsResolved } = readKinds(listener, field);
    const isPassthrough = listener.protocol === 'TLS' && listener.tls?.mode === 'Passthrough';
    const endsTls = (listener.protocol === 'HTTPS' || listener.protocol === 'TLS') && !isPassthrough;
    const resolved = good('ResolvedRefs', 'All references lead to what they name');
    const found = endsTls
      ? readCertificates(owner, listener, field, sources)
      : { certificates: [], resolved };
    const clients = endsTls ? readValidation(gateway, listener.port, sources) : undefined;
    const accepted = acceptedOf(listener, field, conflicted, clients);
    return {
      name: `${prefix}${listener.name}`,
      owner,
      listener,
      hostname: nameOf(listener),
      supportedKinds: kinds,
      accepted,
      conflicted,
      resolvedRefs:
        [found.resolved, clients?.resolved ?? resolved].find(({ holds }) => !holds) ?? kindsResolved,
      certificates: found.certificates,
      clientValidation: clients?.validation,
      isServed: accepted.holds && (!endsTls || found.certificates.length > 0),
      provenance: provenanceOf(owner.kind, owner.metadata, field),
    };
  });
}

function acceptedOf(
  listener: Listener,
  field: string,
  conflicted: Verdict,
  clients: ReadValidation | undefined,
): Verdict {
  const { port, protocol, tls } = listener;
  if (!isKnown(protocol))
    return bad(
      'UnsupportedProtocol',
      `${field}: ${protocol} is not supported; ${Object.keys(ROUTES).join(', ')} are`,
    );
  if (conflicted.holds) return bad(conflicted.reason, conflicted.message);
  if (port === proxy.controlPort || port === proxy.healthPort)
    return bad('PortUnavailable', `${field}: port ${port} is the proxy's own`);
  const hostname = nameOf(listener);
  if (hostname !== undefined && !isHostname(hostname))
    return bad('UnsupportedValue', `${field}: ${JSON.stringify(hostname)} is no hostname`);
  // What would be weaker than asked for if it were left out of account.
  const [option] = Object.keys(tls?.options ?? {});
  if (option !== undefined)
    return bad('UnsupportedValue', `${field}: the TLS option ${option} is not supported`);
  if (protocol === 'HTTPS' && tls?.mode === 'Passthrough')
    return bad('UnsupportedValue', `${field}: HTTPS ends here, and cannot pass through`);
  if (clients !== undefined && clients.validation === undefined)
    return bad('NoValidCACertificate', clients.resolved.message);
  return good('Accepted', 'The listener is accepted');
}

interface ReadValidation {
  /** Undefined where no authority could be read: nobody could prove anything. */
  readonly validation: TableClientValidation | undefined;
  readonly resolved: Verdict;
}

/** What clients of a port have to prove; that of the port comes before the default (FrontendTLSConfig). */
function readValidation(gateway: Gateway, port: number, sources: GatewaySources): ReadValidation | undefined {
  const frontend = gateway.spec.tls?.frontend;
  const at = frontend?.perPort?.findIndex(entry => entry.port === port) ?? -1;
  const validation = (at < 0 ? frontend?.default : frontend?.perPort?.[at]?.tls)?.validation;
  if (validation === undefined) return undefined;
  const { caCertificateRefs, mode = 'AllowValidOnly' } = validation;
  const place = `spec.tls.frontend.${at < 0 ? 'default' : `perPort[${at}].tls`}.validation.caCertificateRefs`;
  const referrer = {
    kind: 'Gateway',
    namespace: gateway.metadata.namespace ?? '',
    wrongKind: 'InvalidCACertificateKind',
  } as const;
  const { authorities, resolved } = readAuthorities(referrer, caCertificateRefs, place, sources);
  return { validation: authorities === undefined ? undefined : { mode, authorities }, resolved };
}

/** The kinds of routes that the listener takes: those of its protocol, or those of them that it lists. */
function readKinds(
  { allowedRoutes, protocol }: Listener,
  field: string,
): { readonly kinds: readonly RouteGroupKind[]; readonly resolved: Verdict } {
  const fit = (isKnown(protocol) ? ROUTES[protocol] : undefined) ?? [];
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
