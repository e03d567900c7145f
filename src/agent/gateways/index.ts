import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { sentenceOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { WorkQueue } from '../../base/work-queue.ts';
import { KEY_BYTES } from '../../gateway/channel.ts';
import { proxy } from '../../kernel/contract.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Informer } from '../../kube/informer.ts';
import { keyOf } from '../../kube/resources.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { Service } from '../../kube/types/service.ts';
import { GatewayTables } from './gateway-tables.ts';
import { IngressTables } from './ingress-tables.ts';
import { ProxyLink } from './proxy-link.ts';
import type { ProxyTables } from './proxy-tables.ts';

export interface GatewaysOptions {
  readonly client: KubeClient;
  /** Of this node; started by the caller, as the others. */
  readonly pods: Informer<Pod>;
  /** Of all namespaces; slices are indexed by `service`. */
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  /** Default: that of the contract. */
  readonly controlPort?: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A proxy on this node, and what it was given. */
export interface ProxyStatus {
  /** `namespace/name`. */
  readonly pod: string;
  /** `namespace/name`, or `IngressClass/name`. */
  readonly gateway: string;
  /** Of the table that it has confirmed; absent before. */
  readonly revision?: number;
  readonly upToDate: boolean;
  /** Why it has not the newest, once that has lasted some seconds. */
  readonly problem?: string;
}

export interface FollowedGateways {
  status(): readonly ProxyStatus[];
  close(): Promise<void>;
}

/** While a proxy starts, it is tried often; a proxy that is gone costs little. */
const LAST_RETRY_MILLISECONDS = 500;
/** So long a proxy may take to start before anybody is told. */
const PATIENCE_MILLISECONDS = 5000;
const PROXY_LABEL = 'app.kubernetes.io/name';
const PROXY = 'fairlead-proxy';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

interface LocalProxy {
  readonly tables: ProxyTables;
  readonly gateway: string;
  readonly link: ProxyLink;
  problem: { readonly sentence: string; readonly since: number } | undefined;
}

/**
 * Gives the proxies on this node their route tables:
 *
 * ```
 *   Pods of this node ──▶ proxies ────────────┐
 *   Gateways, routes, policies, grants, ──▶ GatewayTables ─┼─▶ queue, by pod ─▶ table ─▶ ProxyLink ─▶ control port of the pod
 *   Secrets, Services, slices, Ingresses ─▶ IngressTables ─┘
 * ```
 *
 * The agent dials, since a policy of the Gateway's namespace may forbid its pods every way out, but not the node the way
 * in. Nothing is followed while no proxy is here. Until all is known, a proxy keeps what it has.
 */
export function followGateways(options: GatewaysOptions): FollowedGateways {
  return new Courier(options);
}

class Courier implements FollowedGateways {
  readonly #options: GatewaysOptions;
  readonly #proxies = new Map<string, LocalProxy>();
  readonly #queue: WorkQueue<string>;
  readonly #tables: readonly ProxyTables[];

  constructor(options: GatewaysOptions) {
    const { clock, log, pods, signal } = options;
    this.#options = options;
    const reading = { ...options, digest, wake: (owners?: readonly string[]) => this.#wake(owners) };
    this.#tables = [new GatewayTables(reading), new IngressTables(reading)];
    this.#queue = new WorkQueue<string>(key => this.#serve(key), {
      clock,
      concurrency: 8,
      lastRetryMilliseconds: LAST_RETRY_MILLISECONDS,
      onError: (key, error) => {
        const entry = this.#proxies.get(key);
        const sentence = sentenceOf(error);
        // A proxy that starts is not there for a moment; each reason is told once.
        if (entry === undefined || entry.problem?.sentence === sentence) return;
        entry.problem = { sentence, since: entry.problem?.since ?? clock.now() };
        log.info({ pod: key, gateway: entry.gateway, reason: sentence }, 'a proxy has not got its table yet');
      },
    });
    pods.synced.then(
      () => {
        pods.onChange(({ before, after }) => {
          const pod = after ?? before;
          if (pod?.metadata.labels?.[PROXY_LABEL] !== PROXY) return;
          this.#queue.add(keyOf(pod));
        });
      },
      () => undefined, // stopped before
    );
    signal.addEventListener('abort', () => void this.close(), { once: true });
  }

  status(): readonly ProxyStatus[] {
    return [...this.#proxies].map(([pod, { gateway, link, problem, tables }]) => {
      const { revision } = link;
      return {
        pod,
        gateway,
        ...(revision === undefined ? {} : { revision }),
        upToDate: revision !== undefined && revision === tables.revision(gateway),
        ...(problem !== undefined && this.#options.clock.now() - problem.since > PATIENCE_MILLISECONDS
          ? { problem: problem.sentence }
          : {}),
      };
    });
  }

  async close(): Promise<void> {
    for (const tables of this.#tables) tables.leave();
    for (const { link } of this.#proxies.values()) link.close();
    await this.#queue.close();
  }

  async #serve(podKey: string): Promise<void> {
    const pod = this.#options.pods.cache.get(podKey);
    const tables = pod && this.#tables.find(one => one.serves(pod));
    if (pod === undefined || tables === undefined || !runs(pod)) {
      this.#forget(podKey);
      return;
    }
    tables.follow();
    const gateway = tables.ownerOf(pod); // while it is not known: woken when it is
    const host = pod.status?.podIP;
    if (gateway === undefined || host === undefined || host === '') return;
    const entry = this.#entryOf(podKey, gateway, tables);
    tables.want(this.#ownersOf(tables));
    const read = tables.read(gateway);
    if (read === undefined || read.key.length !== KEY_BYTES) return;
    const isFirst = entry.link.revision === undefined;
    const port = this.#options.controlPort ?? proxy.controlPort;
    await entry.link.push({ host, port }, read.key, read.table, read.revision);
    if (entry.problem !== undefined || isFirst)
      this.#options.log.info({ pod: podKey, gateway }, 'a proxy has its table');
    entry.problem = undefined;
  }

  #entryOf(podKey: string, gateway: string, tables: ProxyTables): LocalProxy {
    const known = this.#proxies.get(podKey);
    if (known?.gateway === gateway) return known;
    known?.link.close();
    const onLost = () => this.#queue.addAfter(podKey, 50);
    const link = new ProxyLink({ gateway, clock: this.#options.clock, onLost });
    const entry: LocalProxy = { tables, gateway, link, problem: undefined };
    this.#proxies.set(podKey, entry);
    return entry;
  }

  #forget(podKey: string): void {
    const entry = this.#proxies.get(podKey);
    this.#proxies.delete(podKey);
    entry?.link.close();
    this.#queue.forget(podKey);
    // Of some that run here it may not be known yet whose they are.
    const running = this.#proxyPods().filter(runs);
    for (const tables of this.#tables) {
      if (running.some(pod => tables.serves(pod))) tables.want(this.#ownersOf(tables));
      else tables.leave();
    }
  }

  #ownersOf(tables: ProxyTables): ReadonlySet<string> {
    const own = [...this.#proxies.values()].filter(entry => entry.tables === tables);
    return new Set(own.map(({ gateway }) => gateway));
  }

  #proxyPods(): readonly Pod[] {
    return this.#options.pods.cache.list().filter(({ metadata }) => metadata.labels?.[PROXY_LABEL] === PROXY);
  }

  #wake(owners?: readonly string[]): void {
    for (const pod of this.#proxyPods()) {
      const key = keyOf(pod);
      const known = this.#proxies.get(key)?.gateway;
      if (known === undefined || owners === undefined || owners.includes(known)) this.#queue.add(key);
    }
  }
}

/** A pod that is about to end still takes changes: it answers requests for as long as it can. */
const runs = ({ status }: Pod): boolean => status?.phase === 'Running';
