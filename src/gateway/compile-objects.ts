import { proxy } from '../kernel/contract.ts';
import type { Deployment } from '../kube/types/apps.ts';
import type { Secret, ServiceAccount } from '../kube/types/config.ts';
import type { Gateway } from '../kube/types/gateway.ts';
import type { ObjectMeta, OwnerReference } from '../kube/types/meta.ts';
import type { PodSpec } from '../kube/types/pod.ts';
import type { Service, ServicePort } from '../kube/types/service.ts';
import { requestedAddresses } from './compile-status.ts';
import { GATEWAY_LABEL, allListeners } from './model.ts';
import type { GatewayModel } from './model.ts';

/** Everything that is made for a Gateway carries this. */
export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'fairlead' } as const;
const COMPONENT = { 'app.kubernetes.io/name': 'fairlead-proxy' } as const;
const CLASS_LABEL = 'gateway.networking.k8s.io/gateway-class-name';
/** Which labels and annotations of GatewayInfrastructure an object has, so that they go when they are taken back. */
export const INFRASTRUCTURE_KEYS = 'fairlead.dev/infrastructure-keys';
/** Addresses that a Service of type LoadBalancer asks for, separated by commas. */
const LOAD_BALANCER_ADDRESSES = 'fairlead.dev/load-balancer-addresses';

/** Inside of the proxy's container. */
export const proxyPaths = {
  key: '/etc/fairlead/control/key',
  state: '/run/fairlead-proxy',
} as const;
const USER = 65_532;
/** A name's beginning and a digest take the place of one that is too long, or no name of a Service. */
const LONGEST_NAME = 63;

export interface ProxyOptions {
  readonly image: string;
  readonly replicas: number;
  /** Of a text in hexadecimal digits; cryptography stays outside. */
  readonly digest: (text: string) => string;
}

export interface ProxyObjects {
  readonly serviceAccount: ServiceAccount;
  readonly service: Service;
  readonly deployment: Deployment;
}

/** What makes a Gateway reachable: proxies, in its own namespace, behind a load balancer of their own (GEP-1762). */
export function proxyObjects(model: GatewayModel, options: ProxyOptions): ProxyObjects {
  const { gateway } = model;
  const metadata = metadataOf(gateway, proxyName(gateway, options.digest), options.digest);
  return {
    serviceAccount: {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata,
      // A proxy asks the API nothing.
      automountServiceAccountToken: false,
    },
    service: serviceOf(model, metadata, options),
    deployment: deploymentOf(gateway, metadata, options),
  };
}

/** The key with which the agent of a proxy's node and the proxy know each other. */
export function controlSecret(gateway: Gateway, key: string, digest: ProxyOptions['digest']): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadataOf(gateway, controlSecretName(gateway, digest), digest),
    type: 'Opaque',
    data: { key },
  };
}

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
  `${proxyName(gateway, digest)}-control`;

/** A Gateway's name may be longer than a label's value. */
export function gatewayLabel(name: string, digest: ProxyOptions['digest']): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, 52)}-${digest(name).slice(0, 10)}`;
}

const selectorOf = ({ metadata }: Gateway, digest: ProxyOptions['digest']) => ({
  [GATEWAY_LABEL]: gatewayLabel(metadata.name, digest),
  ...COMPONENT,
});

function ownerOf({ metadata }: Gateway): OwnerReference {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    name: metadata.name,
    uid: metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

function metadataOf(gateway: Gateway, name: string, digest: ProxyOptions['digest']): ObjectMeta {
  const { annotations = {}, labels = {} } = gateway.spec.infrastructure ?? {};
  const keys = [...Object.keys(labels), ...Object.keys(annotations)].toSorted().join(',');
  return {
    name,
    namespace: gateway.metadata.namespace ?? '',
    labels: {
      ...labels,
      ...selectorOf(gateway, digest),
      ...MANAGED_BY,
      [CLASS_LABEL]: gatewayLabel(gateway.spec.gatewayClassName, digest),
    },
    annotations: { ...annotations, [INFRASTRUCTURE_KEYS]: keys },
    ownerReferences: [ownerOf(gateway)],
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

/**
 * Connections to ports of TCP and UDP listeners are led to the backends of a route before they come to a proxy; without a
 * route they come to where nobody listens, and are refused.
 */
function serviceOf(model: GatewayModel, metadata: ObjectMeta, { digest }: ProxyOptions): Service {
  const { gateway } = model;
  const asked = requestedAddresses(gateway);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata:
      asked.length === 0
        ? metadata
        : {
            ...metadata,
            annotations: { ...metadata.annotations, [LOAD_BALANCER_ADDRESSES]: asked.join(',') },
          },
    spec: {
      type: 'LoadBalancer',
      // The client's address is kept, for the proxies' log and for policies.
      externalTrafficPolicy: 'Local',
      allocateLoadBalancerNodePorts: false,
      ipFamilyPolicy: 'PreferDualStack',
      selector: selectorOf(gateway, digest),
      ports: portsOf(model),
    },
  };
}

function deploymentOf(
  gateway: Gateway,
  metadata: ObjectMeta,
  { image, replicas, digest }: ProxyOptions,
): Deployment {
  const { labels = {}, annotations = {} } = gateway.spec.infrastructure ?? {};
  const selector = { matchLabels: selectorOf(gateway, digest) };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas,
      selector,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: {
          labels: { ...labels, ...metadata.labels },
          ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
        },
        spec: podOf(gateway, metadata.name, image, selector, digest),
      },
    },
  };
}

/**
 * No ports are declared: a listener may come or go on a running proxy. The probes ask whether a table is there
 * (readiness), and whether the process works.
 */
function podOf(
  gateway: Gateway,
  name: string,
  image: string,
  selector: { readonly matchLabels: Readonly<Record<string, string>> },
  digest: ProxyOptions['digest'],
): PodSpec {
  const field = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } });
  const probe = (path: string) => ({ httpGet: { path, port: proxy.healthPort } });
  return {
    serviceAccountName: name,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      // Listeners have the ports that people wrote, also those below 1024.
      sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: selector,
      },
    ],
    containers: [
      {
        name: 'proxy',
        image,
        args: [
          '--gateway',
          `${gateway.metadata.namespace ?? ''}/${gateway.metadata.name}`,
          '--key',
          proxyPaths.key,
          '--state',
          proxyPaths.state,
        ],
        env: [
          { name: 'POD_NAME', ...field('metadata.name') },
          { name: 'POD_NAMESPACE', ...field('metadata.namespace') },
          { name: 'POD_IP', ...field('status.podIP') },
          { name: 'NODE_NAME', ...field('spec.nodeName') },
        ],
        readinessProbe: { ...probe('/ready'), periodSeconds: 1, failureThreshold: 3 },
        livenessProbe: { ...probe('/healthz'), periodSeconds: 10, failureThreshold: 3 },
        resources: { requests: { cpu: '50m', memory: '64Mi' } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [
          { name: 'control', mountPath: '/etc/fairlead/control', readOnly: true },
          { name: 'state', mountPath: proxyPaths.state },
        ],
      },
    ],
    volumes: [
      { name: 'control', secret: { secretName: controlSecretName(gateway, digest), defaultMode: 0o440 } },
      { name: 'state', emptyDir: {} },
    ],
  };
}
