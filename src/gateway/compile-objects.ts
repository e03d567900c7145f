import type { Secret } from '../kube/types/config.ts';
import type { Gateway } from '../kube/types/gateway.ts';
import type { ServicePort } from '../kube/types/service.ts';
import { COMPONENT, controlNameOf, controlSecretOf, objectsOf } from './compile-proxy-objects.ts';
import type { ProxyObjects, ProxyPlan } from './compile-proxy-objects.ts';
import { requestedAddresses } from './compile-status.ts';
import { GATEWAY_LABEL, allListeners } from './model.ts';
import type { GatewayModel } from './model.ts';

const CLASS_LABEL = 'gateway.networking.k8s.io/gateway-class-name';
/** A name's beginning and a digest take the place of one that is too long, or no name of a Service. */
const LONGEST_NAME = 63;

export interface ProxyOptions {
  readonly image: string;
  readonly replicas: number;
  /** Of a text in hexadecimal digits; cryptography stays outside. */
  readonly digest: (text: string) => string;
}

/** What makes a Gateway reachable: proxies, in its own namespace, behind a load balancer of their own (GEP-1762). */
export const proxyObjects = (model: GatewayModel, options: ProxyOptions): ProxyObjects =>
  objectsOf(
    {
      ...planOf(model.gateway, options.digest),
      ports: portsOf(model),
      addresses: requestedAddresses(model.gateway),
    },
    options,
  );

/** The key with which the agent of a proxy's node and the proxy know each other. */
export const controlSecret = (gateway: Gateway, key: string, digest: ProxyOptions['digest']): Secret =>
  controlSecretOf(planOf(gateway, digest), key);

/** `<gateway>-<class>` (GEP-1762), as a name that a Service may have. */
export function proxyName({ metadata, spec }: Gateway, digest: ProxyOptions['digest']): string {
  const suffix = `-${spec.gatewayClassName}`;
  const plain = `${metadata.name}${suffix}`;
  if (plain.length <= LONGEST_NAME && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(plain)) return plain;
  const start = metadata.name
    .replaceAll('.', '-')
    .slice(0, 40)
    .replace(/^[^a-z]+/, '')
    .replace(/-+$/, '');
  return `${start === '' ? 'gateway' : start}-${digest(plain).slice(0, 10)}`;
}

export const controlSecretName = (gateway: Gateway, digest: ProxyOptions['digest']): string =>
  controlNameOf(proxyName(gateway, digest));

/** A Gateway's name may be longer than a label's value. */
export function gatewayLabel(name: string, digest: ProxyOptions['digest']): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, 52)}-${digest(name).slice(0, 10)}`;
}

function planOf(gateway: Gateway, digest: ProxyOptions['digest']): ProxyPlan {
  const { metadata, spec } = gateway;
  const { annotations = {}, labels = {} } = spec.infrastructure ?? {};
  const namespace = metadata.namespace ?? '';
  return {
    owner: {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      name: metadata.name,
      uid: metadata.uid ?? '',
      controller: true,
      blockOwnerDeletion: true,
    },
    serves: `${namespace}/${metadata.name}`,
    namespace,
    name: proxyName(gateway, digest),
    selector: { [GATEWAY_LABEL]: gatewayLabel(metadata.name, digest), ...COMPONENT },
    labels: { [CLASS_LABEL]: gatewayLabel(spec.gatewayClassName, digest) },
    wanted: { annotations, labels },
    ports: [],
    addresses: [],
  };
}

/** The ports of accepted listeners: also of one whose certificate is missing, so that it keeps its place. */
function portsOf(model: GatewayModel): readonly ServicePort[] {
  const accepted = allListeners(model).filter(listener => listener.accepted.holds);
  const ports = new Map<string, ServicePort>();
  for (const {
    listener: { port, protocol },
  } of accepted) {
    const isUdp = protocol === 'UDP';
    const name = `port-${port}${isUdp ? '-udp' : ''}`;
    ports.set(name, { name, protocol: isUdp ? 'UDP' : 'TCP', port, targetPort: port });
  }
  return [...ports.values()].toSorted(
    (a, b) => a.port - b.port || ((a.name ?? '') < (b.name ?? '') ? -1 : 1),
  );
}
