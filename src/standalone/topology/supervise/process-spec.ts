import { join, resolve } from 'node:path';
import { addressAt, formatAddress, parsePrefix } from '../../../base/ip.ts';
import { cgroups, namespaces, paths } from '../../../kernel/contract.ts';
import { namespacePath } from '../../../kernel/ns/index.ts';
import { type ClusterConfig, clusterFiles } from '../../cluster.ts';
import type { OutsideCommand } from '../network/outside.ts';

/** One process of a cluster, as the supervisor starts it. */
export interface ProcessSpec {
  /** control-plane, runtime, outside, or `agent-` or `dns-` and the node's name: also the name of its log. */
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  /** Path of the network namespace that it is born in; the host's own where it is absent. */
  readonly namespace?: string;
  /** As `cgroups` of the contract gives it. */
  readonly cgroup: string;
  readonly log: string;
  /**
   * Sockets in its namespace that the supervisor opens and holds for as long as it lives: they are the process's
   * descriptors from 3 on, and what arrives while the process is started again waits in them.
   */
  readonly sockets?: readonly HeldSocket[];
  /** Stopping goes by rank: all of the lower rank have ended before the next is told. */
  readonly stopRank: number;
}

export interface HeldSocket {
  readonly type: 'datagram' | 'stream';
  readonly host: string;
  readonly port: number;
}

const dnsPort = 53;
/** Held sockets come after standard input, output and error. */
const firstHeld = 3;

const entryDirectory = resolve(import.meta.dirname, '..', '..', '..', 'entry');

/**
 * Keeps a process small, each flag measured by bench/up: a young generation that fits a daemon that is mostly idle (4 MB),
 * one thread for V8's tasks, and no code from the middle one of V8's three compilers (what is hot is still optimised). All processes have the same flags, because the cache of compiled code is kept by flags.
 */
export const nodeFlags = [
  '--disable-warning=ExperimentalWarning',
  '--min-semi-space-size=1',
  '--max-semi-space-size=1',
  '--v8-pool-size=1',
  '--no-maglev',
] as const;

/** Every process of the cluster (`node` is the program that runs them; `outside` leads out of the fabric); they start side by side and wait for each other by themselves. */
export function processesOf(
  config: ClusterConfig,
  node: string,
  outside: OutsideCommand | undefined,
): readonly ProcessSpec[] {
  const { name } = config;
  const controlPlane = (process: string, entry: string, stopRank: number): ProcessSpec => ({
    name: process,
    command: node,
    arguments: [...nodeFlags, join(entryDirectory, entry), '--cluster', name],
    cgroup: cgroups.controlPlane(name),
    log: clusterFiles.log(name, process),
    stopRank,
  });
  const specs = [
    controlPlane('control-plane', 'standalone.ts', 1),
    controlPlane('runtime', 'runtime.ts', 0),
    ...config.nodes.map(({ name: nodeName }) =>
      onNode(config, nodeName, node, 'agent', [
        `--service-mode=${config.serviceMode ?? 'auto'}`,
        `--dns-kernel=${config.dnsKernel ?? 'auto'}`,
      ]),
    ),
    ...config.nodes.map(({ name: nodeName }) => dnsOf(config, nodeName, node, outside)),
  ];
  return outside === undefined ? specs : [...specs, outsideOf(config, outside)];
}

/** A process of one node, born in the node's network namespace. */
function onNode(
  config: ClusterConfig,
  nodeName: string,
  node: string,
  entry: 'agent' | 'dns',
  more: readonly string[] = [],
): ProcessSpec {
  const name = `${entry}-${nodeName}`;
  return {
    name,
    command: node,
    arguments: [
      ...nodeFlags,
      join(entryDirectory, `${entry}.ts`),
      `--cluster=${config.name}`,
      `--node=${nodeName}`,
      `--kubeconfig=${clusterFiles.kubeconfig(config.name, nodeName)}`,
      `--pod-prefixes=${config.podPrefixes.join(',')}`,
      `--service-prefixes=${config.servicePrefixes.join(',')}`,
      ...more,
    ],
    namespace: namespacePath(namespaces.node(config.name, nodeName)),
    cgroup: cgroups.agent(config.name, nodeName),
    log: clusterFiles.log(config.name, name),
    stopRank: 0,
  };
}

/** Its sockets outlive it, so that a question that comes while it is started again is answered, and not lost. */
function dnsOf(
  config: ClusterConfig,
  nodeName: string,
  node: string,
  outside: OutsideCommand | undefined,
): ProcessSpec {
  const addresses = config.servicePrefixes.map(dnsAddressOf);
  const sockets = (['datagram', 'stream'] as const).flatMap(type =>
    addresses.map(host => ({ type, host, port: dnsPort })),
  );
  const descriptors = (type: HeldSocket['type']) =>
    sockets.flatMap((socket, index) => (socket.type === type ? firstHeld + index : [])).join(',');
  const spec = onNode(config, nodeName, node, 'dns', [
    `--cluster-domain=${config.clusterDomain}`,
    `--held-datagrams=${descriptors('datagram')}`,
    `--held-streams=${descriptors('stream')}`,
    ...(outside === undefined ? [] : [`--upstreams=${outside.nameServer}`]),
  ]);
  return { ...spec, sockets };
}

/** Cluster DNS has the tenth address of each Service prefix. */
function dnsAddressOf(text: string): string {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`${text} was checked when the cluster was planned`);
  return formatAddress(addressAt(prefix, 10n));
}

function outsideOf(config: ClusterConfig, outside: OutsideCommand): ProcessSpec {
  return {
    name: 'outside',
    command: outside.command,
    arguments: outside.arguments,
    cgroup: cgroups.controlPlane(config.name),
    log: clusterFiles.log(config.name, 'outside'),
    stopRank: 2,
  };
}

/** Directories that have to be there before the first process starts. */
export const directoriesOf = (config: ClusterConfig): readonly string[] => [
  paths.state(config.name),
  paths.run(config.name),
  clusterFiles.logs(config.name),
  ...config.nodes.flatMap(({ name }) => [
    paths.nodeState(config.name, name),
    paths.nodeRun(config.name, name),
  ]),
];

/** What the processes inherit: where programs are, and where compiled code is kept. Nothing else of whoever ran `up`. */
export function processEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_COMPILE_CACHE: compileCache } = own;
  const path = [own['PATH'], '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return {
    PATH: path.filter(part => part !== undefined && part !== '').join(':'),
    ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
    // Where agents send flow events (OpenTelemetry's own names for it).
    ...Object.fromEntries(Object.entries(own).filter(([name]) => name.startsWith('OTEL_EXPORTER_OTLP_'))),
  };
}
