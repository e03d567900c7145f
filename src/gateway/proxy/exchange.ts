import type { Why } from './access-log.ts';
import type { ProxyContext } from './context.ts';
import { type CrossOriginPolicy, isPreflight, originRequest } from './cross-origin.ts';
import type { Backend, Endpoint } from './endpoints.ts';
import type { FieldLines } from './http1/fields.ts';
import type { RequestHead } from './http1/request-head.ts';
import { hasNoBody, type ResponseHead } from './http1/response-head.ts';
import { type MirroredRequest, mirrorRequest } from './mirrored-request.ts';
import { redirectLocation } from './redirect-location.ts';
import { rewritePath } from './rewrite-path.ts';
import type { Routed } from './route-request.ts';
import { type Choice, choose, type HeaderChange, type RulePlan } from './rule-plan.ts';
import type { ExchangeClient, ExchangeUpstream, UpstreamFailure, UpstreamListener } from './sides.ts';
import { tellOfRequest } from './request-record.ts';
import { isIdempotent, mayBeSentAgain, mostTries } from './sent-again.ts';
import { chosenProtocol, offeredProtocol } from './upgrade.ts';
import { type OutgoingRequest, outgoingRequest } from './write-request.ts';

/** What is answered to a request that no rule has. */
const unrouted = {
  'no-listener': { status: 404, why: 'no-listener', sentence: 'no listener has this name' },
  misdirected: { status: 421, why: 'misdirected', sentence: 'this connection was made for another name' },
  'no-host': { status: 404, why: 'no-route', sentence: 'no route matches' },
  'no-rule': { status: 404, why: 'no-route', sentence: 'no route matches' },
} as const;

/** One request and its answer, from the end of the request's head to the line in the log. */
export class Exchange implements UpstreamListener {
  readonly method: string;
  readonly requestId: string;
  readonly #client: ExchangeClient;
  readonly #context: ProxyContext;
  readonly #startedAt = performance.now();
  readonly #upgrade: string | undefined;
  /** gRPC's own way to say what went wrong is wanted. */
  readonly #isGrpc: boolean;
  #isRequestDone: boolean;
  #routed: Routed | undefined;
  #plan: RulePlan | undefined;
  #choice: Choice | undefined;
  #backend: Backend | undefined;
  #endpoint: Endpoint | undefined;
  #upstream: ExchangeUpstream | undefined;
  #request: OutgoingRequest | undefined;
  /** `#request` is all of it: it can be sent again. */
  #isWhole = false;
  #sentAt = 0;
  #answeredAt = 0;
  #requestTimer: NodeJS.Timeout | undefined;
  #tryTimer: NodeJS.Timeout | undefined;
  #isResponding = false;
  /** Of a request that a page of another origin makes, where the rule has a filter for those. */
  #origin: string | undefined;
  #mirrors: readonly MirroredRequest[] = [];
  #isOver = false;
  #tunnelEnds = 0;
  #tries = 0;
  #status = 0;
  #received = 0;
  #sent = 0;

  constructor(client: ExchangeClient, context: ProxyContext, head: RequestHead) {
    this.#client = client;
    this.#context = context;
    this.method = head.method;
    this.requestId = context.requestIds.of(head.requestId);
    this.#isGrpc = head.isGrpc;
    this.#isRequestDone = head.length === 0;
    const { protocol } = head;
    const isUpgrade = head.upgrade && protocol !== undefined && head.minor === 1 && head.length === 0;
    this.#upgrade = isUpgrade ? offeredProtocol(protocol) : undefined;
  }

  get isResponding(): boolean {
    return this.#isResponding;
  }

  /** The request is on its way, or waits for a connection that is being made. */
  get isSending(): boolean {
    return this.#upstream !== undefined && !this.#upstream.isConnecting;
  }

