import { Metrics } from '../base/metrics.ts';
import type { Family, HistogramSeries, Series } from '../base/metrics.ts';
import type { KernelCounts } from './compile-kernel-counts.ts';
import { hasName, typeName } from './wire/type-names.ts';

/** CoreDNS's names, labels and buckets, so that its dashboards and alerts read this server too. */
const exponential = (start: number, factor: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => start * factor ** index);
const timeBuckets = exponential(0.000_25, 2, 16);
const sizeBuckets = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3];
const zone = '.';
const view = '';
const server = ['server', 'zone', 'view'] as const;
const cached = ['server', 'zones', 'view'] as const;
const proxyName = 'forward';

/** Who made an answer. */
export type AnsweredBy =
  | 'kubernetes'
  | 'cache'
  | 'forward'
  | 'hosts'
  | 'acl'
  | 'loop'
  | 'transfer'
  | 'kernel'
  | 'autopath'
  | '';

/** The counters of one of the server's sockets, at hand on the way of a question. */
export interface Lane {
  /** `times`: so many alike, here and below. */
  request(type: number, isDnssec: boolean, length: number, times?: number): void;
  response(rcode: number, by: AnsweredBy, length: number, times?: number): void;
  /** Seconds. */
  took(seconds: number, times: number): void;
}

const rcodeNames: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  16: 'BADVERS',
};
export const rcodeName = (rcode: number): string => rcodeNames[rcode] ?? `RCODE${rcode}`;

export class DnsMetrics {
  readonly registry: Metrics;
  /** The label `server` of what is not of one socket alone. */
  readonly listen: string;
  readonly panics: Series;
  readonly cacheEntries: Family<Series>;
  readonly cacheRequests: Series;
  readonly cacheHits: Family<Series>;
  readonly cacheMisses: Series;
  readonly cachePrefetches: Series;
  readonly cacheDrops: Series;
  readonly cacheStale: Series;
  readonly cacheEvictions: Family<Series>;
  readonly forwardDuration: Family<HistogramSeries>;
  readonly healthcheckFailures: Family<Series>;
  readonly connectionHits: Family<Series>;
  readonly connectionMisses: Family<Series>;
  readonly allBroken: Series;
  readonly rejected: Series;
  readonly programming: Family<HistogramSeries>;
  readonly healthDuration: HistogramSeries;
  readonly healthFailures: Series;
  readonly reloadFailures: Series;
  readonly reloadVersion: Family<Series>;
  readonly hostsEntries: Family<Series>;
  readonly autopathSuccesses: Series;
  readonly aclBlocked: Family<Series>;
  readonly aclFiltered: Family<Series>;
  readonly aclAllowed: Family<Series>;
  readonly aclDropped: Family<Series>;
  readonly pluginEnabled: Family<Series>;
  readonly snapshotAge: Series;
  readonly synced: Series;
  readonly names: Series;
  readonly gateWaits: HistogramSeries;
  readonly gateTimeouts: Series;
  readonly unsent: Series;
  readonly ignored: Series;
  readonly #kernelPassed: Family<Series>;
  readonly #requests: Family<Series>;
  readonly #durations: Family<HistogramSeries>;
  readonly #requestSizes: Family<HistogramSeries>;
  readonly #responseSizes: Family<HistogramSeries>;
  readonly #dnssec: Family<Series>;
  readonly #responses: Family<Series>;

