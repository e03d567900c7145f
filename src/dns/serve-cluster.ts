import type { Clock } from '../base/clock.ts';
import { sentenceOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Address, Prefix } from '../base/ip.ts';
import type { KubeClient } from '../kube/client.ts';
import { KernelAnswers } from './apply-kernel.ts';
import { ClusterNames } from './compile-cluster.ts';
import type { KernelFamilies } from './compile-kernel-counts.ts';
import { defaultForward } from './config/config.ts';
import type { DnsConfig, Upstream } from './config/config.ts';
import type { LoadedConfig } from './config/load-config.ts';
import { followCluster } from './follow-cluster.ts';
import type { Following } from './follow-cluster.ts';
import type { DnsMetrics } from './metrics.ts';
import { startDnsServer } from './server/dns-server.ts';
import type { DnsServer, HeldSockets } from './server/dns-server.ts';
import type { NameGate } from './server/name-gate.ts';
import { Pipeline } from './server/pipeline.ts';
import { formOf, readSnapshot, writeSnapshot } from './server/snapshot.ts';
import type { TopNames } from './server/top-names.ts';

export interface ServeClusterOptions {
  readonly clusterDomain: string;
  /** Of the Service kube-dns: what the zone's NS record leads to. */
  readonly dnsAddresses: readonly string[];
  /** Where questions come in; of this node, or pod, already. */
  readonly listenAddresses: readonly string[];
  readonly port: number;
  readonly prefixes: readonly Prefix[];
  /** Asked for outside names where the configuration names nobody. */
  readonly upstreams: readonly Upstream[];
  readonly held?: HeldSockets;
  /** Where the last state is kept. */
  readonly snapshotFile: string;
  readonly loaded: LoadedConfig;
  readonly gate: NameGate | undefined;
  /** Where the agent pins the maps of the kernel's answers; absent: nobody answers but this server. */
  readonly kernelDirectory?: string;
  readonly metrics: DnsMetrics;
  readonly top: TopNames;
  readonly random: () => number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const snapshotMilliseconds = 5000;
/** What a snapshot does not have may be new: for this long after a start it is unknown, not absent. */
const graceMilliseconds = 1000;

/** Names, the API server behind them, and the server in front: one configuration after the other. */
export class ClusterServer {
  readonly #options: ServeClusterOptions;
  readonly #server: DnsServer;
  #loaded: LoadedConfig;
  #pipeline: Pipeline;
  #client: KubeClient | undefined;
  #following: Following | undefined;
  /** By which the names were made that are answered. */
  #rules: DnsConfig;
  /** Ends following for the names that are answered, and for those that will be once everything is known of them. */
  #current: AbortController | undefined;
  #pending: AbortController | undefined;
  /** Of the names that are answered: the API server has told everything. */
  #isSynced = false;
  #restoredAt: number | undefined;
  readonly #kernel: KernelAnswers | undefined;
  #saved = -1;

  private constructor(
    options: ServeClusterOptions,
    pipeline: Pipeline,
    server: DnsServer,
    kernel: KernelAnswers | undefined,
  ) {
    this.#options = options;
    this.#loaded = options.loaded;
    this.#rules = options.loaded.config;
    this.#pipeline = pipeline;
    this.#server = server;
    this.#kernel = kernel;
  }

  /** Answers from the last state at once. */
  static async start(options: ServeClusterOptions): Promise<ClusterServer> {
    const { loaded, random, metrics, top, log, port, held } = options;
    const names = namesFor(options, loaded.config);
    const restoredAt = restore(options, names);
    let age = (): number | undefined => undefined;
    const kernel = kernelFor(options, () => age());
    const pipeline = pipelineFor(options, loaded, names, kernel);
    const server = await startDnsServer({
      pipeline,
      addresses: options.listenAddresses,
      port,
      ...(held === undefined ? {} : { held }),
      random,
      now: monotonic,
      metrics,
      top,
      log,
    });
    const made = new ClusterServer(options, pipeline, server, kernel);
    age = () => made.age();
    made.#restoredAt = restoredAt;
    if (restoredAt !== undefined)
      options.clock.sleep(graceMilliseconds, options.signal).then(
        () => (names.isComplete = true),
        () => undefined, // stopped before
      );
    made.#describe(loaded);
    made.#tellKernel();
    return made;
  }

