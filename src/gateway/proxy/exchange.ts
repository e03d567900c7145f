import type { Why } from './access-log.ts';
import { Authorisation } from './auth/authorisation.ts';
import type { Verdict } from './auth/verdict.ts';
import type { ProxyContext } from './context.ts';
import { type CrossOriginPolicy, isPreflight, originRequest } from './cross-origin.ts';
import type { Backend, Endpoint } from './endpoints.ts';
import type { FieldLines } from './http1/fields.ts';
import type { RequestHead } from './http1/request-head.ts';
import { hasNoBody, ResponseHead } from './http1/response-head.ts';
import { KeptBody } from './kept-body.ts';
import { type MirroredRequest, mirrorRequest } from './mirrored-request.ts';
import { redirectLocation } from './redirect-location.ts';
import { RequestRecord } from './request-record.ts';
import { rewritePath } from './rewrite-path.ts';
import type { Routed } from './route-request.ts';
import { type Choice, choose, type HeaderChange, type RulePlan } from './rule-plan.ts';
import type { ExchangeClient, ExchangeUpstream, UpstreamFailure, UpstreamListener } from './sides.ts';
import { isIdempotent, mayBeSentAgain, mostTries } from './sent-again.ts';
import type { Session } from './session-seal.ts';
import { chosenProtocol, offeredProtocol } from './upgrade.ts';
import { type OutgoingRequest, outgoingRequest } from './write-request.ts';

/** What is answered to a request that no rule has. */
const unrouted = {
  'no-listener': { status: 404, why: 'no-listener', sentence: 'no listener has this name' },
  misdirected: { status: 421, why: 'misdirected', sentence: 'this connection was made for another name' },
  'no-host': { status: 404, why: 'no-route', sentence: 'no route matches' },
  'no-rule': { status: 404, why: 'no-route', sentence: 'no route matches' },
} as const;

/** RFC 9110 section 10.1.1: whoever waits for it is told to send the body. */
const goOn = Object.assign(new ResponseHead(), { status: 100, reason: 'Continue' });

/**
 * One request and its answer, from the end of the request's head to the line in the log.
 *
 * ```
 *   start ─▶ prepare ─▶ ask who may ─▶ proceed ─▶ send ─▶ answer
 *                                                  ▲  again  │
 *                                                  └─────────┘
 * ```
 */
export class Exchange implements UpstreamListener {
  readonly method: string;
  readonly requestId: string;
  readonly #client: ExchangeClient;
  readonly #context: ProxyContext;
  readonly #record: RequestRecord;
  readonly #upgrade: string | undefined;
  /** gRPC's own way to say what went wrong is wanted. */
  readonly #isGrpc: boolean;
  #isRequestDone: boolean;
  #plan: RulePlan | undefined;
  #choice: Choice | undefined;
  #backend: Backend | undefined;
  #endpoint: Endpoint | undefined;
  #upstream: ExchangeUpstream | undefined;
  #request: OutgoingRequest | undefined;
  /** `#request` is all of it: it can be sent again. */
  #isWhole = false;
  /** The body so far, where it may be sent again. */
  #kept: KeptBody | undefined;
  /** The body is gathered, and nothing is asked or sent before its end. */
  #isGathering = false;
  #authorisation: Authorisation | undefined;
  #session: Session | undefined;
  #requestTimer: NodeJS.Timeout | undefined;
  #tryTimer: NodeJS.Timeout | undefined;
  /** Until the next try. */
  #pauseTimer: NodeJS.Timeout | undefined;
  #retries = 0;
  #isResponding = false;
  /** Of a request that a page of another origin makes, where the rule has a filter for those. */
  #origin: string | undefined;
  /** What somebody who was asked wants of the answer. */
  #answerLines = '';
  #mirrors: readonly MirroredRequest[] = [];
  #isOver = false;
  #tunnelEnds = 0;

  constructor(client: ExchangeClient, context: ProxyContext, head: RequestHead) {
    this.#client = client;
    this.#context = context;
    this.method = head.method;
    this.requestId = context.requestIds.of(head.requestId);
    this.#record = new RequestRecord(this.requestId, head.method, client);
    this.#isGrpc = head.isGrpc;
    this.#isRequestDone = head.length === 0;
    const { protocol } = head;
    const isUpgrade = head.upgrade && protocol !== undefined && head.minor === 1 && head.length === 0;
    this.#upgrade = isUpgrade ? offeredProtocol(protocol) : undefined;
  }

  get isResponding(): boolean {
    return this.#isResponding;
  }