  /**
   * Begins to answer. `body` is the whole body as text, where it came with the head. Returns whether the request goes to a
   * backend, which wants the rest of the body.
   */
  start(head: RequestHead, routed: Routed, body: string | undefined): boolean {
    this.#routed = routed;
    const { lookup } = routed;
    if (lookup.outcome !== 'rule') {
      const { status, why, sentence } = unrouted[lookup.outcome];
      return this.#answer(status, why, sentence);
    }
    const plan = this.#context.plans.of(lookup.rule, lookup.listener);
    this.#plan = plan;
    if (plan.crossOrigin !== undefined && this.#isPreflight(head, plan.crossOrigin)) return false;
    if (plan.redirect !== undefined) return this.#redirect(routed, plan);
    const choice = choose(plan, this.#context.random);
    const key = choice?.reference.backend;
    const backend = key === undefined ? undefined : this.#context.backends.get(key);
    this.#choice = choice;
    if (choice === undefined || backend === undefined)
      return this.#answer(500, 'invalid-backend', 'the route has no valid backend');
    if (backend.tls?.problem !== undefined)
      return this.#answer(500, 'invalid-backend', 'the route has no valid backend', {
        detail: backend.tls.problem,
      });
    this.#backend = backend;
    const path = rewritePath(routed.path, choice.path, plan.prefix);
    this.#request = outgoingRequest(
      {
        head,
        choice,
        target: routed.query === '' ? path : `${path}?${routed.query}`,
        authority: routed.authority,
        scheme: this.#client.scheme,
        forwarded: this.#client.forwarded,
        requestId: this.requestId,
        upgrade: this.#upgrade,
      },
      body,
    );
    if (body !== undefined) {
      this.#received = body.length;
      this.#isRequestDone = true;
    }
    this.#isWhole = this.#isRequestDone;
    this.#mirrors = mirrorRequest(this.#context, plan, choice, this.#request);
    const limit = lookup.rule.timeouts?.request ?? 0;
    if (limit > 0)
      this.#requestTimer = setTimeout(() => this.timeOut('the route’s request time limit'), limit);
    return this.#send(undefined, false);
  }

  /** For a request that cannot be read. */
  refuse(status: number, sentence: string, why: Why = 'bad-request'): void {
    this.#answer(status, why, sentence, { close: true });
  }

  /** For a body that cannot be read to its end: what of it was sent on is not a request. */
  badBody(sentence: string): void {
    if (this.isResponding) this.#abort('bad-request', sentence);
    else this.refuse(400, sentence);
  }

  // What the client says

  requestData(bytes: Buffer, start: number, end: number): void {
    this.#received += end - start;
    const upstream = this.#upstream;
    if (upstream === undefined || this.#isOver) return;
    for (const mirror of this.#mirrors) mirror.data(bytes, start, end);
    this.#isWhole = false;
    upstream.data(bytes, start, end);
    if (upstream.isFull) this.#client.pause();
  }

  requestEnd(trailers: FieldLines | undefined): void {
    this.#isRequestDone = true;
    if (this.#isOver) return;
    this.#upstream?.end(trailers);
    for (const mirror of this.#mirrors) mirror.end(trailers);
  }

  clientDrained(): void {
    this.#upstream?.resume();
  }

  clientGone(why: Why = 'client-closed'): void {
    if (this.#isOver) return;
    this.#finish(why, undefined);
    this.#upstream?.destroy();
  }

  /** The client's own time limit for what it sends. */
  clientSlow(): void {
    if (this.isResponding) this.#abort('client-slow', undefined);
    else this.#answer(408, 'client-slow', 'the request did not come in time', { close: true });
  }

  timeOut(what: string): void {
    if (this.#isOver) return;
    if (this.isResponding) this.#abort('timeout', what);
    else {
      this.#upstream?.destroy();
      this.#answer(504, 'timeout', 'the backend did not answer in time', { detail: what });
    }
  }

  // What the backend says

  upstreamReady(upstream: ExchangeUpstream): void {
    if (this.#isOver) return;
    this.#write(upstream);
    this.#client.wanted();
  }

  upstreamDrained(): void {
    this.#client.resume();
  }

  hasNoResponseBody(status: number): boolean {
    return hasNoBody(this.method, status);
  }

  /** 1xx; false for one that cannot be. */
  interimResponse(head: ResponseHead): boolean {
    this.#client.heard();
    if (head.status === 101) return this.#becomeTunnel(head);
    this.#client.interim(head);
    if (this.#client.isFull) this.#holdUpstream();
    return true;
  }

  responseHead(
    head: ResponseHead,
    length: number,
    bytes: Buffer,
    start: number,
    end: number,
    isComplete: boolean,
  ): void {
    this.#client.heard();
    this.#status = head.status;
    this.#answeredAt = performance.now();
    clearTimeout(this.#tryTimer);
    this.#isResponding = true;
    this.#sent += end - start;
    this.#client.respond({
      head,
      length,
      hasNoBody: this.hasNoResponseBody(head.status),
      change: this.#responseChange(),
      bytes,
      start,
      end,
      mustClose: !this.#isRequestDone || this.#context.isDraining,
    });
    if (isComplete) this.responseEnd(undefined);
    else if (this.#client.isFull) this.#holdUpstream();
  }

  responseData(bytes: Buffer, start: number, end: number): void {
    if (this.#isOver) return;
    this.#client.heard();
    this.#sent += end - start;
    this.#client.data(bytes, start, end);
    if (this.#client.isFull) this.#holdUpstream();
  }

  responseEnd(trailers: FieldLines | undefined): void {
    if (this.#isOver) return;
    this.#client.end(trailers);
    const upstream = this.#upstream;
    this.#finish('', undefined);
    if (this.#isRequestDone) upstream?.release();
    else upstream?.destroy();
    this.#client.answered(!this.#isRequestDone);
  }

  upstreamFailed(failure: UpstreamFailure, upstream: ExchangeUpstream): void {
    if (this.#isOver || upstream !== this.#upstream) return;
    this.#upstream = undefined;
    const { why, detail } = failure;
    if (this.isResponding) {
      this.#abort(why, detail);
      return;
    }
    clearTimeout(this.#tryTimer);
    const isUnsent = why === 'upstream-refused';
    if (this.#tries < mostTries && mayBeSentAgain(failure, upstream, this.#isWhole, this.method)) {
      this.#send(isUnsent ? upstream.endpoint : undefined, true);
      return;
    }
    const isLate = isUnsent && detail === 'timed out';
    const sentence = 'the backend cannot be reached or gave no answer';
    this.#answer(isLate ? 504 : 502, why, sentence, detail === undefined ? {} : { detail });
  }

  // An upgraded connection

  tunnelFromUpstream(bytes: Buffer, start: number, end: number): void {
    this.#client.heard();
    this.#sent += end - start;
    this.#client.tunnelData(bytes, start, end);
    if (this.#client.isFull) this.#upstream?.pause();
  }

  tunnelFromClient(bytes: Buffer, start: number, end: number): void {
    this.#received += end - start;
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    upstream.data(bytes, start, end);
    if (upstream.isFull) this.#client.pause();
  }

  /** One side has no more to say; the other may. */
  tunnelEnded(side: 'client' | 'upstream'): void {
    this.#tunnelEnds++;
    if (side === 'client') this.#upstream?.tunnelEnd();
    else this.#client.tunnelEnd();
    if (this.#tunnelEnds < 2) return;
    this.#finish('', undefined);
    this.#upstream?.finishTunnel();
    this.#client.answered(true);
  }

  #becomeTunnel(head: ResponseHead): boolean {
    const upgrade = this.#upgrade === undefined ? undefined : chosenProtocol(head.fields, this.#upgrade);
    if (upgrade === undefined) return false;
    this.#status = 101;
    this.#answeredAt = performance.now();
    this.#isResponding = true;
    clearTimeout(this.#tryTimer);
    clearTimeout(this.#requestTimer);
    this.#upstream?.becomeTunnel();
    this.#client.becomeTunnel(head, this.#responseChange(), upgrade);
    return true;
  }

  /** Whether the request was one, which is answered then. */
  #isPreflight(head: RequestHead, policy: CrossOriginPolicy): boolean {
    const request = originRequest(head);
    if (request === undefined) return false;
    this.#origin = request.origin;
    if (!isPreflight(request)) return false;
    this.#answer(204, 'preflight', '', { lines: policy.preflight(request) });
    return true;
  }

  #responseChange(): HeaderChange | undefined {
    const change = this.#choice?.responseChange;
    return this.#plan?.crossOrigin?.change(this.#origin, change) ?? change;
  }

  #redirect(routed: Routed, plan: RulePlan): boolean {
    const { redirect } = plan;
    if (redirect === undefined) return false;
    const location = redirectLocation(redirect, this.#client, routed, plan.prefix);
    return this.#answer(redirect.statusCode, 'redirect', location, { lines: `location: ${location}\r\n` });
  }

  /** Takes a connection to an endpoint, and the request goes out on it. */
  #send(not: Endpoint | undefined, mustBeNew: boolean): boolean {
    const { pool, limits, now } = this.#context;
    const endpoint = this.#backend?.pick(now, not);
    if (endpoint === undefined) return this.#answer(503, 'no-endpoints', 'the backend has no ready endpoint');
    this.#tries++;
    this.#endpoint = endpoint;
    // What must not be sent twice goes on a connection that the other side has hardly had time to close.
    const since = isIdempotent(this.method) ? 0 : now - limits.freshIdle;
    const upstream = pool.take(endpoint, {
      context: this.#context,
      listener: this,
      isHttp2: this.#plan?.rule.protocol === 'grpc' || this.#backend?.isHttp2 === true,
      since,
      mustBeNew,
    });
    if (upstream === undefined) return this.#answer(503, 'overloaded', 'too many connections to backends');
    this.#upstream = upstream;
    if (upstream.isConnecting) this.#client.pause();
    else this.#write(upstream);
    return true;
  }

  #write(upstream: ExchangeUpstream): void {
    this.#sentAt = performance.now();
    const limit = this.#plan?.rule.timeouts?.backendRequest ?? 0;
    if (limit > 0)
      this.#tryTimer = setTimeout(() => this.timeOut('the route’s backend request time limit'), limit);
    if (this.#request !== undefined) upstream.request(this.#request);
  }

  #holdUpstream(): void {
    this.#upstream?.pause();
    this.#client.isTaking();
  }

  /** An answer of the proxy's own; always false: no backend gets the request. */
  #answer(
    status: number,
    why: Why,
    sentence: string,
    more: { readonly close?: boolean; readonly lines?: string; readonly detail?: string } = {},
  ): false {
    this.#status = status;
    this.#isResponding = true;
    const mustClose = more.close === true || !this.#isRequestDone || this.#context.isDraining;
    this.#client.own({
      status,
      sentence,
      why,
      requestId: this.requestId,
      mustClose,
      isHead: this.method === 'HEAD',
      isGrpc: this.#isGrpc || this.#plan?.rule.protocol === 'grpc',
      lines: more.lines ?? '',
    });
    this.#finish(why, more.detail ?? (why === 'bad-request' ? sentence : undefined));
    this.#upstream?.destroy();
    this.#client.answered(mustClose);
    return false;
  }

  /** The answer cannot be finished: the client sees it by the connection's end. */
  #abort(why: Why, detail: string | undefined): void {
    if (this.#isOver) return;
    this.#finish(why, detail);
    this.#upstream?.destroy();
    this.#client.abort();
  }

  #finish(why: Why, detail: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#requestTimer);
    clearTimeout(this.#tryTimer);
    if (!this.#isRequestDone) for (const mirror of this.#mirrors) mirror.abort();
    const milliseconds = performance.now() - this.#startedAt;
    const upstreamMilliseconds = this.#answeredAt === 0 ? undefined : this.#answeredAt - this.#sentAt;
    tellOfRequest(this.#context, {
      id: this.requestId,
      client: this.#client,
      routed: this.#routed,
      plan: this.#plan,
      choice: this.#choice,
      endpoint: this.#endpoint,
      method: this.method,
      status: this.#status,
      why,
      detail,
      received: this.#received,
      sent: this.#sent,
      milliseconds,
      upstreamMilliseconds,
      tries: this.#tries,
    });
  }
}
