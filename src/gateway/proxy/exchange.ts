import type { Why } from './access-log.ts';
import { Admission } from './auth/admission.ts';
import { changeLines } from './auth/change-lines.ts';
import type { Verdict } from './auth/verdict.ts';
import type { ProxyContext } from './context.ts';
import { type CrossOriginPolicy, isPreflight, originRequest } from './cross-origin.ts';
import { Delivery, type DeliveryOwner } from './delivery.ts';
import type { FieldLines } from './http1/fields.ts';
import type { RequestHead } from './http1/request-head.ts';
import { hasNoBody, ResponseHead } from './http1/response-head.ts';
import { explanationLine } from './explain-live.ts';
import { KeptBody } from './kept-body.ts';
import { type MirroredRequest, mirrorRequest } from './mirrored-request.ts';
import { type Prepared, prepareRequest } from './prepare-request.ts';
import { redirectLocation } from './redirect-location.ts';
import { RequestRecord } from './request-record.ts';
import type { Routed } from './route-request.ts';
import type { HeaderChange, RulePlan } from './rule-plan.ts';
import type { ExchangeClient, ExchangeUpstream, UpstreamFailure } from './sides.ts';
import { chosenProtocol, offeredProtocol } from './upgrade.ts';
import { UpgradedConnection } from './upgraded-connection.ts';

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
export class Exchange implements DeliveryOwner {
  readonly method: string;
  readonly requestId: string;
  readonly #client: ExchangeClient;
  readonly #context: ProxyContext;
  readonly #record: RequestRecord;
  readonly #upgrade: string | undefined;
  /** gRPC's own way to say what went wrong is wanted. */
  readonly #isGrpc: boolean;
  #isRequestDone: boolean;
  #bodyLimit = Number.POSITIVE_INFINITY;
  #plan: RulePlan | undefined;
  #prepared: Prepared | undefined;
  #admission: Admission | undefined;
  #delivery: Delivery | undefined;
  /** The body so far, where it may be sent again. */
  #kept: KeptBody | undefined;
  #requestTimer: NodeJS.Timeout | undefined;
  #isResponding = false;
  /** Of a request that a page of another origin makes, where the rule has a filter for those. */
  #origin: string | undefined;
  /** What somebody who was asked wants of the answer. */
  #answerLines = '';
  /** Why it went where it went, for who may know. */
  #explanation = '';
  #mirrors: readonly MirroredRequest[] = [];
  #isOver = false;
  #upgraded: UpgradedConnection | undefined;

  constructor(client: ExchangeClient, context: ProxyContext, head: RequestHead) {
    this.#client = client;
    this.#context = context;
    this.method = head.method;
    this.requestId = context.requestIds.of(head.requestId);
    this.#record = new RequestRecord(this.requestId, head.method, client, client.arrived.address);
    this.#isGrpc = head.isGrpc;
    this.#isRequestDone = head.length === 0;
    const { protocol } = head;
    const isUpgrade = head.upgrade && protocol !== undefined && head.minor === 1 && head.length === 0;
    this.#upgrade = isUpgrade ? offeredProtocol(protocol) : undefined;
  }

  get isResponding(): boolean {
    return this.#isResponding;
  }

  get isRequestDone(): boolean {
    return this.#isRequestDone;
  }

  /** Somebody takes the body: the request is on its way, or gathered first; else it waits, for a connection or a word. */
  get isSending(): boolean {
    return this.#admission?.isGathering === true || this.#upstream?.isConnecting === false;
  }

