import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { sentenceOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { WorkQueue } from '../../base/work-queue.ts';
import { KEY_BYTES, KEY_NAME } from '../../gateway/channel.ts';
import { controlSecretName, gatewayLabel } from '../../gateway/compile-objects.ts';
import { FollowedObjects } from '../../gateway/follow-objects.ts';
import { LiveTable } from '../../gateway/live-table.ts';
import { GATEWAY_LABEL } from '../../gateway/model.ts';
import { proxy } from '../../kernel/contract.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Informer } from '../../kube/informer.ts';
import { CONFIG_MAPS, SECRETS, keyOf } from '../../kube/resources.ts';
import type { ConfigMap, Secret } from '../../kube/types/config.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { Gateway } from '../../kube/types/gateway.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { Service } from '../../kube/types/service.ts';
import { ProxyLink } from './proxy-link.ts';
import { TableSources } from './sources.ts';

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
  readonly gateway: string;
  readonly link: ProxyLink;
  problem: { readonly sentence: string; readonly since: number } | undefined;
}

/** What is followed while there is a proxy on this node. */
interface Following {
  readonly sources: TableSources;
  readonly secrets: FollowedObjects<Secret>;
  readonly configMaps: FollowedObjects<ConfigMap>;
  readonly stop: AbortController;
  readonly tables: Map<string, LiveTable>;
  isKnown: boolean;
}

