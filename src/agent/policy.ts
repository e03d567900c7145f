/**
 * NetworkPolicy of the node, wired.
 *
 * ```
 *   Pods, Namespaces, NetworkPolicies, Nodes, the DNS Service ──informers──▶ PolicyNode ──▶ nftables, connection marks
 *                                                             ▲
 *   the node's DNS server ──names that policies wait for (policy-names.ts)──▶ PolicyNode, before the answer is released
 *   nfnetlink_log ──▶ policy-flows.ts: what was dropped and what passed, joined to why by PolicyNode's model
 *   CNI ADD ──▶ gate: waits until the informers have seen the policies that were there before the pod, then for PolicyNode
 * ```
 */
import type { Clock } from '../base/clock.ts';
import { sentenceOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Metrics } from '../base/metrics.ts';
import { WorkQueue } from '../base/work-queue.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import { isNotFound } from '../kube/client.ts';
import type { KubeClient } from '../kube/client.ts';
import { EventRecorder } from '../kube/events.ts';
import { Informer } from '../kube/informer.ts';
import type { Change } from '../kube/cache.ts';
import {
  CLUSTER_NETWORK_POLICIES,
  NAMESPACES,
  NETWORK_POLICIES,
  PODS,
  SERVICES,
  keyOf,
} from '../kube/resources.ts';
import type { ClusterNetworkPolicy } from '../kube/types/cluster-network-policy.ts';
import type { KubeObject } from '../kube/types/meta.ts';
import type { Node } from '../kube/types/node.ts';
import type { Pod } from '../kube/types/pod.ts';
import { PolicyNode, auditAnnotation, policyMetrics } from '../policy/index.ts';
import type {
  Assignment,
  Flow,
  PolicyChange,
  PolicyCounter,
  PolicyNodeOptions,
  PolicyStatus,
} from '../policy/index.ts';
import type { PodGate } from '../pods/index.ts';
import { followFlows } from './policy-flows.ts';
import type { FollowedFlows } from './policy-flows.ts';
import type { OtlpReceiver } from './policy-flow-export.ts';
import { followNames, readHeldNames } from './policy-names.ts';

