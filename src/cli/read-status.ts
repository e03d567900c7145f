import { systemClock } from '../base/clock.ts';
import { sentenceOf } from '../base/errors.ts';
import { cgroupProcesses } from '../kernel/cgroup/index.ts';
import { cgroups } from '../kernel/contract.ts';
import { isRunning, proportionalSetSize } from '../kernel/process/index.ts';
import { createClient, type KubeClient } from '../kube/client.ts';
import { loadKubeconfig } from '../kube/kubeconfig.ts';
import { GATEWAYS, HTTP_ROUTES, NODES, PODS, SERVICES } from '../kube/resources.ts';
import type { KubeObject } from '../kube/types/meta.ts';
import type { Node } from '../kube/types/node.ts';
import type { Pod } from '../kube/types/pod.ts';
import { type ClusterConfig, clusterFiles, loadCluster } from '../standalone/cluster.ts';
import { type ProcessRecord, readProcessTable } from '../standalone/topology/supervise/process-table.ts';
import { gatewayReadiness, loadBalancerReadiness, routeReadiness } from './apply/network-readiness.ts';
import type { Readiness } from './apply/readiness.ts';
import { readAgents } from './agent-problems.ts';
import type { ServiceMode } from './agent-problems.ts';
import { type LoadBalancerStatus, loadBalancersOf } from './load-balancers.ts';
import { problemOf } from './pod-problem.ts';
import { lastErrorIn } from '../standalone/topology/supervise/process-log.ts';

/** What `status -o json` prints. */
export interface ClusterStatus {
  readonly cluster: string;
  readonly topology: string;
  readonly outside: boolean;
  readonly apiServer: string;
  readonly kubeconfig: string;
  readonly nodes: readonly NodeStatus[];
  readonly pods: readonly PodStatus[];
  readonly loadBalancers: readonly LoadBalancerStatus[];
  readonly processes: readonly ProcessStatus[];
  /** Of everything in the cluster's control group: its own processes, and those in pods. */
  readonly memory: { readonly ownBytes: number; readonly podBytes: number };
  readonly problems: readonly Problem[];
}

export interface NodeStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly link: number;
  readonly addresses: readonly string[];
  readonly podPrefixes: readonly string[];
  readonly pods: number;
  /** How Services are translated there; null while the agent does not say. */
  readonly services?: ServiceMode | null;
}

export interface PodStatus {
  readonly namespace: string;
  readonly name: string;
  readonly node: string | null;
  readonly phase: string;
  readonly ready: boolean;
  readonly restarts: number;
  readonly addresses: readonly string[];
}

export interface ProcessStatus {
  readonly name: string;
  readonly pid: number | null;
  readonly running: boolean;
  readonly restarts: number;
  readonly lastEnd: string | null;
  /** Proportional set size: its own memory, and its share of what it shares. */
  readonly pssBytes: number;
  readonly uptimeSeconds: number | null;
}

export interface Problem {
  readonly object: string;
  readonly text: string;
  readonly hint?: string;
}

const answerMilliseconds = 3000;

export async function readStatus(cluster: string): Promise<ClusterStatus> {
  const option = `--name ${cluster}`;
  const config = loadCluster(cluster);
  if (config === undefined) return withoutConfig(cluster);
  const { processes, problems: processProblems } = readProcesses(config, option);
  const [{ nodes, pods, loadBalancers, problems }, agents] = await Promise.all([
    readObjects(config, option),
    readAgents(config),
  ]);
  const own = new Set(processes.map(process => process.pid));
  const others = cgroupProcesses(cgroups.cluster(cluster)).filter(pid => !own.has(pid));
  return {
    cluster,
    topology: config.topology,
    outside: config.outside,
    apiServer: `https://${config.apiServer.host}:${config.apiServer.port}`,
    kubeconfig: clusterFiles.kubeconfig(cluster, 'admin'),
    nodes: nodes.map(node => {
      const { mode = null, reason = '' } = agents.serviceModes.get(node.name) ?? {};
      return { ...node, services: mode === null ? null : { mode, reason } };
    }),
    pods,
    loadBalancers,
    processes,
    memory: {
      ownBytes: sum(processes.map(it => it.pssBytes)),
      podBytes: sum(others.map(proportionalSetSize)),
    },
    problems: [
      ...processProblems,
      ...problems.filter(({ object }) => !isExplained(object, processes, processProblems)),
      ...agents.problems,
    ],
  };
}

/** Why the API server does not answer is said by its process, or by the absence of it: then nobody starts it. */
const isExplained = (
  object: string,
  processes: readonly ProcessStatus[],
  problems: readonly Problem[],
): boolean =>
  problems.some(it => it.object === object) ||
  (object === 'Process/control-plane' && !processes.some(it => it.name === 'control-plane' && it.running));

function withoutConfig(cluster: string): ClusterStatus {
  return {
    cluster,
    topology: 'unknown',
    outside: false,
    apiServer: '',
    kubeconfig: '',
    nodes: [],
    pods: [],
    loadBalancers: [],
    processes: [],
    memory: { ownBytes: 0, podBytes: 0 },
    problems: [
      {
        object: `Cluster/${cluster}`,
        text: 'parts of it are there, but its configuration is not: it was half made, or half removed',
        hint: `fairlead down --name ${cluster}`,
      },
    ],
  };
}

