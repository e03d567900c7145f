/** Upper bounds of the times that are counted, in seconds. */
export const timeBounds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;

/** What a worker counted since it was last asked; plain data for the process channel. */
export interface Figures {
  readonly routes: readonly RouteFigures[];
  readonly backends: readonly BackendFigures[];
}

interface RouteFigures {
  readonly listener: string;
  /** `HTTPRoute/NAMESPACE/NAME`, or '' for requests that no route has. */
  readonly route: string;
  /** How many of each status; 0 where there was no answer. */
  readonly statuses: Readonly<Record<number, number>>;
  readonly times: Times;
  readonly received: number;
  readonly sent: number;
}

interface BackendFigures {
  readonly backend: string;
  readonly statuses: Readonly<Record<number, number>>;
  /** Requests that were sent again, and those that had no answer. */
  readonly retries: number;
  readonly failures: number;
  readonly times: Times;
}

/** Counts by `timeBounds`, the last one for what is longer, and the sum in seconds. */
export interface Times {
  readonly counts: readonly number[];
  readonly sum: number;
}

/** One request that is over. */
export interface Counted {
  readonly listener: string;
  readonly route: string;
  readonly backend: string | undefined;
  readonly status: number;
  /** The status is the backend's. */
  readonly isAnswered: boolean;
  readonly milliseconds: number;
  readonly upstreamMilliseconds: number | undefined;
  readonly received: number;
  readonly sent: number;
  readonly tries: number;
}

/** Counts what a worker's requests come to, with a few additions for each. */
export class FigureCounter {
  readonly #routes = new Map<string, RouteCount>();
  readonly #backends = new Map<string, BackendCount>();

  add(one: Counted): void {
    const key = `${one.listener} ${one.route}`;
    let route = this.#routes.get(key);
    if (route === undefined) this.#routes.set(key, (route = new RouteCount(one.listener, one.route)));
    route.add(one);
    if (one.backend === undefined) return;
    let backend = this.#backends.get(one.backend);
    if (backend === undefined) this.#backends.set(one.backend, (backend = new BackendCount(one.backend)));
    backend.add(one);
  }

  /** All since the last time; routes and backends that had no request are forgotten. */
  take(): Figures {
    const figures = { routes: [...this.#routes.values()], backends: [...this.#backends.values()] };
    this.#routes.clear();
    this.#backends.clear();
    return figures;
  }
}

class TimeCount implements Times {
  readonly counts: number[] = Array.from({ length: timeBounds.length + 1 }, () => 0);
  sum = 0;

  add(milliseconds: number): void {
    const seconds = milliseconds / 1000;
    let at = 0;
    while (at < timeBounds.length && seconds > (timeBounds[at] ?? 0)) at++;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += seconds;
  }
}

class RouteCount implements RouteFigures {
  readonly listener: string;
  readonly route: string;
  readonly statuses: Record<number, number> = {};
  readonly times = new TimeCount();
  received = 0;
  sent = 0;

  constructor(listener: string, route: string) {
    this.listener = listener;
    this.route = route;
  }

  add({ status, milliseconds, received, sent }: Counted): void {
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
    this.times.add(milliseconds);
    this.received += received;
    this.sent += sent;
  }
}

class BackendCount implements BackendFigures {
  readonly backend: string;
  readonly statuses: Record<number, number> = {};
  readonly times = new TimeCount();
  retries = 0;
  failures = 0;

  constructor(backend: string) {
    this.backend = backend;
  }

  add({ status, isAnswered, upstreamMilliseconds, tries }: Counted): void {
    if (tries > 1) this.retries += tries - 1;
    if (!isAnswered) this.failures++;
    else this.statuses[status] = (this.statuses[status] ?? 0) + 1;
    if (upstreamMilliseconds !== undefined) this.times.add(upstreamMilliseconds);
  }
}
