import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.ts';
import { sentenceOf } from '../base/errors.ts';
import type { Prefix } from '../base/ip.ts';
import type { Log } from '../base/log.ts';
import { Metrics } from '../base/metrics.ts';
import type { Problem } from '../base/provenance.ts';
import { WorkQueue } from '../base/work-queue.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import type { KubeClient } from '../kube/client.ts';
import { EventRecorder } from '../kube/events.ts';
import { Informer } from '../kube/informer.ts';
import { ENDPOINT_SLICES, SERVICES, SERVICE_CIDRS, keyOf } from '../kube/resources.ts';
import type { Announcer } from './announce.ts';
import { Streams } from './gateways/streams.ts';
import { ServiceChanges } from './service-changes.ts';
import type { SliceChange } from './service-changes.ts';
import { HealthChecks } from './service-health.ts';
import type { HealthCheck } from './service-health.ts';
import { ServiceModeSwitch } from './service-mode.ts';
import type { ServiceModeOptions, ServiceModeStatus } from './service-mode.ts';
import { servicePlaceOf, servicePrefixesOf } from './service-place.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import type { Service } from '../kube/types/service.ts';
import type { Node } from '../kube/types/node.ts';
import { ServiceMetrics, ServiceNetwork, SocketServices, serviceOf } from '../services/index.ts';
import type { FrontendCounters, ServiceCounts } from '../services/index.ts';

