import { timestampOf } from '../kube/timestamps.ts';
import type { Pod, PodCondition, PodStatus } from '../kube/types/core.ts';
import type { Node } from '../kube/types/node.ts';
import type { Service, ServicePort } from '../kube/types/service.ts';

/** Where every cluster has its DNS, and by which people's policies find it. */
export const dnsNamespace = 'kube-system';
export const dnsServiceName = 'kube-dns';
export const dnsLabels = { 'k8s-app': 'kube-dns' } as const;

const container = 'dns';
const image = 'builtin://dns';
/** Whose presence tells everyone that the node runs this pod by itself. */
const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** The Service of the DNS addresses; every node answers these itself, and the Service tells who that is. */
export function dnsService(addresses: readonly string[]): Service {
  const port = (name: string, protocol: 'UDP' | 'TCP'): ServicePort => ({
    name,
    protocol,
    port: 53,
    targetPort: 53,
  });
  const ipFamilies = addresses.map(address => (address.includes(':') ? 'IPv6' : 'IPv4'));
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: dnsServiceName,
      namespace: dnsNamespace,
      labels: { ...dnsLabels, 'kubernetes.io/name': 'CoreDNS', 'kubernetes.io/cluster-service': 'true' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: addresses[0] ?? '',
      clusterIPs: addresses,
      ipFamilies,
      ipFamilyPolicy: addresses.length > 1 ? 'RequireDualStack' : 'SingleStack',
      selector: dnsLabels,
      ports: [port('dns', 'UDP'), port('dns-tcp', 'TCP')],
    },
  };
}

export const mirrorPodName = (node: string): string => `${dnsServiceName}-${node}`;

/** The pod that stands for a node's DNS server, as a kubelet's mirror of a static pod does. */
export function mirrorPod(node: Node): Pod {
  const { name, uid = '' } = node.metadata;
  const port = (portName: string, protocol: 'UDP' | 'TCP') => ({
    name: portName,
    protocol,
    containerPort: 53,
    hostPort: 53,
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: mirrorPodName(name),
      namespace: dnsNamespace,
      labels: dnsLabels,
      annotations: { [mirrorAnnotation]: uid },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid, controller: true }],
    },
    spec: {
      nodeName: name,
      hostNetwork: true,
      dnsPolicy: 'Default',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      tolerations: [{ operator: 'Exists' }],
      containers: [{ name: container, image, ports: [port('dns', 'UDP'), port('dns-tcp', 'TCP')] }],
    },
  };
}

/**
 * What the pod's status has to say while its node is Ready; undefined when it says it, and for a node that is not: then
 * others have the word.
 */
export function mirrorStatus(pod: Pod, node: Node, now: number): PodStatus | undefined {
  const isNodeReady = node.status?.conditions?.some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  );
  const addresses = (node.status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .map(({ address }) => ({ ip: address }));
  const [first] = addresses;
  if (isNodeReady !== true || first === undefined) return undefined;
  const status = pod.status;
  const time = timestampOf(now);
  const says = (type: string) =>
    status?.conditions?.find(condition => condition.type === type && condition.status === 'True');
  const types = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'];
  const isSaid =
    status?.phase === 'Running' &&
    types.every(type => says(type) !== undefined) &&
    JSON.stringify(status.podIPs ?? []) === JSON.stringify(addresses);
  if (isSaid) return undefined;
  const conditions = types.map(
    (type): PodCondition => says(type) ?? { type, status: 'True', lastTransitionTime: time },
  );
  const startTime = status?.startTime ?? time;
  return {
    phase: 'Running',
    conditions,
    hostIP: first.ip,
    hostIPs: addresses,
    podIP: first.ip,
    podIPs: addresses,
    startTime,
    qosClass: 'BestEffort',
    containerStatuses: [
      {
        name: container,
        image,
        imageID: image,
        ready: true,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: startTime } },
      },
    ],
  };
}