/**
 * Gives the proxies on this node their route tables:
 *
 * ```
 *   Pods of this node ──▶ proxies ──┐
 *   Gateways, HTTPRoutes, grants,   ├─▶ queue, by pod ─▶ LiveTable ─▶ ProxyLink ─▶ control port of the pod
 *   Secrets, Services, slices ──────┘
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
  #following: Following | undefined;

  constructor(options: GatewaysOptions) {
    const { clock, log, pods, signal } = options;
    this.#options = options;
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
    return [...this.#proxies].map(([pod, { gateway, link, problem }]) => {
      const { revision } = link;
      const newest = this.#following?.tables.get(gateway)?.revision();
      return {
        pod,
        gateway,
        ...(revision === undefined ? {} : { revision }),
        upToDate: revision !== undefined && revision === newest,
        ...(problem !== undefined && this.#options.clock.now() - problem.since > PATIENCE_MILLISECONDS
          ? { problem: problem.sentence }
          : {}),
      };
    });
  }

  async close(): Promise<void> {
    this.#following?.stop.abort(new Error('the agent ends'));
    for (const { link } of this.#proxies.values()) link.close();
    await this.#queue.close();
  }

  async #serve(podKey: string): Promise<void> {
    const pod = this.#options.pods.cache.get(podKey);
    if (pod === undefined || !runs(pod)) {
      this.#forget(podKey);
      return;
    }
    const following = (this.#following ??= this.#follow());
    if (!following.isKnown) return; // added again when all is known
    const gateway = gatewayOf(pod, following.sources.gateways.cache.list());
    const host = pod.status?.podIP;
    if (gateway === undefined || host === undefined || host === '') return;
    const key = keyOf(gateway);
    const entry = this.#entryOf(podKey, key);
    this.#wantReferenced(following);
    const control = `${gateway.metadata.namespace ?? ''}/${controlSecretName(gateway, digest)}`;
    const { configMaps, secrets, sources } = following;
    if (!secrets.areKnown([control, ...sources.secretsOf(gateway)])) return; // added again by them
    if (!configMaps.areKnown(sources.configMapsOf(gateway))) return;
    const secret = Buffer.from(secrets.get(control)?.data?.[KEY_NAME] ?? '', 'base64');
    const table = this.#tableOf(following, key);
    const revision = table.revision();
    if (revision === undefined || secret.length !== KEY_BYTES) return;
    const isFirst = entry.link.revision === undefined;
    const port = this.#options.controlPort ?? proxy.controlPort;
    await entry.link.push({ host, port }, secret, table, revision);
    if (entry.problem !== undefined || isFirst)
      this.#options.log.info({ pod: podKey, gateway: key }, 'a proxy has its table');
    entry.problem = undefined;
  }

  #entryOf(podKey: string, gateway: string): LocalProxy {
    const known = this.#proxies.get(podKey);
    if (known?.gateway === gateway) return known;
    known?.link.close();
    const onLost = () => this.#queue.addAfter(podKey, 50);
    const link = new ProxyLink({ gateway, clock: this.#options.clock, onLost });
    const entry: LocalProxy = { gateway, link, problem: undefined };
    this.#proxies.set(podKey, entry);
    return entry;
  }

  #forget(podKey: string): void {
    const entry = this.#proxies.get(podKey);
    this.#proxies.delete(podKey);
    entry?.link.close();
    this.#queue.forget(podKey);
    if (this.#following === undefined) return;
    const gateways = new Set([...this.#proxies.values()].map(({ gateway }) => gateway));
    for (const key of this.#following.tables.keys())
      if (!gateways.has(key)) this.#following.tables.delete(key);
    if (this.#proxies.size > 0) {
      this.#wantReferenced(this.#following);
      return;
    }
    this.#following.stop.abort(new Error('no proxy is here any more'));
    this.#following = undefined;
  }

  #tableOf({ sources, tables }: Following, gateway: string): LiveTable {
    let table = tables.get(gateway);
    if (table === undefined) tables.set(gateway, (table = new LiveTable(gateway, sources.live)));
    return table;
  }

  #follow(): Following {
    const { client, clock, log, services, signal, slices } = this.#options;
    const stop = new AbortController();
    const ends = AbortSignal.any([signal, stop.signal]);
    const tables = new Map<string, LiveTable>();
    const tablesChanged = (keys?: readonly string[]) => {
      for (const [key, table] of tables) if (keys === undefined || keys.includes(key)) table.gatewayChanged();
      this.#wake(keys);
    };
    const referenced = { client, clock, log, signal: ends };
    const secrets = new FollowedObjects({
      ...referenced,
      resource: SECRETS,
      onChange: () => tablesChanged(),
    });
    const configMaps = new FollowedObjects({
      ...referenced,
      resource: CONFIG_MAPS,
      onChange: key => {
        tablesChanged();
        for (const service of sources.servicesOfConfigMap(key)) touched.endpoints(service);
      },
    });
    const sources = new TableSources({
      client,
      services,
      slices,
      secret: key => secrets.get(key),
      configMap: key => configMaps.get(key),
      clock,
      log,
    });
    const following: Following = { sources, secrets, configMaps, stop, tables, isKnown: false };
    const touched = {
      gateways: tablesChanged,
      route: (key: string, gateways: readonly string[]) => {
        for (const gateway of gateways) tables.get(gateway)?.routeChanged(key);
        this.#wake(gateways);
      },
      endpoints: (service: string) => {
        for (const table of tables.values()) table.endpointsChanged(service);
        this.#wake();
      },
    };
    sources.start(ends, touched).then(
      () => {
        following.isKnown = true;
        this.#wake();
      },
      () => undefined, // stopped before
    );
    return following;
  }

  /** Proxies of these Gateways, or all, are looked at again; also those whose Gateway is not known yet. */
  #wake(gateways?: readonly string[]): void {
    for (const pod of this.#options.pods.cache.list()) {
      if (pod.metadata.labels?.[PROXY_LABEL] !== PROXY) continue;
      const key = keyOf(pod);
      const known = this.#proxies.get(key)?.gateway;
      if (known === undefined || gateways === undefined || gateways.includes(known)) this.#queue.add(key);
    }
  }

  #wantReferenced({ configMaps, secrets, sources }: Following): void {
    const wanted = new Set<string>();
    const wantedMaps = new Set<string>();
    for (const { gateway } of this.#proxies.values()) {
      const object = sources.gateways.cache.get(gateway);
      if (object === undefined) continue;
      wanted.add(`${object.metadata.namespace ?? ''}/${controlSecretName(object, digest)}`);
      for (const key of sources.secretsOf(object)) wanted.add(key);
      for (const key of sources.configMapsOf(object)) wantedMaps.add(key);
    }
    secrets.want(wanted);
    configMaps.want(wantedMaps);
  }
}

/** A pod that is about to end still takes changes: it answers requests for as long as it can. */
const runs = ({ status }: Pod): boolean => status?.phase === 'Running';

function gatewayOf({ metadata }: Pod, gateways: readonly Gateway[]): Gateway | undefined {
  const label = metadata.labels?.[GATEWAY_LABEL];
  return gateways.find(
    gateway =>
      gateway.metadata.namespace === metadata.namespace &&
      gatewayLabel(gateway.metadata.name, digest) === label,
  );
}