  get server(): DnsServer {
    return this.#server;
  }

  get names(): ClusterNames {
    return this.#pipeline.names;
  }

  get config(): DnsConfig {
    return this.#loaded.config;
  }

  get pipeline(): Pipeline {
    return this.#pipeline;
  }

  /** What the kernel has answered instead of this server; undefined while it answers nothing. */
  kernelCounts(): KernelFamilies | undefined {
    return this.#kernel?.counts();
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Seconds since the API server last confirmed what is answered; undefined where it never did. */
  age(): number | undefined {
    if (this.#isSynced && this.#following !== undefined) return this.#following.staleness();
    return this.#restoredAt === undefined ? undefined : (this.#options.clock.now() - this.#restoredAt) / 1000;
  }

  /** Follows the API server from now on, until the signal ends. */
  follow(client: KubeClient, onSynced: () => void): void {
    this.#client = client;
    this.#begin(this.names, () => {
      this.save();
      onSynced();
    });
    // One that came while nobody could be followed.
    if (namesDiffer(this.#rules, this.#loaded.config)) this.take(this.#loaded);
    const saving = setInterval(() => this.save(), snapshotMilliseconds);
    this.#options.signal.addEventListener('abort', () => {
      clearInterval(saving);
      for (const controller of [this.#current, this.#pending]) controller?.abort(this.#options.signal.reason);
    });
  }

  /** Takes a configuration without a question lost: new rules of names only once everything is known by them. */
  take(loaded: LoadedConfig): void {
    this.#loaded = loaded;
    this.#describe(loaded);
    this.#use(pipelineFor(this.#options, loaded, this.names, this.#kernel));
    if (!namesDiffer(this.#rules, loaded.config)) {
      this.#pending?.abort(new Error('the rules are what they were'));
      this.#pending = undefined;
      return;
    }
    const names = namesFor(this.#options, loaded.config);
    this.#begin(names, () => {
      this.#rules = loaded.config;
      this.#use(pipelineFor(this.#options, loaded, names, this.#kernel));
    });
  }

  save(): void {
    const following = this.#following;
    if (!this.#isSynced || following === undefined || following.changes() === this.#saved) return;
    const { clock, log, snapshotFile } = this.#options;
    const changes = following.changes();
    try {
      writeSnapshot(snapshotFile, {
        at: clock.now() - following.staleness() * 1000,
        form: formOf(this.names.rules),
        input: this.names.input(),
      });
      this.#saved = changes;
    } catch (error) {
      // A full disk is no reason to answer no names; it is tried again.
      log.warn({ file: snapshotFile, reason: sentenceOf(error) }, 'the last state cannot be kept');
    }
  }

  #use(pipeline: Pipeline): void {
    this.#pipeline = pipeline;
    // What a new configuration says otherwise the kernel must not go on to say.
    this.#tellKernel();
    this.#server.use(pipeline);
  }

  #tellKernel(): void {
    const { names, isPlain, config } = this.#pipeline;
    const largest = config.limits.udpSize;
    this.#kernel?.use({
      names,
      isPlain,
      isSynced: this.#isSynced,
      autopath: config.autopath,
      largest,
    });
  }

