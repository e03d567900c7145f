import { Metrics } from '../../base/metrics.ts';
import type { HistogramSeries } from '../../base/metrics.ts';
import { type Figures, timeBounds, type Times } from './figures.ts';

/** What the proxies' workers are doing, at the moment of a scrape. */
export interface WorkersState {
  readonly clients: number;
  readonly upstreams: number;
  readonly restarts: number;
  readonly ready: boolean;
}

/** The metrics of one Gateway's proxy pod: what its workers counted, together. */
export class ProxyMetrics {
  readonly #metrics = new Metrics({ maxSeries: 5000 });
  readonly #requests = this.#metrics.counter(
    'fairlead_gateway_requests_total',
    'Requests that are over, by the status that the client got; 0 where it got none, and for connections of TLS listeners.',
    ['listener', 'route', 'status'],
  );
  readonly #seconds = this.#metrics.histogram(
    'fairlead_gateway_request_duration_seconds',
    'From the end of a request’s head to the end of its answer.',
    timeBounds,
    ['listener', 'route'],
  );
  readonly #received = this.#metrics.counter(
    'fairlead_gateway_received_bytes_total',
    'Bytes of requests’ bodies.',
    ['listener', 'route'],
  );
  readonly #sent = this.#metrics.counter('fairlead_gateway_sent_bytes_total', 'Bytes of answers’ bodies.', [
    'listener',
    'route',
  ]);
  readonly #answers = this.#metrics.counter(
    'fairlead_gateway_backend_answers_total',
    'Answers of backends, by their status.',
    ['backend', 'status'],
  );
  readonly #failures = this.#metrics.counter(
    'fairlead_gateway_backend_failures_total',
    'Requests for a backend that got no answer of it.',
    ['backend'],
  );
  readonly #retries = this.#metrics.counter(
    'fairlead_gateway_backend_retries_total',
    'Requests that were sent again, to the same or another endpoint.',
    ['backend'],
  );
  readonly #backendSeconds = this.#metrics.histogram(
    'fairlead_gateway_backend_duration_seconds',
    'From a request’s head on its way to the head of the backend’s answer.',
    timeBounds,
    ['backend'],
  );

  constructor(state: () => WorkersState) {
    const gauge = (name: string, help: string) =>
      this.#metrics.gauge(`fairlead_gateway_${name}`, help).with();
    const ready = gauge('ready', '1 while the newest table was served once, and workers serve.');
    const clients = gauge('client_connections', 'Connections of clients.');
    const upstreams = gauge('backend_connections', 'Connections to endpoints.');
    const restarts = this.#metrics
      .counter('fairlead_gateway_worker_restarts_total', 'Workers that ended and were started again.')
      .with();
    this.#metrics.onCollect(() => {
      const now = state();
      ready.set(Number(now.ready));
      clients.set(now.clients);
      upstreams.set(now.upstreams);
      restarts.set(now.restarts);
    });
  }

  add({ routes, backends }: Figures): void {
    for (const { listener, route, statuses, times, received, sent } of routes) {
      for (const [status, count] of Object.entries(statuses))
        this.#requests.with(listener, route, status).add(count);
      addTimes(this.#seconds.with(listener, route), times);
      this.#received.with(listener, route).add(received);
      this.#sent.with(listener, route).add(sent);
    }
    for (const { backend, statuses, retries, failures, times } of backends) {
      for (const [status, count] of Object.entries(statuses)) this.#answers.with(backend, status).add(count);
      this.#failures.with(backend).add(failures);
      this.#retries.with(backend).add(retries);
      addTimes(this.#backendSeconds.with(backend), times);
    }
  }

  text(): string {
    return this.#metrics.text();
  }
}

function addTimes(series: HistogramSeries, { counts, sum }: Times): void {
  for (const [at, count] of counts.entries()) series.counts[at] = (series.counts[at] ?? 0) + count;
  series.sum += sum;
}