export interface PolicyOptions {
  readonly cluster: string;
  readonly node: string;
  readonly client: KubeClient;
  readonly worker: KernelWorker;
  readonly nodes: Informer<Node>;
  /** Addresses of this node's pods when the agent starts. */
  readonly assigned: readonly Assignment[];
  /** Where the DNS server asks, and where what it told is kept for the next start. */
  readonly names: { readonly socket: string; readonly file: string };
  /** Where flow events are kept for the next start, and who gets them besides. */
  readonly flows: { readonly directory: string; readonly receiver?: OtlpReceiver };
  /** Who acts on verdicts besides the policies' own rules. */
  readonly verdicts?: NonNullable<PolicyNodeOptions['verdicts']>;
  readonly metrics?: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface PolicyFollower {
  readonly gate: PodGate;
  status(): PolicyStatus;
  /** What this node's kernel has counted of new connections of the flow. */
  counters(flow: Flow): Promise<readonly PolicyCounter[]>;
  readonly flows: FollowedFlows;
  /** Seconds since the API server last said anything about policies; infinite before it ever did. */
  staleness(): number;
  /** Has `verdicts` asked again soon, once policies are in force. */
  recheck(): void;
  /** Compares the table with the kernel soon; a large one not every time. */
  reconcile(): void;
  close(): Promise<void>;
}

/** Reading back a table of more elements than this costs too much for every turn. */
const largeTable = 30_000;
const turnsOfLargeTable = 20;

/** Follows the cluster. Until everything is known once, the kernel keeps what an earlier agent left, and no pod is let in. */
export async function followPolicies(options: PolicyOptions): Promise<PolicyFollower> {
  const { client, clock, log, nodes, signal } = options;
  const pods = new Informer(client, PODS, { clock, log });
  const namespaces = new Informer(client, NAMESPACES, { clock, log });
  const policies = new Informer(client, NETWORK_POLICIES, { clock, log });
  // The cluster may not have the kind, or get it later.
  const clusterPolicies = new Informer(client, CLUSTER_NETWORK_POLICIES, { absent: 'empty', clock, log });
  const dns = new Informer(client, SERVICES, {
    fieldSelector: 'metadata.namespace=kube-system,metadata.name=kube-dns',
    clock,
    log,
  });
  const flows = followFlows({ ...options, ...options.flows, model: () => node.model });
  const node: PolicyNode = new PolicyNode({
    node: options.node,
    kernel: kernelOf(options.worker),
    assigned: options.assigned,
    heldNames: readHeldNames(options.names.file, log),
    log,
    reportsDrops: flows.isReported,
    reportsPasses: flows.isReported,
    ...(options.verdicts === undefined ? {} : { verdicts: options.verdicts }),
    sources: {
      pods: () => pods.cache.list(),
      policies: () => policies.cache.list(),
      clusterPolicies: () => clusterPolicies.cache.list(),
      nodes: () => nodes.cache.list(),
      nodeLocalServices: () => dns.cache.list(),
      namespaceLabels: name => namespaces.cache.get(name)?.metadata.labels,
      reached: async (namespace, version, within) => {
        const told = [namespaces, policies].map(informer => informer.reached(version, within));
        const asked = async () => {
          const { items } = await client.list(NETWORK_POLICIES, { namespace });
          await Promise.all(
            items.map(({ metadata }) => policies.reached(metadata.resourceVersion ?? '', within)),
          );
        };
        const askedForCluster = async () => {
          const { items } = await listed(client);
          await Promise.all(
            items.map(({ metadata }) => clusterPolicies.reached(metadata.resourceVersion ?? '', within)),
          );
        };
        // A quiet resource reaches a version with the next bookmark; a question to the server is sooner, most of the time.
        await Promise.all([
          pods.reached(version, within),
          Promise.any([Promise.all(told), asked()]),
          Promise.any([clusterPolicies.reached(version, within), askedForCluster()]),
        ]);
      },
    },
  });

  const changes = policyMetrics(
    options.metrics ?? new Metrics(),
    () => node.status(),
    () => node.ruleCounts(),
  );
  const events = new EventRecorder({ client, clock, log, component: 'fairlead-agent', host: options.node });
  let told: ReadonlySet<string> = new Set();
  let turn = 0;
  let isCounted = false;
  const queue = new WorkQueue<'policy' | 'compare'>(
    async work => {
      const begun = performance.now();
      await (work === 'compare' ? node.reconcile() : node.catchUp());
      if (work === 'policy') changes.observe((performance.now() - begun) / 1000);
      if (!isCounted) count(); // what is there now was counted by an earlier process
      isCounted = true;
      names.refresh();
      const problems = node.problems().map(({ provenance, sentence }) => {
        const { field, kind, namespace, name } = provenance;
        const key = namespace === '' ? name : `${namespace}/${name}`;
        return { kind, key, field, text: `${kind}/${key} ${field} ${sentence}`, sentence };
      });
      for (const { kind, key, field, text, sentence } of problems) {
        if (told.has(text)) continue;
        const note = `${field}: ${sentence}`;
        log.warn({ object: `${kind}/${key}`, field }, note);
        const policy = (kind === 'NetworkPolicy' ? policies : clusterPolicies).cache.get(key);
        if (policy !== undefined) events.record(policy, { type: 'Warning', reason: 'PolicyProblem', note });
      }
      told = new Set(problems.map(({ text }) => text));
    },
    {
      clock,
      onError: (_, error, retryInMilliseconds) =>
        log.error(
          { reason: sentenceOf(error), retryInMilliseconds },
          'policies could not be brought into force',
        ),
    },
  );

  const count = () => {
    node
      .count()
      .catch((error: unknown) =>
        log.warn({ reason: sentenceOf(error) }, 'what policies do cannot be counted'),
      );
  };

  const names = await followNames({
    ...options.names,
    policies: node,
    onFailure: () => queue.add('policy'),
    clock,
    log: log.scope('names'),
  });

  // The first version at which a pod was seen: what was there before it has a smaller one.
  const firstSeen = new Map<string, string>();
  const known = Promise.withResolvers<void>();
  known.promise.catch(() => undefined); // stopped before; who waits is told by their own signal
  const follow = <T extends KubeObject>(
    informer: Informer<T>,
    matters: (object: T) => unknown,
    read: (key: string, object: T | undefined) => PolicyChange,
  ) =>
    informer.onChange(change => {
      if (!differs(change, matters)) return;
      const object = change.after ?? change.before;
      if (object === undefined) return;
      node.tell(read(keyOf(object), change.after));
      queue.add('policy');
    });
  pods.onChange(({ before, after }) => {
    const uid = after?.metadata.uid ?? before?.metadata.uid ?? '';
    if (after === undefined) firstSeen.delete(uid);
    else if (before === undefined) firstSeen.set(uid, after.metadata.resourceVersion ?? '');
  });
  for (const informer of [pods, namespaces, policies, clusterPolicies, dns]) informer.start(signal);
  void Promise.all(
    [pods, namespaces, policies, clusterPolicies, nodes, dns].map(informer => informer.synced),
  ).then(async () => {
    const others = (): PolicyChange => ({ kind: 'others' });
    follow(
      pods,
      ({ metadata, spec, status }) => [
        metadata.uid,
        metadata.labels,
        spec.nodeName,
        status?.phase,
        status?.podIPs,
        status?.podIP,
      ],
      (key, object) => ({ kind: 'pod', key, object }),
    );
    follow(
      namespaces,
      ({ metadata }) => metadata.labels,
      name => ({ kind: 'namespace', name }),
    );
    follow(
      policies,
      ({ metadata, spec }) => [
        metadata.uid,
        metadata.generation,
        metadata.annotations?.[auditAnnotation],
        spec,
      ],
      (key, object) => ({ kind: 'policy', key, object }),
    );
    follow(
      clusterPolicies,
      ({ metadata, spec }) => [metadata.uid, metadata.generation, spec],
      (name, object) => ({ kind: 'clusterPolicy', name, object }),
    );
    follow(dns, ({ metadata, spec }) => [metadata.uid, spec], others);
    follow(nodes, ({ metadata, status }) => [metadata.labels, status?.addresses], others);
    queue.add('policy');
    known.resolve();
  }, known.reject);

  return {
    gate: {
      name: 'NetworkPolicy',
      admit: async (pod: Pod, { addresses }, within) => {
        await orAborted(known.promise, within);
        const since = firstSeen.get(pod.metadata.uid ?? '') ?? pod.metadata.resourceVersion ?? '';
        await node.admit(pod, addresses, since, within);
      },
    },
    status: () => node.status(),
    counters: flow => node.counters(flow),
    flows,
    staleness: () => policies.staleness(),
    recheck: () => {
      if (node.model !== undefined) queue.add('policy');
    },
    reconcile: () => {
      turn++;
      const isDue = node.status().elements <= largeTable || turn % turnsOfLargeTable === 0;
      if (node.model !== undefined && isDue) queue.add('compare');
      count();
    },
    close: () => {
      flows.close();
      names.close();
      return queue.close();
    },
  };
}

/** None, where the cluster does not have the kind. */
async function listed(client: KubeClient): Promise<{ readonly items: readonly ClusterNetworkPolicy[] }> {
  try {
    return await client.list(CLUSTER_NETWORK_POLICIES);
  } catch (error) {
    if (isNotFound(error)) return { items: [] };
    throw error;
  }
}

function kernelOf(worker: KernelWorker) {
  return {
    nft: worker.nft.bind(worker),
    nftChunked: worker.nftChunked.bind(worker),
    nftElements: worker.nftElements.bind(worker),
    nftTable: worker.nftTable.bind(worker),
    connections: worker.connections.bind(worker),
    markConnections: worker.markConnections.bind(worker),
    nftCounters: worker.nftCounters.bind(worker),
  };
}

function differs<T>({ before, after }: Change<T>, matters: (object: T) => unknown): boolean {
  const text = (object: T | undefined) => (object === undefined ? '' : JSON.stringify(matters(object)));
  return text(before) !== text(after);
}

function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    promise.then(resolve, reject);
  });
}