  /** Begins to answer. `body` is the whole body as text, where it came with the head. */
  start(head: RequestHead, routed: Routed, body: string | undefined): void {
    this.#record.routed = routed;
    const { lookup } = routed;
    this.#record.read(head);
    const { explainsTo } = this.#record.options ?? {};
    if (explainsTo !== undefined)
      this.#explanation = explanationLine(this.#context.index, head, routed, this.#client, explainsTo);
    if (lookup.outcome !== 'rule') {
      const { status, why, sentence } = unrouted[lookup.outcome];
      this.#answer(status, why, sentence);
      return;
    }
    const plan = this.#context.plans.of(lookup.rule, lookup.listener);
    this.#plan = plan;
    this.#record.plan = plan;
    this.#bodyLimit = this.#record.options?.bodyLimit ?? Number.POSITIVE_INFINITY;
    if (head.length > this.#bodyLimit) {
      this.#tooLarge();
      return;
    }
    if (plan.crossOrigin !== undefined && this.#isPreflight(head, plan.crossOrigin)) return;
    if (plan.redirect === undefined || plan.auth !== undefined) this.#prepare(head, routed, plan, body);
    const limit = lookup.rule.timeouts?.request ?? 0;
    if (limit > 0)
      this.#requestTimer = setTimeout(() => this.timeOut('the route’s request time limit'), limit);
    if (this.#admission === undefined) this.#proceed();
    else if (!this.#admission.isGathering) {
      this.holdClient();
      this.#admission.ask(body ?? '');
    }
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
    if (this.#record.received > this.#bodyLimit) {
      this.#tooLarge();
      return;
    }
    if (this.#admission?.isGathering === true) {
      this.#admission.gather(bytes, start, end);
      return;
    }
    this.#kept?.add(bytes, start, end);
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    for (const mirror of this.#mirrors) mirror.data(bytes, start, end);
    this.#delivery?.data(bytes, start, end);
    if (upstream.isFull) this.#client.pause();
  }

  requestEnd(trailers: FieldLines | undefined): void {
    this.#isRequestDone = true;
    if (this.#isOver) return;
    if (this.#admission?.isGathering === true) {
      this.#admission.gathered();
      return;
    }
    // They are not kept.
    if (trailers !== undefined) this.#kept?.forget();
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
    this.#delivery?.ready(upstream);
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
    if (this.#delivery?.answered(head.status, isComplete) === true) return;
    this.#client.heard();
    this.#record.answered(head.status);
    this.#isResponding = true;
    // Nothing is sent again any more.
    this.#kept?.forget();
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
    if (this.#delivery?.failed(failure, upstream) === true) return;
    const { why, detail } = failure;
    if (this.isResponding) {
      this.#abort(why, detail);
      return;
    }
    const isLate = why === 'upstream-refused' && detail === 'timed out';
    const sentence = 'the backend cannot be reached or gave no answer';
    this.#answer(isLate ? 504 : 502, why, sentence, detail === undefined ? {} : { detail });
  }

  // An upgraded connection

  tunnelFromUpstream(bytes: Buffer, start: number, end: number): void {
    this.#upgraded?.fromUpstream(bytes, start, end);
  }

  tunnelFromClient(bytes: Buffer, start: number, end: number): void {
    if (!this.#isOver) this.#upgraded?.fromClient(bytes, start, end);
  }

  /** One side has no more to say; the other may. */
  tunnelEnded(side: 'client' | 'upstream'): void {
    if (this.#upgraded?.ended(side) !== true) return;
    this.#finish('', undefined);
    this.#upstream?.finishTunnel();
    this.#client.answered(true);
  }

  #becomeTunnel(head: ResponseHead): boolean {
    const upgrade = this.#upgrade === undefined ? undefined : chosenProtocol(head.fields, this.#upgrade);
    const upstream = this.#upstream;
    if (upgrade === undefined || upstream === undefined) return false;
    this.#record.answered(101);
    this.#isResponding = true;
    this.#delivery?.accepted();
    clearTimeout(this.#requestTimer);
    this.#upgraded = new UpgradedConnection(this.#client, upstream, this.#record);
    upstream.becomeTunnel();
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

  #tooLarge(): void {
    const sentence = 'the body is too large';
    if (this.isResponding) this.#abort('body-too-large', sentence);
    else this.#answer(413, 'body-too-large', sentence, { close: true });
  }

  /** What the head is needed for: it is somebody else's soon. */
  #prepare(head: RequestHead, routed: Routed, plan: RulePlan, body: string | undefined): void {
    const [context, client, requestId, upgrade] = [
      this.#context,
      this.#client,
      this.requestId,
      this.#upgrade,
    ];
    if (body !== undefined) {
      this.#record.received = body.length;
      this.#isRequestDone = true;
    }
    const isTrusted = (this.#record.options?.trustedHops ?? 0) > 0;
    const preparing = { context, client, plan, routed, requestId, upgrade, isTrusted };
    this.#prepared = prepareRequest(preparing, head, body);
    this.#record.choice = this.#prepared.choice;
    if (plan.auth !== undefined) {
      const tell = (verdict: Verdict) => this.#judged(verdict);
      const parts = { context, head, routed, client, requestId, isTrusted, tell };
      this.#admission = new Admission(plan.auth, parts, this.#isRequestDone);
      this.#kept = this.#admission.kept;
      if (this.#admission.isGathering && head.expectsContinue) client.interim(goOn);
    }
    if (plan.retries !== undefined && !this.#isRequestDone) this.#kept ??= new KeptBody(context.keptOctets);
  }

  #judged(verdict: Verdict): void {
    this.#admission = undefined;
    if (this.#isOver) return;
    if (verdict.type === 'refused') {
      const { status, why, sentence, detail, body } = verdict;
      // A page of another origin may read why.
      const shared = this.#plan?.crossOrigin?.change(this.#origin, undefined);
      const lines =
        (shared?.lines ?? '') + changeLines(verdict.lines ?? '', [...(shared?.touched ?? [])], []);
      this.#answer(status, why, sentence, { lines, ...(detail && { detail }), ...(body && { body }) });
      return;
    }
    this.#answerLines = verdict.answerLines;
    if (this.#prepared !== undefined) {
      const { request } = this.#prepared;
      this.#prepared = { ...this.#prepared, request: { ...request, lines: verdict.change(request.lines) } };
    }
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
    const { choice, backend, session, request } = this.#prepared ?? {};
    const problem = backend?.tls?.problem;
    const isLeading = choice !== undefined && backend !== undefined && request !== undefined;
    if (plan === undefined || !isLeading || problem !== undefined) {
      const detail = problem === undefined ? {} : { detail: problem };
      this.#answer(500, 'invalid-backend', 'the route has no valid backend', detail);
      return;
    }
    this.#mirrors = mirrorRequest(this.#context, plan, choice, request);
    this.#mirrorKept();
    this.#delivery = new Delivery({
      context: this.#context,
      owner: this,
      client: this.#client,
      record: this.#record,
      plan,
      backend,
      session,
      request,
      kept: this.#kept,
    });
    this.#delivery.start();
  }

  /** What of the body was gathered before there were mirrors. */
  #mirrorKept(): void {
    if (this.#kept === undefined || !this.#isRequestDone) return;
    const { octets } = this.#kept;
    for (const mirror of this.#mirrors) {
      if (octets.length > 0) mirror.data(octets, 0, octets.length);
      mirror.end(undefined);
    }
  }

  get #upstream(): ExchangeUpstream | undefined {
    return this.#delivery?.upstream;
  }

  undeliverable(status: number, why: Why, sentence: string): void {
    this.#answer(status, why, sentence);
  }

  /** Nobody takes the body. Who has sent all of it is read on, to see when they leave. */
  holdClient(): void {
    if (!this.#isRequestDone) this.#client.pause();
  }

  #responseChange(): HeaderChange | undefined {
    const plan = this.#plan;
    let change = this.#prepared?.choice?.responseChange;
    if (plan?.crossOrigin !== undefined) change = plan.crossOrigin.change(this.#origin, change);
    if (plan?.session !== undefined) change = this.#delivery?.sessionChange(change);
    const own = this.#answerLines + this.#explanation;
    if (own === '') return change;
    const { touched = new Set<string>(), lines = '', added = new Map<string, string>() } = change ?? {};
    return { touched, lines: lines + own, added };
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
      lines: (more.lines ?? '') + this.#explanation,
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
    this.#admission?.abort();
    clearTimeout(this.#requestTimer);
    this.#delivery?.finish();
    this.#kept?.forget();
    if (!this.#isRequestDone) for (const mirror of this.#mirrors) mirror.abort();
    this.#record.tell(this.#context, why, detail);
  }
}
