import { setTimeout as sleep } from 'node:timers/promises';
import { isAlreadyExists, isConflict, isNotFound } from '../../src/kube/api-error.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import { LEASES, NODES, PODS, keyOf, parseKey } from '../../src/kube/resources.ts';
import { microTimestampOf, timestampOf } from '../../src/kube/timestamps.ts';
import type { Node, Pod } from '../../src/kube/types/core.ts';

/**
 * Nodes that only say what a kubelet would say: heartbeats, pods that run and are ready at once, pods that end when they
 * are deleted. No process is started.
 */
export interface PretendNodes extends AsyncDisposable {
  /** The node falls silent and answers for its pods no more, until `wake`. */
  silence(name: string): void;
  wake(name: string): Promise<void>;
  /** Everything is renewed at once: after a test moved the clock. */
  beat(): Promise<void>;
  /** Pods for which this is false run but do not get ready. */
  setReadiness(isReady: (pod: Pod) => boolean): void;
}

export interface PretendNodesOptions {
  readonly names: readonly string[];
  readonly labels?: (name: string) => Readonly<Record<string, string>>;
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly heartbeatMilliseconds?: number;
  /** Milliseconds since the epoch, as the controllers' clock shows it. */
  readonly now?: () => number;
}

export async function startPretendNodes(
  client: KubeClient,
  options: PretendNodesOptions,
): Promise<PretendNodes> {
  const { heartbeatMilliseconds = 2000, now = Date.now } = options;
  const silent = new Set<string>();
  let isReady: (pod: Pod) => boolean = () => true;
  const ended = new AbortController();
  for (const name of options.names) {
    await register(client, name, options);
    await renew(client, name, now());
  }
  const pods = new Informer(client, PODS);
  const work = new Set<Promise<void>>();
  pods.onChange(({ after }) => {
    if (after !== undefined) tend(after);
  });
  // A kubelet that finds its node in a state that it did not report puts it right.
  const own = new Informer(client, NODES);
  own.onChange(({ after }) => {
    if (after !== undefined) correct(after);
  });
  for (const informer of [pods, own]) informer.start(ended.signal);
  await Promise.all([pods.synced, own.synced]);
  const heart = setInterval(() => {
    for (const name of options.names) {
      if (!silent.has(name)) track(renew(client, name, now()));
    }
  }, heartbeatMilliseconds);

  function track(task: Promise<void>): void {
    const tracked = task.catch(() => undefined).finally(() => work.delete(tracked));
    work.add(tracked);
  }

  function correct(node: Node): void {
    const { name } = node.metadata;
    const ready = node.status?.conditions?.find(condition => condition.type === 'Ready')?.status;
    if (options.names.includes(name) && !silent.has(name) && ready !== 'True') {
      track(setReady(client, name, now()));
    }
  }

  function tend(pod: Pod): void {
    const node = pod.spec.nodeName ?? '';
    if (!options.names.includes(node) || silent.has(node)) return;
    track(pod.metadata.deletionTimestamp === undefined ? report(pod) : finish(pod));
  }

  async function report(pod: Pod): Promise<void> {
    const wanted = isReady(pod) ? 'True' : 'False';
    const before = pod.status?.conditions?.find(condition => condition.type === 'Ready')?.status;
    if (pod.status?.phase === 'Running' && before === wanted) return;
    if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return;
    const time = timestampOf(now());
    const conditions = [
      ...(pod.status?.conditions ?? []).filter(condition => condition.type !== 'Ready'),
      { type: 'Ready', status: wanted, lastTransitionTime: time },
    ];
    const { uid, resourceVersion } = pod.metadata;
    const patch = { metadata: { uid, resourceVersion }, status: { phase: 'Running', conditions } };
    try {
      await client.patch(PODS, parseKey(keyOf(pod)), patch, { type: 'merge', subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
      const latest = pods.cache.get(keyOf(pod));
      if (isConflict(error) && latest !== undefined && latest !== pod) await report(latest);
    }
  }

  async function finish(pod: Pod): Promise<void> {
    const { uid } = pod.metadata;
    const options = { gracePeriodSeconds: 0, ...(uid === undefined ? {} : { preconditions: { uid } }) };
    try {
      await client.delete(PODS, parseKey(keyOf(pod)), options);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  return {
    silence: name => void silent.add(name),
    wake: async name => {
      silent.delete(name);
      await renew(client, name, now());
      await setReady(client, name, now());
      for (const pod of pods.cache.list()) tend(pod);
    },
    beat: async () => {
      const alive = options.names.filter(name => !silent.has(name));
      await Promise.all(alive.map(name => renew(client, name, now())));
    },
    setReadiness: next => {
      isReady = next;
      for (const pod of pods.cache.list()) tend(pod);
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(heart);
      ended.abort(new Error('the test is over'));
      await Promise.all(work);
    },
  };
}

async function register(client: KubeClient, name: string, options: PretendNodesOptions): Promise<void> {
  const { allocatable = { cpu: '8', memory: '16Gi', pods: '110' } } = options;
  const labels = { 'kubernetes.io/hostname': name, ...options.labels?.(name) };
  await client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } });
  await client.patch(NODES, { name }, { status: { allocatable, capacity: allocatable } }, STATUS);
  await setReady(client, name, (options.now ?? Date.now)());
}

const STATUS = { type: 'merge', subresource: 'status' } as const;

async function setReady(client: KubeClient, name: string, now: number): Promise<void> {
  const time = timestampOf(now);
  const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ready' };
  const conditions = [{ ...ready, lastHeartbeatTime: time, lastTransitionTime: time }];
  const node: Node = await client.patch(NODES, { name }, { status: { conditions } }, STATUS);
  if (node.metadata.name !== name) throw new Error(`the server answered with node ${node.metadata.name}`);
}

async function renew(client: KubeClient, name: string, now: number): Promise<void> {
  const key = { namespace: 'kube-node-lease', name };
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: microTimestampOf(now) };
  try {
    await client.create(LEASES, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: key,
      spec,
    });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    await client.patch(LEASES, key, { spec }, { type: 'merge' });
  }
}

/** Waits until `probe` gives something; fails with `what` and the last thing that was seen. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  options: { readonly within?: number; readonly seen?: () => Promise<unknown> } = {},
): Promise<T> {
  const { within = 30_000 } = options;
  const deadline = Date.now() + within;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) {
      const seen = options.seen === undefined ? '' : `; seen: ${JSON.stringify(await options.seen())}`;
      throw new Error(`${what}: not within ${within} ms${seen}`);
    }
    await sleep(20);
  }
}
