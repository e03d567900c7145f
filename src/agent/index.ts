/**
 * The agent of one node, composed.
 *
 * ```
 *   Nodes ──informer──▶ changed? ──┐                     ┌──▶ routes, neighbours, VXLAN, nftables
 *                                  ├─ one at a time ─▶ PodNetwork ──▶ veths
 *   every 30 s: compare, repair ───┘                     ▲
 *                                                        │
 *   runtime ─▶ fairlead-cni ─▶ cni.sock ─▶ CniPlugin ────┴──▶ Ipam (ipam.db)
 *                                            ▲
 *   Pods of this node ──informer─────────────┘  ADD waits for the pod, then for the gates
 *
 *   Pods, Namespaces, NetworkPolicies ──informers──▶ PolicyNode (policy.ts) ──▶ nftables; one of the gates
 *   Services, EndpointSlices ──informers──▶ ServiceNetwork (services.ts) ──▶ nftables
 *                                                └──▶ announced addresses (announce.ts) ──▶ routes, ARP, NDP
 *   Gateways, HTTPRoutes, … ──informers, while a proxy is here──▶ LiveTable (gateways/) ──▶ proxy pods of this node
 * ```
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { sentenceOf } from '../base/errors.ts';
import { addressAt, formatAddress, formatPrefix } from '../base/ip.ts';
import type { Prefix } from '../base/ip.ts';
import type { Log } from '../base/log.ts';
import { Metrics } from '../base/metrics.ts';
import { WorkQueue } from '../base/work-queue.ts';
import { metricsPorts } from '../kernel/contract.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { NODES, PODS } from '../kube/resources.ts';
import {
  CniPlugin,
  Ipam,
  PodNetwork,
  createQueue,
  hostInterfaceOf,
  podMetrics,
  serveCni,
} from '../pods/index.ts';
import type { PodGate, Problem, ReconcileReport } from '../pods/index.ts';
import { followAnnouncements } from './announce.ts';
import { writeConflist } from './conflist.ts';
import { changesDnsKernel, followDnsKernel } from './dns-kernel.ts';
import type { DnsKernel, DnsKernelWish } from './dns-kernel.ts';
import { followGateways } from './gateways/index.ts';
import { agentMetrics, serveMetrics } from './metrics.ts';
import { changesNetwork, viewOfNodes } from './node-watch.ts';
import { createObserve } from './observe.ts';
import { followPolicies } from './policy.ts';
import type { OtlpReceiver } from './policy-flow-export.ts';
import { podSource } from './pod-source.ts';
import { drainReleases } from './releases.ts';
import type { ServiceModeOptions } from './service-mode.ts';
import { followServices } from './services.ts';
import { serveStatus } from './status.ts';
import type { AgentStatus } from './status.ts';
import { waysOf } from './ways.ts';

export interface AgentPaths {
  /** Survives a reboot: the address store. */
  readonly state: string;
  /** Does not: the sockets. */
  readonly run: string;
  readonly cniSocket: string;
  readonly cniReleaseQueue: string;
  readonly cniConfigDirectory: string;
  readonly cniPluginDirectory: string;
}

