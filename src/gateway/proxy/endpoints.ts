import { members } from './access-log.ts';
import { addressWithPort } from './arrived.ts';
import type { RouteTable, TableEndpoint } from '../table.ts';
import { type Balance, chooseBy, hashOf } from './balance.ts';
import { RetryBudget } from './retry-budget.ts';
import { BackendTls } from './tls/backend-tls.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamSession } from './upstream-session.ts';

/** After the first failure to connect an endpoint is left out this long, then twice as long, up to the longest. */
const shortestPause = 500;
const longestPause = 10_000;

/** One address and port of a pod, whatever Services it stands behind, as long as they are spoken to alike. */
export class Endpoint {
  readonly address: string;
  readonly port: number;
  readonly name: string;
  /** Connections of one endpoint are secured in one way, or not at all. */
  readonly tls: BackendTls | undefined;
  /** What the log says of it. */
  logged = '';
  /** It gets new requests; others' connections are closed as they become idle. */
  isWanted = true;
  /** Last used last. */
  readonly idle: UpstreamConnection[] = [];
  /** Connections of HTTP/2. */
  readonly sessions: UpstreamSession[] = [];
  failedUntil = 0;
  /** Requests under way. */
  active = 0;
  /** For rendezvous hashing. */
  readonly hash: number;
  /** How many backends have it. */
  references = 0;
  #pause = 0;

  constructor({ address, port }: TableEndpoint, tls: BackendTls | undefined) {
    this.address = address;
    this.port = port;
    this.name = addressWithPort(address, port);
    this.tls = tls;
    this.hash = hashOf(this.name);
  }

  get key(): string {
    return this.tls === undefined ? this.name : `${this.name} ${this.tls.key}`;
  }

  failed(now: number): void {
    this.#pause = this.#pause === 0 ? shortestPause : Math.min(this.#pause * 2, longestPause);
    this.failedUntil = now + this.#pause;
  }

  answered(): void {
    this.#pause = 0;
    this.failedUntil = 0;
  }
}

/** Values of ServicePort.appProtocol (KEP-3726); what speaks gRPC speaks HTTP/2. */
const overHttp2 = new Set(['kubernetes.io/h2c', 'h2c', 'grpc']);

export class Backend {
  readonly key: string;
  endpoints: readonly Endpoint[] = [];
  /** It is spoken to by HTTP/2, without an upgrade (ServicePort.appProtocol, KEP-3726). */
  isHttp2 = false;
  tls: BackendTls | undefined;
  readonly retries = new RetryBudget();
  #next = 0;

  constructor(key: string, random: () => number) {
    this.key = key;
    this.#next = Math.floor(random() * 1024);
  }

  /** The endpoint of a session, while it gets requests. */
  named(name: string): Endpoint | undefined {
    return this.endpoints.find(endpoint => endpoint.name === name);
  }

  /** As the Gateway's options want it; `client` is an address. */
  choose(balance: Balance | undefined, client: string, now: number, not?: Endpoint): Endpoint | undefined {
    if (balance === undefined || this.endpoints.length < 2) return this.pick(now, not);
    const usable = this.endpoints.filter(one => one.failedUntil <= now && one !== not);
    return chooseBy(balance, usable, client, this.#next++) ?? this.pick(now, not);
  }

  /** In turn; one that failed a moment ago only where all did. `not` is the one that was just tried. */
  pick(now: number, not?: Endpoint): Endpoint | undefined {
    const { endpoints } = this;
    const { length } = endpoints;
    if (length === 0) return undefined;
    let fallback: Endpoint | undefined;
    for (let tried = 0; tried < length; tried++) {
      const endpoint = endpoints[this.#next++ % length] as Endpoint; // below length
      if (endpoint.failedUntil <= now && endpoint !== not) return endpoint;
      if (fallback === undefined || endpoint !== not) fallback ??= endpoint;
    }
    return fallback;
  }
}

/** The backends of the table in force. What they know of their endpoints outlives a change of the table. */
export class Backends {
  readonly #random: () => number;
  readonly #byKey = new Map<string, Backend>();
  readonly #endpoints = new Map<string, Endpoint>();

  constructor(random: () => number) {
    this.#random = random;
  }

  get(key: string): Backend | undefined {
    return this.#byKey.get(key);
  }

  get endpoints(): Iterable<Endpoint> {
    return this.#endpoints.values();
  }

  /** Returns the endpoints that are in no backend any more. */
  replace(backends: RouteTable['backends']): readonly Endpoint[] {
    const next = new Map(Object.entries(backends));
    return this.change(
      backends,
      [...this.#byKey.keys()].filter(key => !next.has(key)),
    );
  }

  /** The same for what changes alone. */
  change(put: RouteTable['backends'], remove: readonly string[]): readonly Endpoint[] {
    const before: Endpoint[] = [];
    for (const [key, described] of Object.entries(put)) {
      let backend = this.#byKey.get(key);
      if (backend === undefined) {
        backend = new Backend(key, this.#random);
        this.#byKey.set(key, backend);
      }
      before.push(...backend.endpoints);
      backend.isHttp2 = overHttp2.has(described.appProtocol ?? '');
      const tls = described.tls && new BackendTls(described.tls);
      if (tls?.key !== backend.tls?.key) backend.tls = tls;
      const secured = backend.tls;
      backend.endpoints = described.endpoints.map(entry => this.#take(entry, secured));
    }
    for (const key of remove) {
      before.push(...(this.#byKey.get(key)?.endpoints ?? []));
      this.#byKey.delete(key);
    }
    return before.filter(endpoint => this.#isGone(endpoint));
  }

  #take(entry: TableEndpoint, tls: BackendTls | undefined): Endpoint {
    const made = new Endpoint(entry, tls);
    const endpoint = this.#endpoints.get(made.key) ?? made;
    this.#endpoints.set(made.key, endpoint);
    endpoint.references++;
    endpoint.logged = members({ endpoint: endpoint.name, pod: entry.pod });
    return endpoint;
  }

  #isGone(endpoint: Endpoint): boolean {
    endpoint.references--;
    if (endpoint.references > 0) return false;
    this.#endpoints.delete(endpoint.key);
    endpoint.isWanted = false;
    return true;
  }
}