  /** Somebody takes the body: the request is on its way, or gathered first; else it waits, for a connection or a word. */
  get isSending(): boolean {
    return this.#isGathering || (this.#upstream !== undefined && !this.#upstream.isConnecting);
  }

  /** Begins to answer. `body` is the whole body as text, where it came with the head. */
  start(head: RequestHead, routed: Routed, body: string | undefined): void {
    this.#record.routed = routed;
    const { lookup } = routed;
    if (lookup.outcome !== 'rule') {
      const { status, why, sentence } = unrouted[lookup.outcome];
      this.#answer(status, why, sentence);
      return;
    }
    const plan = this.#context.plans.of(lookup.rule, lookup.listener);
    this.#plan = plan;
    this.#record.plan = plan;
    if (plan.crossOrigin !== undefined && this.#isPreflight(head, plan.crossOrigin)) return;
    if (plan.redirect === undefined || plan.auth !== undefined) this.#prepare(head, routed, plan, body);
    const limit = lookup.rule.timeouts?.request ?? 0;
    if (limit > 0)
      this.#requestTimer = setTimeout(() => this.timeOut('the route’s request time limit'), limit);
    if (plan.auth === undefined) this.#proceed();
    else this.#authorise();
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
    this.#record.received += end - start;
    if (this.#isOver) return;
    this.#kept?.add(bytes, start, end);
    if (this.#isGathering) {
      if (this.#kept?.isWhole === false) this.#tooLong();
      return;
    }
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    for (const mirror of this.#mirrors) mirror.data(bytes, start, end);
    this.#isWhole = false;
    upstream.data(bytes, start, end);
    if (upstream.isFull) this.#client.pause();
  }

  requestEnd(trailers: FieldLines | undefined): void {
    this.#isRequestDone = true;
    if (this.#isOver) return;
    // They are not kept.
    if (trailers !== undefined && !this.#isGathering) this.#kept?.forget();
    if (this.#isGathering) {
      this.#isGathering = false;
      this.#ask();
      return;
    }
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
    if (this.#plan?.retries?.isForStatus(head.status) === true && this.#mayRetry(this.#plan)) {
      const upstream = this.#upstream;
      this.#upstream = undefined;
      if (isComplete && this.#isRequestDone) upstream?.release();
      else upstream?.destroy();
      this.#retry(upstream?.endpoint);
      return;
    }
    this.#client.heard();
    this.#record.answered(head.status);
    clearTimeout(this.#tryTimer);
    this.#isResponding = true;
    this.#record.sent += end - start;
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
    this.#record.sent += end - start;
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
    const plan = this.#plan;
    // A route that says how often is believed, but for connections whose end says nothing of the endpoint.
    const isOurs = plan?.retries === undefined || !isUnsent;
    if (
      isOurs &&
      this.#record.tries - this.#retries < mostTries &&
      mayBeSentAgain(failure, upstream, this.#canRepeat, this.method)
    ) {
      this.#send(isUnsent ? upstream.endpoint : undefined, true);
      return;
    }
    if (plan?.retries?.isForFailure(failure) === true && this.#mayRetry(plan)) {
      this.#retry(upstream.endpoint);
      return;
    }
    const isLate = isUnsent && detail === 'timed out';
    const sentence = 'the backend cannot be reached or gave no answer';
    this.#answer(isLate ? 504 : 502, why, sentence, detail === undefined ? {} : { detail });
  }

  // An upgraded connection

  tunnelFromUpstream(bytes: Buffer, start: number, end: number): void {
    this.#client.heard();
    this.#record.sent += end - start;
    this.#client.tunnelData(bytes, start, end);
    if (this.#client.isFull) this.#upstream?.pause();
  }

  tunnelFromClient(bytes: Buffer, start: number, end: number): void {
    this.#record.received += end - start;
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
    this.#record.answered(101);
    this.#isResponding = true;
    clearTimeout(this.#tryTimer);
    clearTimeout(this.#requestTimer);
    this.#upstream?.becomeTunnel();
    this.#client.becomeTunnel(head, this.#responseChange(), upgrade);
    return true;
  }

  // Before a backend has it

  /** Whether the request was one, which is answered then. */
  #isPreflight(head: RequestHead, policy: CrossOriginPolicy): boolean {
    const request = originRequest(head);
    if (request === undefined) return false;
    this.#origin = request.origin;
    if (!isPreflight(request)) return false;
    this.#answer(204, 'preflight', '', { lines: policy.preflight(request) });
    return true;
  }

  /** Chooses the backend, and makes the request for it: the head is somebody else's soon. */
  #prepare(head: RequestHead, routed: Routed, plan: RulePlan, body: string | undefined): void {
    const choice = this.#choose(head, plan);
    const key = choice?.reference.backend;
    this.#choice = choice;
    this.#record.choice = choice;
    this.#backend = key === undefined ? undefined : this.#context.backends.get(key);
    const path = rewritePath(routed.path, choice?.path, plan.prefix);
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
      this.#record.received = body.length;
      this.#isRequestDone = true;
    }
    this.#isWhole = this.#isRequestDone;
    if (plan.auth !== undefined)
      this.#authorisation = new Authorisation(this.#context, plan.auth, head, routed, this.#client, {
        requestId: this.requestId,
        tell: verdict => this.#judged(verdict),
      });
    if (this.#isRequestDone) return;
    const gathered = plan.auth?.bodySize ?? 0;
    this.#isGathering = gathered > 0;
    if (gathered > 0) {
      this.#kept = new KeptBody(gathered);
      if (head.expectsContinue) this.#client.interim(goOn);
    }
    if (gathered === 0 && plan.retries !== undefined) this.#kept = new KeptBody();
  }

  /** A session goes on where it began, while that is still there (GEP-1619). */
  #choose(head: RequestHead, plan: RulePlan): Choice | undefined {
    const { sessions, wallClock, random } = this.#context;
    const session = plan.session?.sessionOf(head, sessions, wallClock());
    const choice = session && plan.choices.find(({ reference }) => reference.backend === session.backend);
    if (choice !== undefined) this.#session = session;
    return choice ?? choose(plan, random);
  }

  #authorise(): void {
    if (this.#isGathering) this.#client.wanted();
    else this.#ask();
  }

  #ask(): void {
    this.#holdClient();
    const most = this.#plan?.auth?.bodySize ?? 0;
    const body = this.#request?.body ?? Buffer.concat(this.#kept?.pieces ?? []).toString('latin1');
    if (most > 0 && body.length > most) this.#tooLong();
    else this.#authorisation?.ask(most === 0 ? '' : body);
  }

  #tooLong(): void {
    this.#isGathering = false;
    this.#answer(413, 'body-too-large', 'the body is longer than is looked at');
  }

  #judged(verdict: Verdict): void {
    this.#authorisation = undefined;
    if (this.#isOver) return;
    if (verdict.type === 'refused') {
      const { status, why, sentence, detail, lines = '', body } = verdict;
      this.#answer(status, why, sentence, { lines, ...(detail && { detail }), ...(body && { body }) });
      return;
    }
    this.#answerLines = verdict.answerLines;
    if (this.#request !== undefined)
      this.#request = { ...this.#request, lines: verdict.change(this.#request.lines) };
    this.#proceed();
    if (this.isSending) this.#client.wanted();
  }

  #proceed(): void {
    const plan = this.#plan;
    if (plan?.redirect !== undefined) {
      const { redirect, prefix } = plan;
      const { routed } = this.#record;
      if (routed === undefined) return;
      const location = redirectLocation(redirect, this.#client, routed, prefix);
      this.#answer(redirect.statusCode, 'redirect', location, { lines: `location: ${location}\r\n` });
      return;
    }
    const problem = this.#backend?.tls?.problem;
    if (
      plan === undefined ||
      this.#choice === undefined ||
      this.#backend === undefined ||
      problem !== undefined
    ) {
      const detail = problem === undefined ? {} : { detail: problem };
      this.#answer(500, 'invalid-backend', 'the route has no valid backend', detail);
      return;
    }
    if (this.#request !== undefined)
      this.#mirrors = mirrorRequest(this.#context, plan, this.#choice, this.#request);
    this.#backend.retries.request();
    this.#send(undefined, false);
  }

  // On its way

  /** Takes a connection to an endpoint, and the request goes out on it. */
  #send(not: Endpoint | undefined, mustBeNew: boolean): void {
    const { pool, limits, now } = this.#context;
    const isFirst = this.#record.tries === 0;
    const own =
      isFirst && this.#session !== undefined ? this.#backend?.named(this.#session.endpoint) : undefined;
    const endpoint = own ?? this.#backend?.pick(now, not);
    if (endpoint === undefined) {
      this.#answer(503, 'no-endpoints', 'the backend has no ready endpoint');
      return;
    }
    this.#record.tries++;
    this.#endpoint = endpoint;
    this.#record.endpoint = endpoint;
    // What must not be sent twice goes on a connection that the other side has hardly had time to close.
    const since = isIdempotent(this.method) ? 0 : now - limits.freshIdle;
    const upstream = pool.take(endpoint, {
      context: this.#context,
      listener: this,
      isHttp2: this.#plan?.rule.protocol === 'grpc' || this.#backend?.isHttp2 === true,
      since,
      mustBeNew,
    });
    if (upstream === undefined) {
      this.#answer(503, 'overloaded', 'too many connections to backends');
      return;
    }
    this.#upstream = upstream;
    if (upstream.isConnecting) this.#holdClient();
    else this.#write(upstream);
  }

  #write(upstream: ExchangeUpstream): void {
    this.#record.sending();
    const limit = this.#plan?.rule.timeouts?.backendRequest ?? 0;
    if (limit > 0) this.#tryTimer = setTimeout(() => this.#tryTimedOut(), limit);
    if (this.#request === undefined) return;
    upstream.request(this.#request);
    const kept = this.#kept;
    if (kept === undefined) return;
    // What of the body came before this try.
    for (const piece of kept.pieces) upstream.data(piece, 0, piece.length);
    if (this.#isRequestDone && this.#request.body === undefined) upstream.end(undefined);
  }

  get #canRepeat(): boolean {
    return this.#kept?.isWhole ?? this.#isWhole;
  }

  #mayRetry({ retries }: RulePlan): boolean {
    if (retries?.isLeft(this.#retries) !== true || !this.#canRepeat || this.#isResponding) return false;
    return this.#backend?.retries.take(this.#context.now) === true;
  }

  /** Once more, a little later, somewhere else if there is somebody else. */
  #retry(not: Endpoint | undefined): void {
    clearTimeout(this.#tryTimer);
    this.#holdClient();
    const pause = this.#plan?.retries?.pause(this.#retries, this.#context.random()) ?? 0;
    this.#retries++;
    this.#pauseTimer = setTimeout(() => {
      this.#send(not, false);
      if (this.isSending) this.#client.wanted();
    }, pause);
  }

  #tryTimedOut(): void {
    const upstream = this.#upstream;
    if (this.#plan === undefined || upstream === undefined || !this.#mayRetry(this.#plan)) {
      this.timeOut('the route’s backend request time limit');
      return;
    }
    this.#upstream = undefined;
    upstream.destroy();
    this.#retry(upstream.endpoint);
  }

  #responseChange(): HeaderChange | undefined {
    const plan = this.#plan;
    let change = this.#choice?.responseChange;
    if (plan?.crossOrigin !== undefined) change = plan.crossOrigin.change(this.#origin, change);
    if (plan?.session !== undefined) change = this.#sessionChange(plan, change);
    if (this.#answerLines === '') return change;
    const { touched = new Set<string>(), lines = '', added = new Map<string, string>() } = change ?? {};
    return { touched, lines: lines + this.#answerLines, added };
  }

  #sessionChange({ session }: RulePlan, change: HeaderChange | undefined): HeaderChange | undefined {
    const backend = this.#choice?.reference.backend;
    const endpoint = this.#endpoint?.name;
    if (session === undefined || backend === undefined || endpoint === undefined) return change;
    if (this.#session?.endpoint === endpoint) return change;
    const { sessions, wallClock } = this.#context;
    const begun = { backend, endpoint, begunAt: Math.floor(wallClock() / 1000) };
    return session.begin(begun, sessions, this.#client.scheme === 'https', change);
  }

  /** Nobody takes the body. Who has sent all of it is read on, to see when they leave. */
  #holdClient(): void {
    if (!this.#isRequestDone) this.#client.pause();
  }

  #holdUpstream(): void {
    this.#upstream?.pause();
    this.#client.isTaking();
  }

  // Its end

  /** An answer of the proxy's own. */
  #answer(
    status: number,
    why: Why,
    sentence: string,
    more: {
      readonly close?: boolean;
      readonly lines?: string;
      readonly detail?: string;
      /** Of somebody who was asked, in place of the sentence; latin1. */
      readonly body?: string;
    } = {},
  ): void {
    this.#record.status = status;
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
      ...(more.body === undefined ? {} : { body: more.body }),
    });
    this.#finish(why, more.detail ?? (why === 'bad-request' ? sentence : undefined));
    this.#upstream?.destroy();
    this.#client.answered(mustClose);
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
    this.#authorisation?.abort();
    clearTimeout(this.#requestTimer);
    clearTimeout(this.#tryTimer);
    clearTimeout(this.#pauseTimer);
    if (!this.#isRequestDone) for (const mirror of this.#mirrors) mirror.abort();
    this.#record.tell(this.#context, why, detail);
  }
}