function readProcesses(config: ClusterConfig, option: string) {
  const table = readProcessTable(config.name);
  const problems: Problem[] = [];
  if (table === undefined || !isRunning(table.supervisor)) {
    problems.push({
      object: 'Process/supervisor',
      text: 'does not run: what runs goes on, and nothing that ends is started again',
      hint: `fairlead up ${option}`,
    });
  }
  const records: readonly ProcessRecord[] =
    table === undefined
      ? []
      : [
          { name: 'supervisor', identity: table.supervisor, restarts: 0, failuresInRow: 0, startedAt: 0 },
          ...table.processes,
        ];
  const processes = records.map(statusOf);
  for (const { name, startedAt } of records) {
    const process = processes.find(it => it.name === name);
    if (process === undefined || process.running || name === 'supervisor') continue;
    const said = lastErrorIn(config.name, name, startedAt);
    problems.push({
      object: `Process/${process.name}`,
      text: `does not run: ${process.lastEnd ?? 'it ended'}${said === undefined ? '' : `: ${said.sentence}`}`,
      hint: said?.hint ?? `fairlead logs ${option} ${process.name}`,
    });
  }
  return { processes, problems };
}

function statusOf(record: ProcessRecord): ProcessStatus {
  const { name, identity, restarts, lastEnd, startedAt } = record;
  const running = identity !== undefined && isRunning(identity);
  return {
    name,
    pid: running ? identity.pid : null,
    running,
    restarts,
    lastEnd: lastEnd ?? null,
    pssBytes: running ? proportionalSetSize(identity.pid) : 0,
    uptimeSeconds: running && startedAt > 0 ? Math.round((systemClock.now() - startedAt) / 1000) : null,
  };
}

interface Objects {
  readonly nodes: readonly NodeStatus[];
  readonly pods: readonly PodStatus[];
  readonly loadBalancers: readonly LoadBalancerStatus[];
  readonly problems: readonly Problem[];
}

async function readObjects(config: ClusterConfig, option: string): Promise<Objects> {
  let client: KubeClient | undefined;
  try {
    client = createClient(loadKubeconfig(clusterFiles.kubeconfig(config.name, 'admin')));
    const signal = AbortSignal.timeout(answerMilliseconds);
    const [nodes, pods, services, gateways, routes] = await Promise.all([
      client.list(NODES, { signal }),
      client.list(PODS, { signal }),
      client.list(SERVICES, { signal }),
      client.list(GATEWAYS, { signal }),
      client.list(HTTP_ROUTES, { signal }),
    ]);
    const { problems, ...objects } = objectsOf(config, nodes.items, pods.items, option);
    return {
      ...objects,
      loadBalancers: loadBalancersOf(services.items),
      problems: [
        ...problems,
        ...services.items.flatMap(it => entranceProblem(it, loadBalancerReadiness(it))),
        ...gateways.items.flatMap(it => entranceProblem(it, gatewayReadiness(it))),
        ...routes.items.flatMap(it => entranceProblem(it, routeReadiness(it))),
      ],
    };
  } catch (error) {
    const problem = {
      object: 'Process/control-plane',
      text: `the API server does not answer: ${sentenceOf(error)}`,
      hint: `fairlead logs ${option} control-plane`,
    };
    return { nodes: [], pods: [], loadBalancers: [], problems: [problem] };
  } finally {
    client?.close();
  }
}

function objectsOf(
  config: ClusterConfig,
  nodes: readonly Node[],
  pods: readonly Pod[],
  option: string,
): Omit<Objects, 'loadBalancers'> {
  const problems: Problem[] = [];
  const present = new Map(nodes.map(node => [node.metadata.name, node]));
  for (const { name } of config.nodes) {
    const ready = readyOf(present.get(name));
    if (ready?.status === 'True') continue;
    problems.push({
      object: `Node/${name}`,
      text: `is not ready: ${present.has(name) ? (ready?.message ?? 'it says nothing') : 'it has not registered'}`,
      hint: `fairlead logs ${option} agent-${name}`,
    });
  }
  for (const pod of pods) {
    const problem = problemOf(pod);
    if (problem === undefined) continue;
    const { namespace = 'default', name } = pod.metadata;
    problems.push({
      object: `Pod/${namespace}/${name}`,
      text: problem.text,
      hint: `kubectl describe pod -n ${namespace} ${name}`,
    });
  }
  return {
    nodes: config.nodes.map(it => nodeStatus(it, present.get(it.name), pods)),
    pods: pods.map(podStatus),
    problems,
  };
}

/** What does not lead into the cluster as its spec says. */
function entranceProblem({ kind, metadata }: KubeObject, readiness: Readiness): readonly Problem[] {
  if (readiness.state === 'ready') return [];
  const { namespace = 'default', name } = metadata;
  const hint = `kubectl describe ${kind.toLowerCase()} -n ${namespace} ${name}`;
  return [{ object: `${kind}/${namespace}/${name}`, text: readiness.why, hint }];
}

function nodeStatus(
  { name, link, addresses }: ClusterConfig['nodes'][number],
  node: Node | undefined,
  pods: readonly Pod[],
): NodeStatus {
  return {
    name,
    ready: readyOf(node)?.status === 'True',
    link,
    addresses,
    podPrefixes: node?.spec?.podCIDRs ?? [],
    pods: pods.filter(pod => pod.spec?.nodeName === name).length,
  };
}

function podStatus(pod: Pod): PodStatus {
  return {
    namespace: pod.metadata.namespace ?? 'default',
    name: pod.metadata.name,
    node: pod.spec?.nodeName ?? null,
    phase: pod.status?.phase ?? 'Unknown',
    ready: pod.status?.conditions?.some(it => it.type === 'Ready' && it.status === 'True') === true,
    restarts: sum((pod.status?.containerStatuses ?? []).map(it => it.restartCount)),
    addresses: (pod.status?.podIPs ?? []).flatMap(it => it.ip ?? []),
  };
}

const readyOf = (node: Node | undefined) =>
  node?.status?.conditions?.find(condition => condition.type === 'Ready');

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