  /** `version` of the program; `listen` names the server in cache metrics. */
  constructor(registry: Metrics, version: string, listen: string) {
    this.registry = registry;
    this.listen = listen;
    const counter = (name: string, help: string, labels: readonly string[] = []) =>
      registry.counter(`coredns_${name}`, help, labels);
    const gauge = (name: string, help: string, labels: readonly string[] = []) =>
      registry.gauge(`coredns_${name}`, help, labels);
    const histogram = (
      name: string,
      help: string,
      bounds: readonly number[],
      labels: readonly string[] = [],
    ) => registry.histogram(`coredns_${name}`, help, bounds, labels);

    gauge('build_info', 'The program that answers, always 1', ['version', 'revision', 'goversion'])
      .with(version, 'fairlead', process.version)
      .set(1);
    this.#requests = counter('dns_requests_total', 'Questions', [...server, 'proto', 'family', 'type']);
    this.#durations = histogram(
      'dns_request_duration_seconds',
      'Time from reading a question to handing over its answer',
      timeBuckets,
      server,
    );
    this.#requestSizes = histogram('dns_request_size_bytes', 'Octets of questions', sizeBuckets, [
      ...server,
      'proto',
    ]);
    this.#responseSizes = histogram('dns_response_size_bytes', 'Octets of answers', sizeBuckets, [
      ...server,
      'proto',
    ]);
    this.#dnssec = counter('dns_do_requests_total', 'Questions with the DO bit', server);
    this.#responses = counter('dns_responses_total', 'Answers by code', [...server, 'rcode', 'plugin']);
    this.panics = counter('panics_total', 'Questions that ended in a fault of the program').with();
    this.pluginEnabled = gauge('plugin_enabled', 'Parts that are configured, 1 each', [...server, 'name']);

    const own = [listen, zone, view];
    this.cacheEntries = gauge('cache_entries', 'Answers that are kept', ['server', 'type', 'zones', 'view']);
    this.cacheRequests = counter('cache_requests_total', 'Questions that the cache was asked', cached).with(
      ...own,
    );
    this.cacheHits = counter('cache_hits_total', 'Questions that it could answer', [
      'server',
      'type',
      'zones',
      'view',
    ]);
    this.cacheMisses = counter('cache_misses_total', 'Questions that it could not answer', cached).with(
      ...own,
    );
    this.cachePrefetches = counter(
      'cache_prefetch_total',
      'Answers asked for again before they ran out',
      cached,
    ).with(...own);
    this.cacheDrops = counter('cache_drops_total', 'Answers that were not to be kept', cached).with(...own);
    this.cacheStale = counter(
      'cache_served_stale_total',
      'Answers given after they had run out',
      cached,
    ).with(...own);
    this.cacheEvictions = counter('cache_evictions_total', 'Answers dropped for others', [
      'server',
      'type',
      'zones',
      'view',
    ]);

    this.forwardDuration = histogram(
      'proxy_request_duration_seconds',
      'Time of an upstream for an answer',
      timeBuckets,
      ['proxy_name', 'to', 'rcode'],
    );
    this.healthcheckFailures = counter(
      'proxy_healthcheck_failures_total',
      'Probes that an upstream did not answer',
      ['proxy_name', 'to'],
    );
    this.connectionHits = counter('proxy_conn_cache_hits_total', 'Questions sent by a socket that was open', [
      'proxy_name',
      'to',
      'proto',
    ]);
    this.connectionMisses = counter(
      'proxy_conn_cache_misses_total',
      'Questions that a socket was opened for',
      ['proxy_name', 'to', 'proto'],
    );
    this.allBroken = counter(
      'forward_healthcheck_broken_total',
      'Questions for which all upstreams counted as dead',
    ).with();
    this.rejected = counter(
      'forward_max_concurrent_rejects_total',
      'Questions refused as too many were under way',
    ).with();

    this.programming = histogram(
      'kubernetes_dns_programming_duration_seconds',
      'Time from a change of endpoints to the answers that show it',
      exponential(0.001, 2, 20),
      ['service_kind'],
    );
    this.healthDuration = histogram(
      'health_request_duration_seconds',
      'Time of a question to our own health port',
      exponential(0.000_25, 10, 5),
    ).with();
    this.healthFailures = counter(
      'health_request_failures_total',
      'Questions to our own health port that failed',
    ).with();
    this.reloadFailures = counter('reload_failed_total', 'Configurations that could not be taken').with();
    this.reloadVersion = gauge('reload_version_info', 'The configuration in force, always 1', [
      'hash',
      'value',
    ]);
    this.hostsEntries = gauge('hosts_entries', 'Names and addresses of the hosts table', ['hostsfile']);
    this.autopathSuccesses = counter(
      'autopath_success_total',
      'Questions that a search list made and that a later entry of it answered',
      ['server'],
    ).with(listen);
    this.aclBlocked = counter('acl_blocked_requests_total', 'Questions refused by the access list', server);
    this.aclFiltered = counter(
      'acl_filtered_requests_total',
      'Questions answered empty by the access list',
      server,
    );
    this.aclAllowed = counter('acl_allowed_requests_total', 'Questions let through by the access list', [
      'server',
      'view',
    ]);
    this.aclDropped = counter('acl_dropped_requests_total', 'Questions dropped by the access list', server);

    const ours = (name: string) => `fairlead_dns_${name}`;
    this.snapshotAge = registry
      .gauge(
        ours('snapshot_age_seconds'),
        'Time since the API server last confirmed what is answered; -1 where it never did',
      )
      .with();
    this.synced = registry
      .gauge(ours('synced'), '1 when the API server has told everything since the start')
      .with();
    this.names = registry.gauge(ours('names'), 'Names of the cluster that have an answer').with();
    this.gateWaits = registry
      .histogram(
        ours('policy_wait_seconds'),
        'Time for which an answer was held until policies know its addresses',
        timeBuckets,
      )
      .with();
    this.gateTimeouts = registry
      .counter(ours('policy_wait_timeouts_total'), 'Answers released although policies did not confirm them')
      .with();
    this.unsent = registry
      .counter(ours('unsent_answers_total'), 'Answers that the kernel did not take')
      .with();
    this.#kernelPassed = registry.counter(
      ours('kernel_passed_total'),
      'Questions of pods that the kernel left to this server',
      ['family', 'reason'],
    );
    this.ignored = registry.counter(ours('ignored_packets_total'), 'Packets that were no questions').with();
  }

  /** `listen`: `dns://10.96.0.10:53`. */
  lane(listen: string, proto: 'udp' | 'tcp', family: 4 | 6): Lane {
    const own = [listen, zone, view] as const;
    const requests = new Map<number, Series>();
    const responses = new Map<number, Map<AnsweredBy, Series>>();
    const durations = this.#durations.with(...own);
    const [asked, answered] = [
      this.#requestSizes.with(...own, proto),
      this.#responseSizes.with(...own, proto),
    ];
    const dnssec = this.#dnssec.with(...own);
    const familyLabel = family === 4 ? '1' : '2';
    const requestsOf = (type: number): Series => {
      const named = hasName(type) ? type : -1;
      const kept = requests.get(named);
      if (kept !== undefined) return kept;
      const label = named === -1 ? 'other' : typeName(type);
      const made = this.#requests.with(...own, proto, familyLabel, label);
      requests.set(named, made);
      return made;
    };
    const responsesOf = (rcode: number, by: AnsweredBy): Series => {
      const kept = responses.get(rcode) ?? new Map<AnsweredBy, Series>();
      responses.set(rcode, kept);
      const present = kept.get(by);
      if (present !== undefined) return present;
      const made = this.#responses.with(...own, rcodeName(rcode), by);
      kept.set(by, made);
      return made;
    };
    return {
      request: (type, isDnssec, length, times = 1) => {
        requestsOf(type).value += times;
        asked.observe(length, times);
        if (isDnssec) dnssec.value += times;
      },
      response: (rcode, by, length, times = 1) => {
        responsesOf(rcode, by).value += times;
        answered.observe(length, times);
      },
      took: (seconds, times) => durations.observe(seconds, times),
    };
  }

  /** Adds what the kernel did since `before` to the metrics of the server that was asked; how long it took nobody measures. */
  kernelAnswered(listen: string, family: 4 | 6, now: KernelCounts, before: KernelCounts | undefined): void {
    const own = [listen, zone, view] as const;
    const familyLabel = family === 4 ? '1' : '2';
    for (const [index, type] of ['A', 'AAAA'].entries()) {
      const more = (outcome: number) =>
        (now.answers[index]?.[outcome] ?? 0) - (before?.answers[index]?.[outcome] ?? 0);
      const [found, empty, absent] = [more(0), more(1), more(2)];
      const asked = found + empty + absent;
      if (asked === 0) continue;
      this.#requests.with(...own, 'udp', familyLabel, type).add(asked);
      if (found + empty > 0) this.#responses.with(...own, 'NOERROR', 'kernel').add(found + empty);
      if (absent > 0) this.#responses.with(...own, 'NXDOMAIN', 'kernel').add(absent);
    }
    const sizes = [
      [this.#requestSizes, now.questions, before?.questions],
      [this.#responseSizes, now.sent, before?.sent],
    ] as const;
    for (const [histogram, after, earlier] of sizes) {
      const series = histogram.with(...own, 'udp');
      for (const [index, count] of after.buckets.entries())
        series.counts[index] = (series.counts[index] ?? 0) + count - (earlier?.buckets[index] ?? 0);
      series.sum += after.octets - (earlier?.octets ?? 0);
    }
    this.#dnssec.with(...own).add(now.dnssec - (before?.dnssec ?? 0));
    for (const [reason, count] of Object.entries(now.passed)) {
      const more = count - (before?.passed[reason as keyof KernelCounts['passed']] ?? 0); // its own keys
      if (more > 0) this.#kernelPassed.with(familyLabel, reason).add(more);
    }
  }

  /** By code, of all servers: what the status tells. */
  answersByCode(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {};
    for (const { values, series } of this.#responses.series.values()) {
      const rcode = values[3] ?? '';
      sums[rcode] = (sums[rcode] ?? 0) + series.value;
    }
    return this.ignored.value === 0 ? sums : { ...sums, silence: this.ignored.value };
  }

  upstreamAnswered(to: string, rcode: number | undefined, milliseconds: number): void {
    const label = rcode === undefined ? 'TIMEOUT' : rcodeName(rcode);
    this.forwardDuration.with(proxyName, to, label).observe(milliseconds / 1000);
  }

  upstreamConnected(to: string, proto: 'udp' | 'tcp', isReused: boolean): void {
    (isReused ? this.connectionHits : this.connectionMisses).with(proxyName, to, proto).add();
  }

  upstreamProbed(to: string, isAlive: boolean): void {
    if (!isAlive) this.healthcheckFailures.with(proxyName, to).add();
  }
}
