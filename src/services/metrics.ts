import type { Family, HistogramSeries, Metrics, Series } from '../base/metrics.ts';
import type { ServiceReason } from './compile-nft.ts';

/** What Services tell scrapers about one node. */
export class ServiceMetrics {
  /** From the change of a pod or Service, as its slice says, to its effect here: the SIG's network programming latency. */
  readonly programming: HistogramSeries;
  /** From the arrival of a change at the agent to its effect here. */
  readonly change: HistogramSeries;
  readonly sync: Family<HistogramSeries>;
  readonly corrections: Series;
  readonly #sizes: Readonly<Record<keyof ServiceSizes, Series>>;
  readonly #refused: Family<Series>;

  constructor(metrics: Metrics) {
    this.programming = metrics
      .histogram(
        'fairlead_services_network_programming_duration_seconds',
        'From the change of a pod or Service to its effect on this node (whole seconds at its begin).',
        [0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300],
      )
      .with();
    this.change = metrics
      .histogram(
        'fairlead_services_change_duration_seconds',
        'From the arrival of a change of a Service or EndpointSlice to its effect in the kernel.',
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      )
      .with();
    this.sync = metrics.histogram(
      'fairlead_services_sync_duration_seconds',
      'What it took to bring Services into the kernel: all of them, what changed, or to compare.',
      [0.001, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 3, 10, 30],
      ['work'],
    );
    this.corrections = metrics
      .counter('fairlead_services_corrections_total', 'What was found changed in the kernel and put right.')
      .with();
    const gauge = (name: string, help: string) => metrics.gauge(`fairlead_services_${name}`, help).with();
    this.#sizes = {
      services: gauge('services', 'Services with an address of ours.'),
      frontends: gauge('frontends', 'Addresses with protocol and port.'),
      endpoints: gauge('endpoints', 'Endpoints behind front ends; one behind two counts twice.'),
      rejected: gauge('frontends_without_endpoints', 'Front ends that refuse connections.'),
      problems: gauge('problems', 'What is wrong with Services and their slices.'),
      announced: gauge('announced_addresses', 'Load balancer addresses that this node answers for.'),
    };
    this.#refused = metrics.counter(
      'fairlead_services_refused_connections_total',
      'New connections that were rejected or dropped, since the table stands in the kernel.',
      ['reason'],
    );
  }

  size(sizes: ServiceSizes): void {
    for (const [name, value] of Object.entries(sizes)) this.#sizes[name as keyof ServiceSizes].set(value);
  }

  refused(counts: ReadonlyMap<ServiceReason, number>): void {
    for (const [reason, count] of counts) this.#refused.with(reason).set(count);
  }
}

export interface ServiceSizes {
  readonly services: number;
  readonly frontends: number;
  readonly endpoints: number;
  readonly rejected: number;
  readonly problems: number;
  readonly announced: number;
}