export interface AgentOptions {
  readonly cluster: string;
  readonly node: string;
  readonly client: KubeClient;
  /** Of this process, which has to be in the node's network namespace. */
  readonly worker: KernelWorker;
  readonly paths: AgentPaths;
  /** The cluster's pod prefixes, where the agent was told. */
  readonly podPrefixes: readonly Prefix[];
  /** The cluster's Service prefixes, where the agent was told. */
  readonly servicePrefixes?: readonly Prefix[];
  /** Where node ports are found; absent: at the node's first address of each family. */
  readonly nodePortPrefixes?: readonly Prefix[];
  /** Who gets this node's flow events; absent: nobody. */
  readonly flowReceiver?: OtlpReceiver;
  /** Translation of Services at pods' sockets; absent: nftables alone. */
  readonly serviceSockets?: Pick<ServiceModeOptions, 'file' | 'option' | 'podsCgroup'>;
  /** Answers of DNS on pods' links; absent: the DNS server gives them all. */
  readonly dnsKernel?: { readonly file: string; readonly option: DnsKernelWish };
  /** What has to be in force before a pod is wired, in order. */
  readonly gates: readonly PodGate[];
  /** As the CNI plugin's; for tests. */
  readonly addMilliseconds?: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Agent {
  /** Resolves when pods can be attached for the first time. */
  readonly ready: Promise<void>;
  status(): AgentStatus;
  /** Compares the kernel with the program soon, instead of at the next turn. */
  reconcile(): void;
  /** Closes the sockets and leaves the kernel as it is. */
  close(): Promise<void>;
}

const reconcileMilliseconds = 30_000;
const nothingCounted = { accepted: 0, rejected: 0, endpoints: [] } as const;

export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { client, clock, log, node, paths, signal, worker } = options;
  mkdirSync(paths.run, { recursive: true });
  const releaseQueue = paths.cniReleaseQueue;
  createQueue(releaseQueue);
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const ipam = new Ipam({ path: join(paths.state, 'ipam.db'), bootId, clock });
  const { outcome, movedTo } = ipam.opened;
  if (outcome === 'rebuild')
    log.error({ movedTo }, 'the address store was unreadable; it is rebuilt from what the kernel has');
  const metrics = new Metrics();
  const network = new PodNetwork({
    kernel: worker,
    ipam,
    clusterPrefixes: options.podPrefixes,
    clock,
    log: log.scope('pods'),
  });
  const nodes = new Informer(client, NODES, { clock, log });
  const pods = new Informer(client, PODS, { fieldSelector: `spec.nodeName=${node}`, clock, log });
  const policies = await followPolicies({
    cluster: options.cluster,
    node,
    client,
    worker,
    nodes,
    assigned: ipam
      .list()
      .map(({ pod, addresses }) => ({ pod: `${pod.namespace}/${pod.name}`, uid: pod.uid, addresses })),
    names: { socket: join(paths.run, 'names.sock'), file: join(paths.state, 'domain-names.json') },
    flows: {
      directory: paths.state,
      ...(options.flowReceiver === undefined ? {} : { receiver: options.flowReceiver }),
    },
    verdicts: (model, addresses) => dnsKernel.verdicts(model, addresses),
    metrics,
    clock,
    log: log.scope('policy'),
    signal,
  });
  // Cluster DNS has the tenth address of each Service prefix.
  const dnsAddresses = (options.servicePrefixes ?? []).map(prefix => formatAddress(addressAt(prefix, 10n)));
  const dnsKernel: DnsKernel = followDnsKernel({
    cluster: options.cluster,
    node,
    worker,
    ...(options.dnsKernel ?? { file: '', option: 'off' }),
    dnsAddresses,
    nodes,
    pods: () =>
      ipam.list().map(allocation => ({
        link: hostInterfaceOf(allocation),
        namespace: allocation.pod.namespace,
        addresses: allocation.addresses,
      })),
    recheck: () => policies.recheck(),
    metrics,
    clock,
    log: log.scope('dns-kernel'),
  });
  const totals = { corrections: 0, released: 0, report: undefined as ReconcileReport | undefined };
  const observe = podMetrics(metrics, { ipam, network, totals: () => totals });
  const plugin = new CniPlugin({
    network,
    ipam,
    pods: podSource(pods),
    gates: [...options.gates, policies.gate],
    ...(options.addMilliseconds === undefined ? {} : { addMilliseconds: options.addMilliseconds }),
    observe,
    clock,
    log: log.scope('cni'),
  });

  const ready = Promise.withResolvers<void>();
  const state = { isReady: false, problems: [] as readonly Problem[], told: '' };

  const reconcile = async () => {
    await drainReleases(releaseQueue, ipam, plugin, log);
    const first = totals.report === undefined || !state.isReady;
    const report = await network.reconcile();
    totals.report = report;
    totals.released += report.released;
    if (first || report.corrections === 0) return;
    totals.corrections += report.corrections;
    log.warn({ corrections: report.corrections }, 'the kernel was not as it has to be and was corrected');
  };

  const followNodes = async () => {
    const view = viewOfNodes(nodes.cache, node);
    if (view.self !== undefined) {
      await network.setNodes(view.self, view.peers);
      if (!state.isReady) {
        const file = writeConflist({
          directory: paths.cniConfigDirectory,
          pluginDirectory: paths.cniPluginDirectory,
          socket: paths.cniSocket,
          releaseQueue,
        });
        state.isReady = true;
        ready.resolve();
        log.info({ prefixes: view.self.podPrefixes.map(formatPrefix), file }, 'pods can be attached');
      }
    }
    state.problems = [...view.problems, ...network.problems];
    const text = JSON.stringify(state.problems);
    if (text !== state.told) for (const problem of state.problems) log.warn(problem, problem.sentence);
    state.told = text;
  };

