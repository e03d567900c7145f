import { proxy } from '../kernel/contract.ts';
import type { Deployment } from '../kube/types/apps.ts';
import type { Secret, ServiceAccount } from '../kube/types/config.ts';
import type { ObjectMeta, OwnerReference } from '../kube/types/meta.ts';
import type { PodSpec } from '../kube/types/pod.ts';
import type { Service, ServicePort } from '../kube/types/service.ts';

/** Everything that is made for proxies carries this. */
export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'fairlead' } as const;
/** Their pods carry it. */
export const COMPONENT = { 'app.kubernetes.io/name': 'fairlead-proxy' } as const;
/** Which labels and annotations of somebody else an object has, so that they go when they are taken back. */
export const INFRASTRUCTURE_KEYS = 'fairlead.dev/infrastructure-keys';
/** Addresses that a Service of type LoadBalancer asks for, separated by commas. */
const LOAD_BALANCER_ADDRESSES = 'fairlead.dev/load-balancer-addresses';

/** Inside of the proxy's container. */
const proxyPaths = {
  key: '/etc/fairlead/control/key',
  state: '/run/fairlead-proxy',
} as const;
const USER = 65_532;

/** Whose proxies they are, and what sets them apart. */
export interface ProxyPlan {
  readonly owner: OwnerReference;
  /** What the proxies are told that they serve: `namespace/name` of a Gateway, `IngressClass/name`. */
  readonly serves: string;
  readonly namespace: string;
  /** Of all objects; a Service may have it. */
  readonly name: string;
  /** Of the pods, and of no others. */
  readonly selector: Readonly<Record<string, string>>;
  /** Beside the selector, of the objects and of the pods. */
  readonly labels: Readonly<Record<string, string>>;
  /** What people want on everything (GatewayInfrastructure). */
  readonly wanted: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly ports: readonly ServicePort[];
  /** That the load balancer is asked for; empty: any. */
  readonly addresses: readonly string[];
}

export interface ProxyObjects {
  readonly serviceAccount: ServiceAccount;
  readonly service: Service;
  readonly deployment: Deployment;
}

/** What serves: proxies, in one namespace, behind a load balancer of their own. */
export function objectsOf(
  plan: ProxyPlan,
  options: { readonly image: string; readonly replicas: number },
): ProxyObjects {
  const metadata = metadataOf(plan, plan.name);
  return {
    serviceAccount: {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata,
      // A proxy asks the API nothing.
      automountServiceAccountToken: false,
    },
    service: serviceOf(plan, metadata),
    deployment: deploymentOf(plan, metadata, options),
  };
}

/** The key with which the agent of a proxy's node and the proxy know each other. */
export const controlSecretOf = (plan: ProxyPlan, key: string): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: metadataOf(plan, controlNameOf(plan.name)),
  type: 'Opaque',
  data: { key },
});

export const controlNameOf = (name: string): string => `${name}-control`;

function metadataOf({ labels, namespace, owner, selector, wanted }: ProxyPlan, name: string): ObjectMeta {
  const keys = [...Object.keys(wanted.labels), ...Object.keys(wanted.annotations)].toSorted().join(',');
  return {
    name,
    namespace,
    labels: { ...wanted.labels, ...selector, ...MANAGED_BY, ...labels },
    annotations: { ...wanted.annotations, [INFRASTRUCTURE_KEYS]: keys },
    ownerReferences: [owner],
  };
}

/**
 * Connections to ports of TCP and UDP listeners are led to the backends of a route before they come to a proxy; without a
 * route they come to where nobody listens, and are refused.
 */
function serviceOf({ addresses, ports, selector }: ProxyPlan, metadata: ObjectMeta): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata:
      addresses.length === 0
        ? metadata
        : {
            ...metadata,
            annotations: { ...metadata.annotations, [LOAD_BALANCER_ADDRESSES]: addresses.join(',') },
          },
    spec: {
      type: 'LoadBalancer',
      // The client's address is kept, for the proxies' log and for policies.
      externalTrafficPolicy: 'Local',
      allocateLoadBalancerNodePorts: false,
      ipFamilyPolicy: 'PreferDualStack',
      selector,
      ports,
    },
  };
}

function deploymentOf(
  plan: ProxyPlan,
  metadata: ObjectMeta,
  { image, replicas }: { readonly image: string; readonly replicas: number },
): Deployment {
  const { labels, annotations } = plan.wanted;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas,
      selector: { matchLabels: plan.selector },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: {
          labels: { ...labels, ...metadata.labels },
          ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
        },
        spec: podOf(plan, image),
      },
    },
  };
}

/**
 * No ports are declared: a listener may come or go on a running proxy. The probes ask whether a table is there
 * (readiness), and whether the process works.
 */
function podOf({ name, selector, serves }: ProxyPlan, image: string): PodSpec {
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
        labelSelector: { matchLabels: selector },
      },
    ],
    containers: [
      {
        name: 'proxy',
        image,
        args: ['--gateway', serves, '--key', proxyPaths.key, '--state', proxyPaths.state],
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
      { name: 'control', secret: { secretName: controlNameOf(name), defaultMode: 0o440 } },
      { name: 'state', emptyDir: {} },
    ],
  };
}
