import { parseAddress } from '../base/ip.ts';
import type { Gateway } from '../kube/types/gateway.ts';
import { readCertificate } from './compile-certificates.ts';
import { Claims } from './compile-conflicts.ts';
import { readSets } from './compile-listener-sets.ts';
import { compileOptions } from './compile-options.ts';
import { readListeners } from './compile-listeners.ts';
import { judge } from './compile-verdicts.ts';
import { bad, good } from './model.ts';
import type { GatewayModel, GatewaySources, KnownCertificate, Verdict } from './model.ts';

/** A Gateway of our class: what each of its listeners is, and whether it can be served at all. */
export function readGateway(gateway: Gateway, sources: GatewaySources): GatewayModel {
  const listeners = readListeners(gateway, gateway, new Claims(), sources);
  const accepted = refusal(gateway) ?? judge(listeners, 'Gateway');
  const { namespace = '', name } = gateway.metadata;
  const client = readClientCertificate(gateway, sources);
  const { frontend } = gateway.spec.tls ?? {};
  const validations = [frontend?.default, ...(frontend?.perPort ?? []).map(({ tls }) => tls)];
  const sets = readSets(gateway, listeners, accepted, sources);
  return {
    key: `${namespace}/${name}`,
    gateway,
    accepted: noting(
      sets.some(set => set.accepted.holds) ? carried(accepted) : accepted,
      compileOptions(gateway.metadata).problems,
    ),
    resolvedRefs: client?.resolved,
    listeners,
    sets,
    isInsecure: validations.some(entry => entry?.validation?.mode === 'AllowInsecureFallback'),
    clientCertificate: client?.certificate,
  };
}

/** A Gateway without a listener of its own that can be served is accepted where a set brings some. */
function carried(accepted: Verdict): Verdict {
  if (accepted.holds || accepted.reason !== 'ListenersNotValid') return accepted;
  return good('ListenersNotValid', `${accepted.message}. Those of its ListenerSets are served`);
}

/** An option that is none is left out; the Gateway is served, and says so. */
function noting(accepted: Verdict, problems: readonly string[]): Verdict {
  if (problems.length === 0) return accepted;
  return { ...accepted, message: `${accepted.message}. Not in force: ${problems.join('; ')}` };
}

/** What the Gateway shows to backends (GatewayBackendTLS.clientCertificateRef). */
function readClientCertificate(
  gateway: Gateway,
  sources: GatewaySources,
): { readonly certificate?: KnownCertificate; readonly resolved: Verdict } | undefined {
  const reference = gateway.spec.tls?.backend?.clientCertificateRef;
  if (reference === undefined) return undefined;
  const found = readCertificate(gateway, reference, 'spec.tls.backend.clientCertificateRef', sources);
  if (!('holds' in found))
    return { certificate: found, resolved: good('ResolvedRefs', 'All references lead to what they name') };
  const reason = found.reason === 'InvalidCertificateRef' ? 'InvalidClientCertificateRef' : found.reason;
  return { resolved: { ...found, reason } };
}

/** What the whole Gateway is refused for. */
function refusal({ spec }: Gateway): Verdict | undefined {
  if (spec.infrastructure?.parametersRef !== undefined) {
    const { kind, name } = spec.infrastructure.parametersRef;
    return bad(
      'InvalidParameters',
      `spec.infrastructure.parametersRef: ${kind} ${name} is no kind that parameters are taken from`,
    );
  }
  for (const [index, { type = 'IPAddress', value = '' }] of (spec.addresses ?? []).entries()) {
    const field = `spec.addresses[${index}]`;
    if (type !== 'IPAddress')
      return bad('UnsupportedAddress', `${field}: addresses of type ${type} are not supported; IPAddress is`);
    if (value !== '' && parseAddress(value) === undefined)
      return bad('UnsupportedAddress', `${field}: ${JSON.stringify(value)} is no IP address`);
  }
  return undefined;
}