export interface ServicesOptions {
  readonly client: KubeClient;
  readonly node: string;
  readonly worker: KernelWorker;
  readonly announcer: Announcer;
  /** Started by the caller. */
  readonly nodes: Informer<Node>;
  /** Absent: node ports are found at the node's first address of each family. */
  readonly nodePortPrefixes: readonly Prefix[] | undefined;
  /** The cluster's, where the agent was told; further ones come from ServiceCIDRs. */
  readonly servicePrefixes: readonly Prefix[];
  /** How pods' sockets are translated, and who wants it. */
  readonly mode: Pick<ServiceModeOptions, 'cluster' | 'file' | 'option' | 'podsCgroup'>;
  /** The node-local DNS servers answer there themselves. */
  readonly dnsAddresses: readonly string[];
  /** Absent: what is counted is told nobody. */
  readonly metrics?: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface ServicesStatus extends ServiceCounts {
  /** All Services are in the kernel, or named among the problems. */
  readonly ready: boolean;
  readonly mode: ServiceModeStatus;
  readonly lastReconcile?: string;
  /** Load balancer addresses that this node answers for on its links. */
  readonly announced: readonly string[];
  /** Elements and rules that somebody else had changed, since the start. */
  readonly corrections: number;
  readonly problems: readonly {
    readonly object: string;
    readonly field: string;
    readonly sentence: string;
  }[];
}

export interface FollowedServices {
  /** Of all namespaces; slices are indexed by `service`, the key of theirs. */
  readonly informers: { readonly services: Informer<Service>; readonly slices: Informer<EndpointSlice> };
  /** Seconds since the API server last said anything about Services; infinite before it ever did. */
  staleness(): number;
  status(): ServicesStatus;
  /** What a front end's connections came to on this node; undefined for none of ours. */
  counters(at: Parameters<ServiceNetwork['counters']>[0]): Promise<FrontendCounters | undefined>;
  /** Pods came or went: their sockets have to know their own addresses. */
  podsChanged(): void;
  /** Compares the kernel with the program soon. */
  reconcile(): void;
  close(): Promise<void>;
}

/** Reading back a table of more front ends and endpoints than this costs too much for every turn. */
const largeTable = 10_000;
const turnsOfLargeTable = 20;
const LOAD = 'load';
const CHANGES = 'changes';
const RECONCILE = 'reconcile';
const PODS = 'pods';
/** Pods come in groups, and looking at them costs a little for each. */
const podsMilliseconds = 100;

/**
 * ```
 *   Services, EndpointSlices ──informers──▶ key of the Service ─▶ one at a time ─▶ ServiceNetwork ─▶ nftables
 *   every 30 s: compare, repair ───────────────────────────────────┘                    ├─▶ problems: log, Events
 *                                                                                       ├─▶ health checks (service-health.ts)
 *                                                                                       └─▶ announcer (announce.ts)
 * ```
 */
export function followServices(options: ServicesOptions): FollowedServices {
  const { announcer, client, clock, node, nodePortPrefixes, nodes, servicePrefixes, signal, worker } =
    options;
  const log = options.log.scope('services');
  const services = new Informer(client, SERVICES, { clock, log });
  const slices = new Informer(client, ENDPOINT_SLICES, {
    clock,
    log,
    indexes: { service: slice => [serviceOf(slice)] },
  });
  const streams = new Streams({
    client,
    services,
    slices,
    onChange: keys => {
      for (const key of keys) changes.add(key);
      queue.add(CHANGES);
    },
    clock,
    log,
    signal,
  });
  // Not waited for: an API server may have no such kind, or not let us see it.
  const cidrs = new Informer(client, SERVICE_CIDRS, { absent: 'empty', clock, log });
  const mode = new ServiceModeSwitch({ ...options.mode, node, worker, log });
  const network = new ServiceNetwork(
    {
      kernel: {
        nft: commands => worker.nft(commands),
        nftChunked: changes => worker.nftChunked(changes),
        nftElements: changes => worker.nftElements(changes),
        nftTable: (name, types) => worker.nftTable(name, types),
        nftCounters: places => worker.nftCounters(places),
        forgetConnections: flows => worker.forgetConnections(flows),
        connections: filters => worker.connections(filters),
        deleteConnections: connections => worker.deleteConnections(connections),
      },
      place: { node, addresses: [], nodePortAddresses: [], servicePrefixes },
      clock,
      sockets: new SocketServices(mode.translation, new Set(options.dnsAddresses), error =>
        mode.failed(error),
      ),
    },
    {
      keys: () => [...services.cache.list().map(keyOf), ...streams.keys()],
      service: key => services.cache.get(key),
      slices: key => slices.cache.by('service', key),
      weighted: key => streams.weighted(key),
    },
  );
  const events = new EventRecorder({ client, clock, log, component: 'fairlead-agent', host: node });
  const told = new Map<string, string>();
  const registry = options.metrics ?? new Metrics();
  const metrics = new ServiceMetrics(registry);
  const changes = new ServiceChanges(clock);
  const state = {
    isReady: false,
    corrections: 0,
    reconciledAt: undefined as number | undefined,
    prefixes: [] as readonly Prefix[],
    turn: 0,
  };

  let isPodsTurnDue = false;
  const health = new HealthChecks({ isHealthy: () => state.isReady, log });

  /** By work: why it could not be done, the last time that it was tried. */
  const failures = new Map<string, string>();
  const queue = new WorkQueue<string>(
    async key => {
      await handle(key);
      failures.delete(key);
    },
    {
      clock,
      onError: (key, error, retryInMilliseconds) => {
        failures.set(key, sentenceOf(error));
        log.error(
          { work: key, reason: sentenceOf(error), retryInMilliseconds },
          'Services could not be brought into the kernel',
        );
      },
    },
  );

  async function handle(key: string): Promise<void> {
    if (key === PODS) return mode.translation.followPods();
    const started = clock.now();
    const done = (work: string) => metrics.sync.with(work).observe(Math.max(0, clock.now() - started) / 1000);
    if (key === CHANGES) {
      // Before everything is loaded, one Service would stand for all of them: loading, which is tried again, reads it too.
      if (state.isReady && !changes.isEmpty) await bringChanges();
      return;
    }
    const own = nodePortPrefixes === undefined ? [] : await worker.addresses();
    const prefixes = servicePrefixesOf(servicePrefixes, cidrs.cache.list());
    const isMoved = network.move(
      servicePlaceOf(node, nodes.cache.get(node), nodePortPrefixes, own, prefixes),
    );
    // Another ServiceCIDR is nobody's meddling with the kernel.
    const isExtended = !isDeepStrictEqual(prefixes, state.prefixes);
    state.prefixes = prefixes;
    const isSwitched = await mode.settle(nodes.cache.get(node));
    const all = key === LOAD || isMoved ? network.load(meanwhile) : network.reconcile(meanwhile);
    const { at, corrections } = await all;
    state.reconciledAt = at;
    done(key === LOAD || isMoved ? 'load' : 'compare');
    if (key === RECONCILE && !isMoved && !isSwitched && !isExtended && corrections > 0) {
      state.corrections += corrections;
      metrics.corrections.add(corrections);
      log.warn({ corrections }, "the kernel's Services were not as they have to be and were corrected");
    }
    if (!state.isReady) log.info(network.counts(), 'Services are in force');
    state.isReady = true;
    if (key === LOAD) {
      for (const each of services.cache.list().map(keyOf)) {
        announcer.change(each, network.announced(each));
        await health.set(each, healthOf(each));
      }
      announcer.begin();
    }
    tell(new Set([...network.problems().map(serviceKeyOf), ...told.keys()]));
  }

  /** A change does not wait until the whole table is compared. */
  async function meanwhile(): Promise<void> {
    if (state.isReady && !changes.isEmpty) await bringChanges();
  }

  /** What came in while the kernel was busy goes into it together. */
  async function bringChanges(): Promise<void> {
    const taken = changes.take();
    const started = clock.now();
    try {
      const concerned = await network.change(...taken.keys());
      taken.observe(metrics);
      metrics.sync.with('change').observe(Math.max(0, clock.now() - started) / 1000);
      for (const key of taken.keys()) {
        announcer.change(key, network.announced(key));
        await health.set(key, healthOf(key));
      }
      tell([...concerned, ...told.keys()]);
    } catch (error) {
      changes.putBack(taken);
      throw error;
    }
  }

  /** Load balancers that keep to nodes with endpoints ask for them. */
  function healthOf(key: string): HealthCheck | undefined {
    const service = services.cache.get(key);
    const { type, externalTrafficPolicy, healthCheckNodePort: port = 0 } = service?.spec ?? {};
    if (service === undefined || type !== 'LoadBalancer' || externalTrafficPolicy !== 'Local' || port === 0)
      return undefined;
    const { namespace = '', name } = service.metadata;
    return { namespace, name, port, localEndpoints: network.readyHere(key) };
  }

  /** Says each Service's problems once, and again when they change. */
  function tell(keys: Iterable<string>): void {
    for (const key of new Set(keys)) {
      const problems = network.problems(key);
      const text = JSON.stringify(problems.map(({ sentence }) => sentence));
      if (text === (told.get(key) ?? '[]')) continue;
      if (problems.length === 0) told.delete(key);
      else told.set(key, text);
      const service = services.cache.get(key);
      for (const problem of problems) {
        log.warn(placeOf(problem), problem.sentence);
        const { kind, name, field } = problem.provenance;
        const note = `${kind} ${name}, ${field}: ${problem.sentence}`;
        if (service !== undefined)
          events.record(service, { type: 'Warning', reason: 'ServiceProblem', note });
      }
    }
  }

  /** A slice is told under its own name; its Service is found by it. */
  function serviceKeyOf({ provenance }: Problem): string {
    const key = `${provenance.namespace}/${provenance.name}`;
    if (provenance.kind !== 'EndpointSlice') return key;
    const slice = slices.cache.get(key);
    return slice === undefined ? key : serviceOf(slice);
  }

  // Counters are read from the kernel, and a scrape does not wait: it gets those of the scrape before.
  let isReading = false;
  registry.onCollect(() => {
    const announced = announcer.announced().length;
    metrics.size({ ...network.counts(), problems: network.problems().length, announced });
    if (isReading || !state.isReady) return;
    isReading = true;
    network
      .refusedConnections()
      .then(
        counts => metrics.refused(counts),
        (error: unknown) => log.debug({ reason: sentenceOf(error) }, 'counters could not be read'),
      )
      .finally(() => (isReading = false));
  });

  services.start(signal);
  slices.start(signal);
  cidrs.start(signal);
  // Only complete lists may change the kernel: after a restart, a half-known cluster must not take any Service away.
  Promise.all([services.synced, slices.synced, nodes.synced, streams.known]).then(
    () => {
      // What is there now is told at once, and is loaded in one go.
      let isReplay = true;
      const add = (key: string) => {
        if (!isReplay) queue.add(key);
      };
      const changed = (service: string, slice?: SliceChange) => {
        if (isReplay) return;
        changes.add(service, slice);
        queue.add(CHANGES);
      };
      services.onChange(({ before, after }) => {
        const service = after ?? before;
        if (service !== undefined) changed(keyOf(service));
      });
      slices.onChange(change => {
        for (const key of new Set([change.before, change.after].map(slice => slice && serviceOf(slice))))
          if (key !== undefined) changed(key, change);
      });
      nodes.onChange(({ before, after }) => {
        if ((after ?? before)?.metadata.name !== node) return;
        const text = (one: Node | undefined) =>
          JSON.stringify([one?.metadata.labels, one?.status?.addresses, ServiceModeSwitch.partOf(one)]);
        if (text(before) !== text(after)) add(LOAD);
      });
      cidrs.onChange(({ before, after }) => {
        if (!isDeepStrictEqual(before?.spec?.cidrs, after?.spec?.cidrs)) add(RECONCILE);
      });
      isReplay = false;
      queue.add(LOAD);
    },
    () => undefined, // stopped before
  );

  return {
    informers: { services, slices },
    staleness: () => Math.max(services.staleness(), slices.staleness()),
    status: () => ({
      ready: state.isReady,
      mode: mode.status(),
      ...network.counts(),
      ...(state.reconciledAt === undefined
        ? {}
        : { lastReconcile: new Date(state.reconciledAt).toISOString() }),
      announced: announcer.announced(),
      corrections: state.corrections,
      problems: [
        ...[...new Set(failures.values())].map(sentence => ({ object: `Node/${node}`, field: '', sentence })),
        ...network.problems().map(placeOf),
      ],
    }),
    counters: at => network.counters(at),
    podsChanged: () => {
      if (isPodsTurnDue) return;
      isPodsTurnDue = true;
      void clock.sleep(podsMilliseconds, signal).then(
        () => {
          isPodsTurnDue = false;
          if (state.isReady) queue.add(PODS);
        },
        () => undefined, // stopped before
      );
    },
    reconcile: () => {
      health.retry();
      const { endpoints, frontends } = network.counts();
      state.turn++;
      const isDue = endpoints + frontends <= largeTable || state.turn % turnsOfLargeTable === 0;
      if (state.isReady && isDue) queue.add(RECONCILE);
    },
    close: async () => {
      await queue.close();
      await health.close();
      await events.flush();
    },
  };
}

function placeOf({ provenance, sentence }: Problem) {
  const { kind, namespace, name, field } = provenance;
  return { object: `${kind}/${namespace}/${name}`, field, sentence };
}
