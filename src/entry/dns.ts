/**
 * The DNS server of one node, born in the node's network namespace, or of one pod. It answers from its last state before
 * it has heard of the API server, and goes on when nobody hears of that again.
 *
 * ```
 *   dns.json (last state) ─▶ ClusterNames ─▶ Pipeline ─▶ UDP and TCP port 53
 *   API server ── watch ──────▶ │               │ └─▶ cache, upstreams
 *   dns.json ◀── every 5 s ─────┘  dns.yaml ────┘     names.sock ─▶ the agent, for policies that wait for a name
 * ```
 */
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { serveStatus } from '../agent/status.ts';
import { systemClock } from '../base/clock.ts';
import { FairleadError, sentenceOf } from '../base/errors.ts';
import { parsePrefix } from '../base/ip.ts';
import type { Prefix } from '../base/ip.ts';
import type { Log } from '../base/log.ts';
import { Metrics } from '../base/metrics.ts';
import {
  ClusterServer,
  DnsMetrics,
  NameGate,
  TopNames,
  dnsAddressesOf,
  leaveUntracked,
  loadConfig,
  monotonic,
  parseUpstream,
  serverLabel,
  startHttpServer,
  takeAddresses,
  unpredictable,
  watchConfig,
} from '../dns/index.ts';
import type { DnsCounts, KernelCounts, TopReport, Upstream } from '../dns/index.ts';
import { bpf, defaults, metricsPorts, paths } from '../kernel/contract.ts';
import { aborted, runProcess } from './process-top.ts';

/** What `GET /status` on dns.sock says. */
export interface DnsStatus {
  readonly cluster: string;
  readonly node: string;
  readonly addresses: readonly string[];
  readonly upstreams: readonly string[];
  /** The API server has told everything at least once since the start. */
  readonly synced: boolean;
  /** Seconds since the API server last confirmed what is answered; null where it never did. */
  readonly ageSeconds: number | null;
  readonly names: number;
  readonly counts: DnsCounts;
  /** Who asks what, of the last one to two minutes. */
  readonly top: TopReport;
  readonly slowest: readonly UpstreamTime[];
}

export interface UpstreamTime {
  readonly upstream: string;
  readonly answers: number;
  readonly failures: number;
  /** Mean, in milliseconds. */
  readonly milliseconds: number;
}

/** Of build_info. */
const version = '0.1.0';
const port = 53;
const drainMilliseconds = 2000;
const probeMilliseconds = 5000;

if (import.meta.main)
  runProcess('dns', async ({ log, stop }) => {
    const options = readOptions();
    const { cluster, node, clusterDomain, servicePrefixes, listen } = options;
    const clock = systemClock;
    const dnsAddresses = dnsAddressesOf(servicePrefixes);
    const addresses = listen.length > 0 ? listen : dnsAddresses;
    const first = serverLabel(addresses[0] ?? '', port);
    const metrics = new DnsMetrics(new Metrics(), version, first);
    const top = new TopNames(monotonic);
    const file = options.config ?? join(paths.state(cluster), 'dns.yaml');
    const loaded = await loadConfig(file, options.config !== undefined);
    const isOnNode = listen.length === 0;
    const gate = isOnNode
      ? new NameGate({ path: paths.namesSocket(cluster, node), metrics, now: monotonic, log })
      : undefined;
    if (isOnNode) takeAddresses(addresses);
    const serving = await ClusterServer.start({
      clusterDomain,
      dnsAddresses,
      listenAddresses: addresses,
      port,
      prefixes: options.prefixes,
      upstreams: options.upstreams,
      held: options.held,
      snapshotFile: options.snapshot ?? join(paths.nodeState(cluster, node), 'dns.json'),
      loaded,
      gate,
      ...(isOnNode ? { kernelDirectory: bpf.dns(cluster, node) } : {}),
      metrics,
      top,
      random: unpredictable(),
      clock,
      log,
      signal: stop,
    });
    if (isOnNode) await leaveUntracked(addresses);
    const unwatch = watchConfig({
      file,
      isNeeded: options.config !== undefined,
      current: loaded,
      take: changed => serving.take(changed),
      onFailure: () => metrics.reloadFailures.add(),
      log,
    });
    collect(metrics, serving, dnsAddresses);

    // Loaded when names are answered already: it is most of what a start costs.
    const [{ createClient }, { loadKubeconfig }, { inClusterConfig }] = await Promise.all([
      import('../kube/client.ts'),
      import('../kube/kubeconfig.ts'),
      import('../kube/in-cluster.ts'),
    ]);
    const client = createClient(
      options.kubeconfig === undefined ? inClusterConfig(process.env) : loadKubeconfig(options.kubeconfig),
    );
    serving.follow(client, () => {
      log.info({ names: serving.names.tree.size }, 'the names are those of the API server');
      flushCompileCache();
      // Under a flood of other names the old generation would grow to twice and three times what is kept, and stay so. Not
      // earlier: cached code is kept by V8's flags.
      setFlagsFromString('--heap-growing-percent=40');
    });
    const status = (): DnsStatus => ({
      cluster,
      node,
      addresses,
      upstreams: options.upstreams.map(({ host, port: number }) => `${host} ${number}`),
      synced: serving.isSynced,
      ageSeconds: serving.age() ?? null,
      names: serving.names.tree.size,
      counts: serving.server.counts(),
      top: top.report(),
      slowest: upstreamTimes(metrics),
    });
    let isLeaving = false;
    const waitingFor = () => {
      if (isLeaving) return 'it is about to end';
      return serving.names.isComplete ? undefined : 'the API server has not told everything yet';
    };
    const https = await serveHttp(options, metrics, waitingFor, log);
    const statusServer = isOnNode
      ? await serveStatus(join(paths.nodeRun(cluster, node), 'dns.sock'), status)
      : undefined;
    const unprobe = options.healthPort > 0 ? probeHealth(options.healthPort, metrics) : () => undefined;
    await aborted(stop);
    unprobe();
    isLeaving = true;
    unwatch();
    await clock.sleep(serving.config.lameduckSeconds * 1000);
    const deadline = monotonic() + drainMilliseconds;
    while (serving.server.counts().underWay > 0 && monotonic() < deadline) await clock.sleep(10);
    serving.save();
    serving.server.close();
    gate?.close();
    await Promise.all([statusServer?.close(), ...https.map(server => server.close())]);
    client.close();
  });

