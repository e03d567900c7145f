import { parseAddress } from '../base/ip.ts';
import type { Gateway } from '../kube/types/gateway.ts';
import { readListeners } from './compile-listeners.ts';
import { bad, good } from './model.ts';
import type { GatewayModel, GatewaySources, ListenerModel, Verdict } from './model.ts';

/** A Gateway of our class: what each of its listeners is, and whether it can be served at all. */
export function readGateway(gateway: Gateway, sources: GatewaySources): GatewayModel {
  const listeners = readListeners(gateway, sources);
  const { namespace = '', name } = gateway.metadata;
  const client = gateway.spec.tls?.backend?.clientCertificateRef;
  return {
    key: `${namespace}/${name}`,
    gateway,
    accepted: refusal(gateway) ?? judge(listeners),
    resolvedRefs:
      client === undefined
        ? undefined
        : bad(
            'InvalidClientCertificateRef',
            'spec.tls.backend.clientCertificateRef: client certificates toward backends are not supported',
          ),
    listeners,
  };
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

function judge(listeners: readonly ListenerModel[]): Verdict {
  const wrong = listeners.filter(({ accepted }) => !accepted.holds);
  if (wrong.length === 0) return good('Accepted', 'The Gateway is accepted');
  const nameOf = ({ listener }: ListenerModel) => listener.name;
  const right = listeners.filter(({ accepted }) => accepted.holds);
  const refused = wrong.map(({ listener, accepted }) => `${listener.name} (${accepted.reason})`).join(', ');
  if (right.length === 0) return bad('ListenersNotValid', `No listener can be accepted: ${refused}`);
  const message = `Accepted: ${right.map(nameOf).join(', ')}. Not accepted: ${refused}`;
  return good('ListenersNotValid', message);
}
