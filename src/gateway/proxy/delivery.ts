import type { Why } from './access-log.ts';
import type { ProxyContext } from './context.ts';
import type { Backend, Endpoint } from './endpoints.ts';
import type { KeptBody } from './kept-body.ts';
import type { RequestRecord } from './request-record.ts';
import type { HeaderChange, RulePlan } from './rule-plan.ts';
import { isIdempotent, mayBeSentAgain, mostTries } from './sent-again.ts';
import type { Session } from './session-seal.ts';
import type { ExchangeClient, ExchangeUpstream, UpstreamFailure, UpstreamListener } from './sides.ts';
import type { OutgoingRequest } from './write-request.ts';

/** Whose request it is. */
export interface DeliveryOwner extends UpstreamListener {
  /** All of the request is here. */
  readonly isRequestDone: boolean;
  readonly isResponding: boolean;
  /** Nobody takes the body for now. */
  holdClient(): void;
  timeOut(what: string): void;
  /** No backend will get it. */
  undeliverable(status: number, why: Why, sentence: string): void;
}

export interface DeliveryOptions {
  readonly context: ProxyContext;
  readonly owner: DeliveryOwner;
  readonly client: ExchangeClient;
  readonly record: RequestRecord;
  readonly plan: RulePlan;
  readonly backend: Backend;
  readonly session: Session | undefined;
  readonly request: OutgoingRequest;
  /** The body so far, where it may be sent again. */
  readonly kept: KeptBody | undefined;
}