/** Copies what is known elsewhere before each scrape. */
function collect(metrics: DnsMetrics, serving: ClusterServer, dnsAddresses: readonly string[]): void {
  let [evicted, dropped] = [0, 0];
  let inKernel: ReturnType<ClusterServer['kernelCounts']>;
  metrics.registry.onCollect(() => {
    const counts = serving.kernelCounts();
    if (counts !== undefined) {
      // Maps that were made anew count from zero.
      const isSame =
        inKernel !== undefined && counts.every((each, index) => !isLess(each, inKernel?.[index]));
      for (const address of dnsAddresses) {
        const index = address.includes(':') ? 1 : 0;
        const before = isSame ? inKernel?.[index] : undefined;
        metrics.kernelAnswered(serverLabel(address, port), index === 1 ? 6 : 4, counts[index], before);
      }
      inKernel = counts;
    }
    metrics.snapshotAge.set(serving.age() ?? -1);
    metrics.synced.set(serving.isSynced ? 1 : 0);
    metrics.names.set(serving.names.tree.size);
    const unsent = serving.server.counts().dropped;
    metrics.unsent.add(unsent - dropped);
    dropped = unsent;
    const { cache } = serving.pipeline.resolver;
    if (cache === undefined) return;
    for (const kind of ['success', 'denial'] as const)
      metrics.cacheEntries.with(metrics.listen, kind, '.', '').set(cache.count(kind));
    if (cache.evictions < evicted) evicted = 0; // a new configuration has a new cache
    metrics.cacheEvictions.with(metrics.listen, 'success', '.', '').add(cache.evictions - evicted);
    evicted = cache.evictions;
  });
}

const isLess = (now: KernelCounts, before: KernelCounts | undefined): boolean =>
  now.sent.octets < (before?.sent.octets ?? 0) || now.passed.unknown < (before?.passed.unknown ?? 0);

/** A server that is slow to answer itself is overloaded. */
function probeHealth(healthPort: number, metrics: DnsMetrics): () => void {
  const timer = setInterval(() => {
    const started = monotonic();
    const signal = AbortSignal.timeout(probeMilliseconds);
    const asking = fetch(`http://127.0.0.1:${healthPort}/health`, { signal });
    // Read to its end: else the connection stays.
    asking
      .then(answer => answer.text())
      .then(
        () => metrics.healthDuration.observe((monotonic() - started) / 1000),
        () => metrics.healthFailures.add(),
      );
  }, probeMilliseconds);
  return () => clearInterval(timer);
}