  const work = { nodes: followNodes, reconcile };
  const queue = new WorkQueue<keyof typeof work>(key => work[key](), {
    clock,
    onError: (key, error, retryInMilliseconds) =>
      log.error(
        { work: key, reason: sentenceOf(error), retryInMilliseconds },
        'the data path could not be changed',
      ),
  });

  // What the kernel and the store have is adopted before anything is asked of them.
  await reconcile();
  const announcer = followAnnouncements({
    node,
    kernel: worker,
    nodes,
    clock,
    log: log.scope('announce'),
    signal,
  });
  const services = followServices({
    client,
    node,
    worker,
    announcer,
    nodes,
    nodePortPrefixes: options.nodePortPrefixes,
    servicePrefixes: options.servicePrefixes ?? [],
    metrics,
    mode: { cluster: options.cluster, ...(options.serviceSockets ?? { file: '', option: 'nftables' }) },
    dnsAddresses,
    clock,
    log,
    signal,
  });
  policies.flows.nameServices(() => services.informers.services.cache.list());
  pods.onChange(() => {
    services.podsChanged();
    dnsKernel.podsChanged();
  });
  const gateways = followGateways({
    client,
    pods,
    ...services.informers,
    clock,
    log: log.scope('gateways'),
    signal,
  });
  const startedAt = new Date(clock.now()).toISOString();
  const status = (): AgentStatus => {
    const { self, program } = network;
    return {
      cluster: options.cluster,
      node,
      ready: state.isReady,
      ...(state.isReady ? {} : { waitingFor: 'spec.podCIDRs of the Node object' }),
      startedAt,
      podPrefixes: (self?.podPrefixes ?? []).map(prefix => {
        const { taken, capacity } = ipam.usage(prefix);
        return { prefix: formatPrefix(prefix), taken, capacity: capacity.toString() };
      }),
      attachments: ipam.list().length,
      peers: waysOf(nodes.cache, node, program),
      ...(totals.report === undefined ? {} : { lastReconcile: new Date(totals.report.at).toISOString() }),
      corrections: totals.corrections,
      released: totals.released,
      staleness: {
        nodes: finite(nodes.staleness()),
        pods: finite(pods.staleness()),
        services: finite(services.staleness()),
        policies: finite(policies.staleness()),
      },
      services: services.status(),
      policy: { ...policies.status(), drops: policies.flows.status() },
      dnsKernel: dnsKernel.status(),
      proxies: gateways.status(),
      problems: state.problems,
    };
  };
  agentMetrics(metrics, status);
  const compare = () => {
    queue.add('reconcile');
    services.reconcile();
    policies.reconcile();
    dnsKernel.reconcile();
    announcer.reconcile();
  };
  const cniServer = await serveCni(paths.cniSocket, (environment, stdin) => plugin.call(environment, stdin));
  const statusServer = await serveStatus(
    join(paths.run, 'agent.sock'),
    status,
    createObserve({
      worker,
      policyCounters: flow => policies.counters(flow),
      flows: policies.flows,
      serviceCounters: async at => (await services.counters(at)) ?? nothingCounted,
    }),
    () => metrics.text(),
  );
  const metricsServer = await serveMetrics(metrics, metricsPorts.agent, log.scope('metrics'));

  nodes.start(signal);
  pods.start(signal);
  // Only a complete list may change routes: after a restart, a half-known cluster must not take any away.
  nodes.synced.then(
    () => {
      queue.add('nodes');
      dnsKernel.reconcile();
      nodes.onChange(change => {
        if (changesNetwork(change)) queue.add('nodes');
        if (changesDnsKernel(change, node)) dnsKernel.reconcile();
      });
    },
    () => undefined, // stopped before
  );
  void repeat(reconcileMilliseconds, clock, signal, compare);

  return {
    ready: ready.promise,
    status,
    reconcile: compare,
    close: async () => {
      await gateways.close();
      await services.close();
      await announcer.close();
      await policies.close();
      await dnsKernel.close();
      await cniServer.close();
      await statusServer.close();
      await metricsServer.close();
      await queue.close();
      ipam[Symbol.dispose]();
    },
  };
}

const finite = (seconds: number): number | null => (Number.isFinite(seconds) ? seconds : null);

async function repeat(
  milliseconds: number,
  clock: Clock,
  signal: AbortSignal,
  work: () => void,
): Promise<void> {
  while (!signal.aborted) {
    const wasStopped = await clock.sleep(milliseconds, signal).then(
      () => false,
      () => true,
    );
    if (wasStopped) return;
    work();
  }
}
