import type { Clock } from '../../base/clock.ts';
import { FairleadError, sentenceOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { WorkQueue } from '../../base/work-queue.ts';
import { isConflict, isNotFound } from '../../kube/client.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Informer } from '../../kube/informer.ts';
import { NODES } from '../../kube/resources.ts';
import { timestampOf } from '../../kube/timestamps.ts';
import type { Node, NodeCondition } from '../../kube/types/node.ts';
import type { PrefixAllocator } from './allocator.ts';

export interface PodPrefixesOptions {
  readonly client: KubeClient;
  readonly nodes: Informer<Node>;
  readonly allocator: PrefixAllocator;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Log;
}

/** Reason of the NetworkUnavailable condition while a node waits for prefixes. */
const EXHAUSTED = 'PodPrefixesExhausted';
const ASSIGNED = 'PodPrefixesAssigned';
/** Nodes are written by others too (heartbeats): a conflict only means to read again. */
const ATTEMPTS = 5;

/**
 * Gives every Node its spec.podCIDRs. The API server is the only record: at the start all nodes are adopted, oldest
 * first, before anything new is handed out. The write is bound to the version of the Node that was read, so where two
 * writers meet the first wins and the other adopts.
 */
export class PodPrefixes {
  readonly #options: PodPrefixesOptions;
  readonly #queue: WorkQueue<string>;
  readonly #waiting = new Set<string>();
  readonly #clashes = new Map<string, string>();

  constructor(options: PodPrefixesOptions) {
    this.#options = options;
    this.#queue = new WorkQueue(name => this.#reconcile(name), {
      clock: options.clock,
      onError: (node, error, retryInMilliseconds) =>
        options.log.warn(
          { node, retryInMilliseconds, cause: sentenceOf(error) },
          `cannot give pod prefixes to ${node}`,
        ),
    });
  }

  /** Runs until the signal is aborted; the informer has to be started by the caller. Resolves when all is adopted. */
  async start(signal: AbortSignal): Promise<void> {
    const { nodes, allocator, log } = this.#options;
    await nodes.synced;
    const oldestFirst = nodes.cache.list().toSorted((a, b) => (createdAt(a) < createdAt(b) ? -1 : 1));
    for (const node of oldestFirst) this.#adopt(node);
    log.info(
      { nodes: nodes.cache.size, adopted: allocator.size },
      `${allocator.size} of ${nodes.cache.size} nodes have pod prefixes`,
    );
    for (const node of oldestFirst) this.#queue.add(node.metadata.name);
    const end = nodes.onChange(({ before, after }) => {
      const settled =
        before !== undefined && after !== undefined && podPrefixesOf(after) === podPrefixesOf(before);
      const name = (after ?? before)?.metadata.name;
      if (name !== undefined && !settled) this.#queue.add(name);
    });
    const stop = () => {
      end();
      void this.#queue.close();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  }

  async #reconcile(name: string): Promise<void> {
    const node = this.#options.nodes.cache.get(name);
    if (node === undefined) this.#release(name);
    else if (this.#adopt(node)) await this.#reportAvailable(node);
    else await this.#assign(node);
  }

  /** False where the node has no prefixes yet. */
  #adopt(node: Node): boolean {
    const { allocator, events, log } = this.#options;
    const { name } = node.metadata;
    const prefixes = node.spec?.podCIDRs ?? [];
    if (prefixes.length === 0) return false;
    const before = allocator.prefixesOf(name);
    const clashes = allocator.adopt(name, prefixes).join(', ');
    this.#waiting.delete(name);
    if (before !== undefined && before.join() !== prefixes.join()) this.#wakeWaiting();
    if (clashes === (this.#clashes.get(name) ?? '')) return true;
    if (clashes === '') {
      this.#clashes.delete(name);
      return true;
    }
    this.#clashes.set(name, clashes);
    const note = `The pod prefixes ${prefixes.join(', ')} of ${name} overlap those of ${clashes}: pods of these nodes may get the same addresses. Delete one of the Nodes and let it register again.`;
    log.error({ node: name, prefixes, others: clashes }, note);
    events.record(node, { type: 'Warning', reason: 'PodPrefixesOverlap', note });
    return true;
  }

  async #assign(node: Node): Promise<void> {
    const { allocator } = this.#options;
    const { name } = node.metadata;
    const allocation = allocator.allocate(name);
    if (allocation.outcome === 'exhausted') {
      await this.#reportExhausted(
        node,
        `No free IPv${allocation.family} pod prefix is left for ${name}: all parts of the cluster's pod prefixes are taken.`,
      );
      return;
    }
    let current: Node | undefined = node;
    for (let attempt = 1; attempt <= ATTEMPTS && current !== undefined; attempt++) {
      if (await this.#write(current, allocation.prefixes)) return;
      current = await this.#readAgain(name);
    }
    // Kept for the node until the queue comes back to it.
    if (current !== undefined)
      throw new FairleadError('controller/busy-node', `${name} is being written all the time.`);
  }

  /** False where someone else has written the Node in the meantime. */
  async #write(node: Node, prefixes: readonly string[]): Promise<boolean> {
    const { client, events, log } = this.#options;
    const { name, resourceVersion } = node.metadata;
    try {
      const spec = { podCIDR: prefixes[0], podCIDRs: prefixes };
      await client.patch(NODES, { name }, { metadata: { resourceVersion }, spec }, { type: 'merge' });
    } catch (error) {
      if (isConflict(error)) return false;
      if (isNotFound(error)) return true; // the informer will tell us, and release what it had
      throw error;
    }
    const note = `Pod prefixes ${prefixes.join(', ')} were assigned.`;
    this.#waiting.delete(name);
    log.info({ node: name, prefixes }, `${name} has the pod prefixes ${prefixes.join(', ')}`);
    events.record(node, { type: 'Normal', reason: ASSIGNED, note });
    await this.#reportAvailable(node);
    return true;
  }

  /** What someone else gave the node counts: undefined then. */
  async #readAgain(name: string): Promise<Node | undefined> {
    const current = await this.#options.client.get(NODES, { name });
    return this.#adopt(current) ? undefined : current;
  }

  #release(name: string): void {
    const { allocator, log } = this.#options;
    const prefixes = allocator.prefixesOf(name);
    this.#waiting.delete(name);
    this.#clashes.delete(name);
    if (!allocator.release(name)) return;
    log.info({ node: name, prefixes }, `${name} is gone; its pod prefixes are free`);
    this.#wakeWaiting();
  }

  /** Something became free. */
  #wakeWaiting(): void {
    for (const waiting of this.#waiting) this.#queue.add(waiting);
  }

  async #reportExhausted(node: Node, note: string): Promise<void> {
    const { events, log } = this.#options;
    const { name } = node.metadata;
    if (!this.#waiting.has(name)) {
      log.error({ node: name }, note);
      events.record(node, { type: 'Warning', reason: EXHAUSTED, note });
    }
    this.#waiting.add(name);
    await this.#setCondition(node, { status: 'True', reason: EXHAUSTED, message: note });
  }

  /** Takes back what `reportExhausted` said; a condition of someone else stays. */
  async #reportAvailable(node: Node): Promise<void> {
    const ours = node.status?.conditions?.some(
      ({ type, status, reason }) =>
        type === 'NetworkUnavailable' && status === 'True' && reason === EXHAUSTED,
    );
    if (ours === true)
      await this.#setCondition(node, {
        status: 'False',
        reason: ASSIGNED,
        message: 'The node has pod prefixes.',
      });
  }

  async #setCondition(
    node: Node,
    wanted: Pick<NodeCondition, 'status' | 'reason' | 'message'>,
  ): Promise<void> {
    const { client, clock } = this.#options;
    const present = node.status?.conditions?.find(({ type }) => type === 'NetworkUnavailable');
    if (
      present?.status === wanted.status &&
      present.reason === wanted.reason &&
      present.message === wanted.message
    )
      return;
    const now = timestampOf(clock.now());
    const lastTransitionTime = present?.status === wanted.status ? (present.lastTransitionTime ?? now) : now;
    const condition = { type: 'NetworkUnavailable', ...wanted, lastHeartbeatTime: now, lastTransitionTime };
    const { name } = node.metadata;
    await client.patch(
      NODES,
      { name },
      { status: { conditions: [condition] } },
      { type: 'strategic', subresource: 'status' },
    );
  }
}

const createdAt = (node: Node): string => `${node.metadata.creationTimestamp ?? ''} ${node.metadata.name}`;

const podPrefixesOf = (node: Node | undefined): string | undefined => node?.spec?.podCIDRs?.join();