function upstreamTimes(metrics: DnsMetrics): readonly UpstreamTime[] {
  const found = new Map<string, { answers: number; failures: number; seconds: number }>();
  for (const { values, series } of metrics.forwardDuration.series.values()) {
    const [, to = '', rcode] = values;
    const count = series.counts.reduce((sum, each) => sum + each, 0);
    const before = found.get(to) ?? { answers: 0, failures: 0, seconds: 0 };
    const isFailure = rcode === 'TIMEOUT' || rcode === 'SERVFAIL';
    found.set(to, {
      answers: before.answers + count,
      failures: before.failures + (isFailure ? count : 0),
      seconds: before.seconds + series.sum,
    });
  }
  return [...found]
    .map(([upstream, { answers, failures, seconds }]) => ({
      upstream,
      answers,
      failures,
      milliseconds: answers === 0 ? 0 : (1000 * seconds) / answers,
    }))
    .toSorted((a, b) => b.milliseconds - a.milliseconds);
}

/** Metrics are no reason to answer no names: a port that somebody else has is told of, and left. */
async function serveHttp(
  options: ReturnType<typeof readOptions>,
  metrics: DnsMetrics,
  waitingFor: () => string | undefined,
  log: Log,
) {
  const ports = new Set(
    [options.metricsPort, options.healthPort, options.readyPort].filter(each => each > 0),
  );
  const servers = await Promise.all(
    [...ports].map(number =>
      startHttpServer({ host: '::', port: number, metrics: metrics.registry, waitingFor }).catch(
        (error: unknown) => {
          log.warn({ port: number, reason: sentenceOf(error) }, 'there are no metrics on this port');
          return undefined;
        },
      ),
    ),
  );
  return servers.filter(server => server !== undefined);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      cluster: { type: 'string', default: process.env['FAIRLEAD_CLUSTER'] ?? 'default' },
      node: { type: 'string', default: process.env['NODE_NAME'] ?? '' },
      kubeconfig: { type: 'string' },
      config: { type: 'string' },
      listen: { type: 'string', default: '' },
      snapshot: { type: 'string' },
      'pod-prefixes': { type: 'string', default: '' },
      'service-prefixes': { type: 'string', default: defaults.servicePrefixes.join(',') },
      'cluster-domain': { type: 'string', default: defaults.clusterDomain },
      upstreams: { type: 'string', default: '' },
      'metrics-port': { type: 'string', default: String(metricsPorts.dns) },
      'health-port': { type: 'string', default: '0' },
      'ready-port': { type: 'string', default: '0' },
      // Descriptors of sockets that the supervisor holds, in the order of the DNS addresses.
      'held-datagrams': { type: 'string', default: '' },
      'held-streams': { type: 'string', default: '' },
    },
  });
  if (values.node === '') {
    throw new FairleadError('dns/no-node', 'the DNS server does not know which node it serves', {
      hint: 'Give --node, or NODE_NAME in the environment.',
    });
  }
  const servicePrefixes = listOf(values['service-prefixes']).map(text =>
    prefixOf(text, '--service-prefixes'),
  );
  const podPrefixes = listOf(values['pod-prefixes']).map(text => prefixOf(text, '--pod-prefixes'));
  return {
    cluster: values.cluster,
    node: values.node,
    kubeconfig: values.kubeconfig,
    config: values.config,
    listen: listOf(values.listen),
    snapshot: values.snapshot,
    clusterDomain: values['cluster-domain'],
    servicePrefixes,
    prefixes: [...servicePrefixes, ...podPrefixes],
    upstreams: listOf(values.upstreams).map(upstreamOf),
    metricsPort: Number(values['metrics-port']),
    healthPort: Number(values['health-port']),
    readyPort: Number(values['ready-port']),
    held: {
      datagrams: listOf(values['held-datagrams']).map(Number),
      streams: listOf(values['held-streams']).map(Number),
    },
  };
}

function listOf(list: string): readonly string[] {
  return list.split(',').filter(text => text !== '');
}

function prefixOf(text: string, field: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix !== undefined) return prefix;
  throw new FairleadError('dns/bad-prefix', `"${text}" is not a prefix`, { field });
}

function upstreamOf(text: string): Upstream {
  const found = parseUpstream(text);
  if (found !== undefined) return found;
  throw new FairleadError('dns/bad-upstream', `"${text}" is not an address with a port`, {
    field: '--upstreams',
    hint: 'Write 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:5353; names cannot be resolved here',
  });
}