/** A request on its way to a backend: which endpoint gets it, and which one next where that fails. */
export class Delivery {
  readonly #options: DeliveryOptions;
  /** Octets of the body went out that are not kept. */
  #isPartlyGone = false;
  #upstream: ExchangeUpstream | undefined;
  #endpoint: Endpoint | undefined;
  /** The request counts as one of the endpoint's. */
  #isCounted = false;
  #retries = 0;
  #tryTimer: NodeJS.Timeout | undefined;
  /** Until the next try. */
  #pauseTimer: NodeJS.Timeout | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  get upstream(): ExchangeUpstream | undefined {
    return this.#upstream;
  }

  start(): void {
    const { backend, session } = this.#options;
    backend.retries.request();
    this.#send(undefined, false, session === undefined ? undefined : backend.named(session.endpoint));
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.#isPartlyGone = true;
    this.#upstream?.data(bytes, start, end);
  }

  /** The connection is there: the request goes out. */
  ready(upstream: ExchangeUpstream): void {
    const { record, plan, request, kept, owner } = this.#options;
    record.sending();
    const limit = plan.rule.timeouts?.backendRequest ?? 0;
    if (limit > 0) this.#tryTimer = setTimeout(() => this.#tryTimedOut(), limit);
    upstream.request(request);
    if (kept === undefined) return;
    // What of the body came before this try.
    const { octets } = kept;
    if (octets.length > 0) upstream.data(octets, 0, octets.length);
    if (owner.isRequestDone && request.body === undefined) upstream.end(undefined);
  }

  /** The backend has begun to answer. Whether nobody is to know of it, since the request is sent again. */
  answered(status: number, isComplete: boolean): boolean {
    const { plan, owner } = this.#options;
    clearTimeout(this.#tryTimer);
    if (plan.retries?.isForStatus(status) !== true || !this.#mayRetry()) return false;
    const upstream = this.#upstream;
    this.#upstream = undefined;
    if (isComplete && owner.isRequestDone) upstream?.release();
    else upstream?.destroy();
    this.#retry(upstream?.endpoint);
    return true;
  }

  /** Whether the request is sent again. */
  failed(failure: UpstreamFailure, upstream: ExchangeUpstream): boolean {
    const { plan, record, owner } = this.#options;
    this.#upstream = undefined;
    clearTimeout(this.#tryTimer);
    if (owner.isResponding) return false;
    const isUnsent = failure.why === 'upstream-refused';
    // A route that says how often is believed, but for connections whose end says nothing of the endpoint.
    const isOurs = plan.retries === undefined || !isUnsent;
    const isLeft = record.tries - this.#retries < mostTries;
    if (isOurs && isLeft && mayBeSentAgain(failure, upstream, this.#canRepeat, record.method)) {
      this.#send(isUnsent ? upstream.endpoint : undefined, true);
      this.#goOn();
      return true;
    }
    if (plan.retries?.isForFailure(failure) !== true || !this.#mayRetry()) return false;
    this.#retry(upstream.endpoint);
    return true;
  }

  /** What the answer gets on top of `change`, where it begins a session. */
  sessionChange(change: HeaderChange | undefined): HeaderChange | undefined {
    const { context, client, plan, backend, session } = this.#options;
    const endpoint = this.#endpoint?.name;
    if (plan.session === undefined || endpoint === undefined || session?.endpoint === endpoint) return change;
    const { sessions, wallClock } = context;
    const begun = { backend: backend.key, endpoint, begunAt: Math.floor(wallClock() / 1000) };
    return plan.session.begin(begun, sessions, client.scheme === 'https', change);
  }

  /** The connection is another protocol's from now on. */
  accepted(): void {
    clearTimeout(this.#tryTimer);
  }

  /** It is over, as far as this side goes; `upstream` is the caller's to end. */
  finish(): void {
    clearTimeout(this.#tryTimer);
    clearTimeout(this.#pauseTimer);
    this.#leave();
  }

  #leave(): void {
    if (this.#isCounted && this.#endpoint !== undefined) this.#endpoint.active--;
    this.#isCounted = false;
  }

  /** Takes a connection to an endpoint, and the request goes out on it. */
  #send(not: Endpoint | undefined, mustBeNew: boolean, own?: Endpoint): void {
    const { context, owner, record, plan, backend } = this.#options;
    const { pool, limits, now } = context;
    const { options } = record;
    const address = record.from ?? record.address;
    const endpoint = own ?? backend.choose(options?.balance, address, now, not);
    if (endpoint === undefined) {
      owner.undeliverable(503, 'no-endpoints', 'the backend has no ready endpoint');
      return;
    }
    if (endpoint.active >= (options?.mostRequests ?? Number.POSITIVE_INFINITY)) {
      owner.undeliverable(503, 'overloaded', 'the backend has too many requests');
      return;
    }
    record.tries++;
    record.endpoint = endpoint;
    this.#leave();
    this.#endpoint = endpoint;
    this.#isCounted = true;
    endpoint.active++;
    // What must not be sent twice goes on a connection that the other side has hardly had time to close.
    const since = isIdempotent(record.method) ? 0 : now - limits.freshIdle;
    const isHttp2 = plan.rule.protocol === 'grpc' || backend.isHttp2;
    const upstream = pool.take(endpoint, { context, listener: owner, isHttp2, since, mustBeNew });
    if (upstream === undefined) {
      owner.undeliverable(503, 'overloaded', 'too many connections to backends');
      return;
    }
    this.#upstream = upstream;
    if (upstream.isConnecting) owner.holdClient();
    else this.ready(upstream);
  }

  get #canRepeat(): boolean {
    const { kept, owner } = this.#options;
    return kept?.isWhole ?? (owner.isRequestDone && !this.#isPartlyGone);
  }

  #mayRetry(): boolean {
    const { context, owner, plan, backend } = this.#options;
    if (plan.retries?.isLeft(this.#retries) !== true || !this.#canRepeat || owner.isResponding) return false;
    return backend.retries.take(context.now);
  }

  /** Once more, a little later, somewhere else if there is somebody else. */
  #retry(not: Endpoint | undefined): void {
    const { context, owner, plan } = this.#options;
    this.#leave();
    owner.holdClient();
    const pause = plan.retries?.pause(this.#retries, context.random()) ?? 0;
    this.#retries++;
    this.#pauseTimer = setTimeout(() => {
      this.#send(not, false);
      this.#goOn();
    }, pause);
  }

  /** Whoever held the body before may send it, where somebody takes it already. */
  #goOn(): void {
    if (this.#upstream?.isConnecting === false) this.#options.client.wanted();
  }

  #tryTimedOut(): void {
    const upstream = this.#upstream;
    if (upstream === undefined || !this.#mayRetry()) {
      this.#options.owner.timeOut('the route’s backend request time limit');
      return;
    }
    this.#upstream = undefined;
    upstream.destroy();
    this.#retry(upstream.endpoint);
  }
}