  #begin(names: ClusterNames, then: () => void): void {
    const { clock, log, metrics } = this.#options;
    if (this.#client === undefined) return;
    const controller = new AbortController();
    const { labels, namespaceLabels } = this.#loaded.config;
    const following = followCluster({
      client: this.#client,
      names,
      labels,
      namespaceLabels,
      clock,
      log,
      signal: controller.signal,
      onProgrammed: (kind, seconds) => metrics.programming.with(kind).observe(seconds),
    });
    this.#pending?.abort(new Error('other rules are followed'));
    if (this.#current === undefined) this.#current = controller;
    else this.#pending = controller;
    this.#following ??= following;
    following.synced.then(
      () => {
        if (this.#pending === controller) {
          this.#current?.abort(new Error('other rules are followed'));
          this.#current = controller;
          this.#pending = undefined;
        }
        this.#following = following;
        this.#saved = -1;
        this.#isSynced = true;
        this.#tellKernel();
        then();
      },
      () => undefined, // stopped before
    );
  }

  #describe({ config, hash, hosts }: LoadedConfig): void {
    const { metrics } = this.#options;
    metrics.reloadVersion.clear();
    metrics.reloadVersion.with('sha512', hash).set(1);
    metrics.hostsEntries.clear();
    if (hosts !== undefined) metrics.hostsEntries.with(config.hosts?.file ?? '').set(hosts.size);
    metrics.pluginEnabled.clear();
    const forward = withUpstreams(config, this.#options.upstreams).forward.length > 0;
    const parts = {
      kubernetes: true,
      forward,
      cache: forward && config.cache !== undefined,
      hosts: hosts !== undefined,
      rewrite: config.rewrite.length > 0,
      acl: config.acl.length > 0,
      autopath: config.autopath,
      log: config.log !== 'none',
      loop: forward && config.loopDetection,
      transfer: config.transferTo.length > 0,
      prometheus: true,
      reload: true,
    };
    for (const [name, isOn] of Object.entries(parts))
      if (isOn) metrics.pluginEnabled.with(metrics.listen, '.', '', name).set(1);
  }
}

/** Milliseconds that only go forward. */
export const monotonic = (): number => performance.now();

function namesFor(options: ServeClusterOptions, { rules }: DnsConfig): ClusterNames {
  const { clusterDomain, dnsAddresses, prefixes, clock } = options;
  return new ClusterNames({
    clusterDomain,
    dnsAddresses,
    prefixes,
    serial: Math.floor(clock.now() / 1000),
    rules,
  });
}

function pipelineFor(
  options: ServeClusterOptions,
  { config, hosts }: LoadedConfig,
  names: ClusterNames,
  kernel: KernelAnswers | undefined,
): Pipeline {
  const { gate, random, metrics, log } = options;
  return new Pipeline({
    names,
    config: withUpstreams(config, options.upstreams),
    hosts,
    gate,
    ...(kernel === undefined ? {} : { namespaceOf: (client: Address) => kernel.namespaceOf(client) }),
    random,
    now: monotonic,
    metrics,
    log,
  });
}

/** `age`: seconds since the API server last confirmed the names. */
function kernelFor(options: ServeClusterOptions, age: () => number | undefined): KernelAnswers | undefined {
  const { kernelDirectory: directory, dnsAddresses: addresses, gate, log, clock, signal } = options;
  if (directory === undefined) return undefined;
  const kernel = new KernelAnswers({
    directory,
    addresses,
    isHeld: name => gate?.waitsFor([name.toLowerCase()]) ?? false,
    confirmedAt: () => {
      const seconds = age();
      return seconds === undefined ? undefined : clock.now() - 1000 * seconds;
    },
    log,
  });
  gate?.onPatterns(() => kernel.heldChanged());
  signal.addEventListener('abort', () => kernel.close());
  return kernel;
}

function withUpstreams(config: DnsConfig, upstreams: readonly Upstream[]): DnsConfig {
  const hasRoot = config.forward.some(({ zones }) => zones.includes('.'));
  if (upstreams.length === 0 || hasRoot) return config;
  return { ...config, forward: [...config.forward, { ...defaultForward, to: upstreams }] };
}

const namesDiffer = (a: DnsConfig, b: DnsConfig): boolean =>
  JSON.stringify([a.rules, a.labels, a.namespaceLabels]) !==
  JSON.stringify([b.rules, b.labels, b.namespaceLabels]);

function restore({ snapshotFile, log }: ServeClusterOptions, names: ClusterNames): number | undefined {
  const onUnreadable = (reason: string) =>
    log.warn(
      { file: snapshotFile, reason },
      'the last state cannot be read; names are unknown until the API server tells',
    );
  const snapshot = readSnapshot(snapshotFile, formOf(names.rules), onUnreadable);
  if (snapshot === undefined) return undefined;
  try {
    names.putAll(snapshot.input);
  } catch (error) {
    // A damaged file must not end every start; what was taken in goes when the API server has told everything.
    onUnreadable(sentenceOf(error));
    return undefined;
  }
  log.info(
    { file: snapshotFile, at: new Date(snapshot.at).toISOString() },
    'the last state is answered from',
  );
  return snapshot.at;
}
