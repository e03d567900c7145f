import type { Node, NodeCondition, NodeStatus } from '../../../kube/types/core.ts';
import { timestampOf } from '../../../kube/timestamps.ts';
import type { NodeConfig } from '../../cluster.ts';
import { KUBELET_VERSION, type Machine } from './machine.ts';

/** Pods that a node takes: as many as its IPv4 prefix has addresses for, and not more than kubelets allow. */
const POD_LIMIT = 110;

/** Labels that a kubelet sets on its node and keeps set. */
export function nodeLabels(node: NodeConfig, machine: Machine): Readonly<Record<string, string>> {
  return {
    'kubernetes.io/hostname': node.name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': machine.architecture,
    'beta.kubernetes.io/os': 'linux',
    'beta.kubernetes.io/arch': machine.architecture,
    'topology.kubernetes.io/region': 'local',
    'topology.kubernetes.io/zone': `link-${node.link}`,
  };
}

/** Capacity is the machine's: nodes share it, as pods would on one host. */
export function nodeResources(machine: Machine): Readonly<Record<string, string>> {
  return {
    cpu: String(machine.cores),
    memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    'ephemeral-storage': '0',
    pods: String(POD_LIMIT),
  };
}

export function newNode(node: NodeConfig, machine: Machine): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: node.name,
      labels: nodeLabels(node, machine),
      annotations: {
        'fairlead.dev/images':
          'Images stand for built-in programs and programs of this machine; nothing is pulled.',
      },
    },
    spec: {
      providerID: `fairlead://${node.name}`,
      taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }],
    },
  };
}

export interface Readiness {
  readonly ready: boolean;
  readonly message: string;
}

export function nodeStatus(
  node: NodeConfig,
  machine: Machine,
  readiness: Readiness,
  before: readonly NodeCondition[],
  now: number,
): NodeStatus {
  return {
    capacity: nodeResources(machine),
    allocatable: nodeResources(machine),
    addresses: [
      ...node.addresses.map(address => ({ type: 'InternalIP', address }) as const),
      { type: 'Hostname', address: node.name },
    ],
    conditions: conditions(readiness, before, now),
    daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
    nodeInfo: { ...machine.info, kubeletVersion: KUBELET_VERSION },
  };
}

type Finding = Pick<NodeCondition, 'type' | 'status' | 'reason' | 'message'>;

/** The conditions that a kubelet owns. */
export function ownConditions(readiness: Readiness): readonly Finding[] {
  const healthy = [
    ['MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ['DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    ['PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ] as const;
  return [
    ...healthy.map(([type, reason, message]) => ({ type, status: 'False', reason, message }) as const),
    {
      type: 'Ready',
      status: readiness.ready ? 'True' : 'False',
      reason: readiness.ready ? 'KubeletReady' : 'KubeletNotReady',
      message: readiness.message,
    },
  ];
}

function conditions(
  readiness: Readiness,
  before: readonly NodeCondition[],
  now: number,
): readonly NodeCondition[] {
  const found = ownConditions(readiness);
  const others = before.filter(condition => !found.some(each => each.type === condition.type));
  const own = found.map(condition => {
    const known = before.find(each => each.type === condition.type);
    const kept = known?.status === condition.status ? known.lastTransitionTime : undefined;
    return {
      ...condition,
      lastHeartbeatTime: timestampOf(now),
      lastTransitionTime: kept ?? timestampOf(now),
    };
  });
  return [...others, ...own];
}
