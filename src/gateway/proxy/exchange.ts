import { members, type Why } from './access-log.ts';
import type { ClientConnection } from './client-connection.ts';
import type { ProxyContext } from './context.ts';
import type { Backend, Endpoint } from './endpoints.ts';
import type { FieldLines } from './http1/fields.ts';
import type { RequestHead } from './http1/request-head.ts';
import type { ResponseHead } from './http1/response-head.ts';
import { ownResponse } from './own-response.ts';
import { redirectLocation } from './redirect-location.ts';
import { rewritePath } from './rewrite-path.ts';
import type { Routed } from './route-request.ts';
import { type Choice, choose, type RulePlan } from './rule-plan.ts';
import { chosenProtocol, offeredProtocol } from './upgrade.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import { isFull, writeChunk, writeText, writeTextAndBytes } from './write-octets.ts';
import { writeRequestHead } from './write-request.ts';
import { type ClientFraming, framingOf, writeResponseHead } from './write-response.ts';
import { writeTrailers } from './write-trailers.ts';

/** RFC 9110 section 9.2.2. */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
const mostTries = 3;

/** One request and its answer, from the end of the request's head to the line in the log. */
export class Exchange {
  readonly method: string;
  readonly requestId: string;
  readonly minor: number;
  readonly #client: ClientConnection;
  readonly #context: ProxyContext;
  readonly #startedAt = performance.now();
  readonly #wantsClose: boolean;
  readonly #upgrade: string | undefined;
  readonly #isChunked: boolean;
  #isRequestDone: boolean;
  #routed: Routed | undefined;
  #plan: RulePlan | undefined;
  #choice: Choice | undefined;
  #backend: Backend | undefined;
  #endpoint: Endpoint | undefined;
  #upstream: UpstreamConnection | undefined;
  /** The request as it is sent: the head, and a body that came with it. */
  #text = '';
  #isTextAll = false;
  #sentAt = 0;
  #answeredAt = 0;
  #requestTimer: NodeJS.Timeout | undefined;
  #tryTimer: NodeJS.Timeout | undefined;
  #framing: ClientFraming | undefined;
  #closesAfter = false;
  #isOver = false;
  #tunnelEnds = 0;
  #tries = 0;
  #status = 0;
  #received = 0;
  #sent = 0;

  constructor(client: ClientConnection, context: ProxyContext, head: RequestHead) {
    this.#client = client;
    this.#context = context;
    this.method = head.method;
    this.minor = head.minor;
    this.requestId = context.requestIds.of(head.requestId);
    this.#wantsClose = head.close || (head.minor === 0 && !head.keepAlive);
    this.#isChunked = head.length === -1;
    this.#isRequestDone = head.length === 0;
    const { protocol } = head;
    const isUpgrade = head.upgrade && protocol !== undefined && head.minor === 1 && head.length === 0;
    this.#upgrade = isUpgrade ? offeredProtocol(protocol) : undefined;
  }

  get isResponding(): boolean {
    return this.#framing !== undefined;
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
    switch (lookup.outcome) {
      case 'no-listener':
        return this.#answer(404, 'no-listener', 'no listener has this name');
      case 'misdirected':
        return this.#answer(421, 'misdirected', 'this connection was made for another name');
      case 'no-host':
      case 'no-rule':
        return this.#answer(404, 'no-route', 'no route matches');
      case 'rule':
        break;
    }
    const plan = this.#context.plans.of(lookup.rule, lookup.listener);
    this.#plan = plan;
    if (plan.redirect !== undefined) return this.#redirect(routed, plan);
    const choice = choose(plan, this.#context.random);
    const key = choice?.reference.backend;
    const backend = key === undefined ? undefined : this.#context.backends.get(key);
    this.#choice = choice;
    if (choice === undefined || backend === undefined)
      return this.#answer(500, 'invalid-backend', 'the route has no valid backend');
    this.#backend = backend;
    const path = rewritePath(routed.path, choice.path, plan.prefix);
    this.#text = writeRequestHead({
      head,
      choice,
      target: routed.query === '' ? path : `${path}?${routed.query}`,
      authority: routed.authority,
      forwarded: this.#client.forwarded,
      requestId: this.requestId,
      upgrade: this.#upgrade,
    });
    if (body !== undefined) {
      this.#text += body;
      this.#received = body.length;
      this.#isRequestDone = true;
    }
    this.#isTextAll = this.#isRequestDone;
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
    const socket = this.#upstream?.socket;
    if (socket === undefined || this.#isOver) return;
    this.#isTextAll = false;
    if (this.#isChunked) writeChunk(socket, this.#context.blocks, bytes, start, end);
    else this.#context.blocks.write(socket, bytes, start, end);
    if (isFull(socket)) this.#client.pause();
  }

  requestEnd(trailers: FieldLines | undefined): void {
    this.#isRequestDone = true;
    const socket = this.#upstream?.socket;
    if (socket === undefined || this.#isOver) return;
    if (this.#isChunked) writeText(socket, `0\r\n${writeTrailers(trailers)}\r\n`);
  }

  clientDrained(): void {
    this.#upstream?.socket.resume();
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

  upstreamReady(upstream: UpstreamConnection): void {
    if (this.#isOver) return;
    this.#write(upstream);
    this.#client.wanted();
  }

  upstreamDrained(): void {
    this.#client.resume();
  }

  hasNoResponseBody(status: number): boolean {
    return this.method === 'HEAD' || status === 204 || status === 304 || status < 200;
  }

  /** 1xx; false for one that cannot be. */
  interimResponse(head: ResponseHead): boolean {
    this.#client.heard();
    if (head.status === 101) return this.#becomeTunnel(head);
    if (this.minor === 1) {
      const parts = {
        head,
        framing: 'none',
        change: undefined,
        connection: undefined,
        upgrade: undefined,
      } as const;
      const { socket } = this.#client;
      writeText(socket, writeResponseHead(parts));
      if (isFull(socket)) this.#holdUpstream();
    }
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
    const hasNoBody = this.hasNoResponseBody(head.status);
    const framing = framingOf(length, hasNoBody, this.minor);
    this.#framing = framing;
    this.#closesAfter = this.#mustClose() || framing === 'close';
    const connection = this.#closesAfter ? 'close' : this.minor === 0 ? 'keep-alive' : undefined;
    const change = this.#choice?.responseChange;
    const text = writeResponseHead({ head, framing, change, connection, upgrade: undefined });
    const { socket } = this.#client;
    this.#sent += end - start;
    if (framing === 'chunked' && end > start) {
      writeTextAndBytes(
        socket,
        this.#context.blocks,
        `${text}${(end - start).toString(16)}\r\n`,
        bytes,
        start,
        end,
      );
      writeText(socket, '\r\n');
    } else writeTextAndBytes(socket, this.#context.blocks, text, bytes, start, end);
    if (isComplete) this.responseEnd(undefined);
    else if (isFull(socket)) this.#holdUpstream();
  }

  responseData(bytes: Buffer, start: number, end: number): void {
    if (this.#isOver) return;
    this.#client.heard();
    this.#sent += end - start;
    const { socket } = this.#client;
    if (this.#framing === 'chunked') writeChunk(socket, this.#context.blocks, bytes, start, end);
    else this.#context.blocks.write(socket, bytes, start, end);
    if (isFull(socket)) this.#holdUpstream();
  }

  responseEnd(trailers: FieldLines | undefined): void {
    if (this.#isOver) return;
    if (this.#framing === 'chunked') writeText(this.#client.socket, `0\r\n${writeTrailers(trailers)}\r\n`);
    const upstream = this.#upstream;
    this.#finish('', undefined);
    if (this.#isRequestDone) upstream?.release();
    else upstream?.destroy();
    this.#client.answered(this.#closesAfter || !this.#isRequestDone);
  }

  upstreamFailed(why: Why, upstream: UpstreamConnection, error: Error | undefined): void {
    if (this.#isOver || upstream !== this.#upstream) return;
    this.#upstream = undefined;
    const detail = error?.message;
    if (this.isResponding) {
      this.#abort(why, detail);
      return;
    }
    clearTimeout(this.#tryTimer);
    const isUnsent = why === 'upstream-refused';
    const isStale =
      why === 'upstream-closed' && upstream.isUsed && this.#isTextAll && idempotent.has(this.method);
    if ((isUnsent || isStale) && this.#tries < mostTries) {
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
    const { socket } = this.#client;
    this.#context.blocks.write(socket, bytes, start, end);
    if (isFull(socket)) this.#upstream?.socket.pause();
  }

  tunnelFromClient(bytes: Buffer, start: number, end: number): void {
    this.#received += end - start;
    const socket = this.#upstream?.socket;
    if (socket === undefined) return;
    this.#context.blocks.write(socket, bytes, start, end);
    if (isFull(socket)) this.#client.pause();
  }

  /** One side has no more to say; the other may. */
  tunnelEnded(side: 'client' | 'upstream'): void {
    this.#tunnelEnds++;
    if (side === 'client') this.#upstream?.socket.end();
    else this.#client.socket.end();
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
    this.#framing = 'none';
    clearTimeout(this.#tryTimer);
    clearTimeout(this.#requestTimer);
    const parts = {
      head,
      framing: 'none',
      change: this.#choice?.responseChange,
      connection: 'upgrade',
    } as const;
    writeText(this.#client.socket, writeResponseHead({ ...parts, upgrade }));
    this.#upstream?.becomeTunnel();
    this.#client.becomeTunnel();
    return true;
  }

  #redirect(routed: Routed, plan: RulePlan): boolean {
    const { redirect } = plan;
    if (redirect === undefined) return false;
    const location = redirectLocation(redirect, {
      scheme: this.#client.scheme,
      host: routed.host,
      port: this.#client.port,
      path: routed.path,
      query: routed.query,
      prefix: plan.prefix,
    });
    return this.#answer(redirect.statusCode, 'redirect', location, { location });
  }

  /** Takes a connection to an endpoint, and the request goes out on it. */
  #send(not: Endpoint | undefined, mustBeNew: boolean): boolean {
    const { pool, limits, now } = this.#context;
    const endpoint = this.#backend?.pick(now, not);
    if (endpoint === undefined) return this.#answer(503, 'no-endpoints', 'the backend has no ready endpoint');
    this.#tries++;
    this.#endpoint = endpoint;
    // What must not be sent twice goes on a connection that the other side has hardly had time to close.
    const since = idempotent.has(this.method) ? 0 : now - limits.freshIdle;
    const pooled = mustBeNew ? undefined : pool.take(endpoint, since);
    const upstream = pooled ?? pool.connect(endpoint, this.#context);
    if (upstream === undefined) return this.#answer(503, 'overloaded', 'too many connections to backends');
    this.#upstream = upstream;
    upstream.carry(this);
    if (pooled === undefined) this.#client.pause();
    else this.#write(pooled);
    return true;
  }

  #write(upstream: UpstreamConnection): void {
    this.#sentAt = performance.now();
    const limit = this.#plan?.rule.timeouts?.backendRequest ?? 0;
    if (limit > 0)
      this.#tryTimer = setTimeout(() => this.timeOut('the route’s backend request time limit'), limit);
    writeText(upstream.socket, this.#text);
  }

  #holdUpstream(): void {
    this.#upstream?.socket.pause();
    this.#client.isTaking();
  }

  #mustClose(): boolean {
    return this.#wantsClose || !this.#isRequestDone || this.#context.isDraining;
  }

  /** An answer of the proxy's own; always false: no backend gets the request. */
  #answer(
    status: number,
    why: Why,
    sentence: string,
    more: { readonly close?: boolean; readonly location?: string; readonly detail?: string } = {},
  ): false {
    this.#status = status;
    this.#framing = 'as-it-is';
    const close = more.close === true || this.#mustClose();
    const text = ownResponse({
      status,
      sentence,
      requestId: this.requestId,
      close,
      keepAlive: this.minor === 0,
      isHead: this.method === 'HEAD',
      ...(more.location === undefined ? {} : { location: more.location }),
    });
    writeText(this.#client.socket, text);
    this.#finish(why, more.detail ?? (why === 'bad-request' ? sentence : undefined));
    this.#upstream?.destroy();
    this.#client.answered(close);
    return false;
  }

  /** The answer cannot be finished: the client sees it by the connection's end. */
  #abort(why: Why, detail: string | undefined): void {
    if (this.#isOver) return;
    this.#finish(why, detail);
    this.#upstream?.destroy();
    if (this.#framing === 'close') this.#client.socket.resetAndDestroy();
    this.#client.destroy();
  }

  #finish(why: Why, detail: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#requestTimer);
    clearTimeout(this.#tryTimer);
    const routed = this.#routed;
    const path =
      routed === undefined ? '' : routed.query === '' ? routed.path : `${routed.path}?${routed.query}`;
    this.#context.log.add({
      id: this.requestId,
      connection: this.#client.logged,
      route: this.#plan?.logged ?? listenerLogged(routed),
      endpoint: this.#choice === undefined ? '' : this.#choice.logged + (this.#endpoint?.logged ?? ''),
      method: this.method,
      host: routed?.host ?? '',
      path,
      minor: this.minor,
      status: this.#status,
      why,
      detail,
      received: this.#received,
      sent: this.#sent,
      milliseconds: performance.now() - this.#startedAt,
      upstreamMilliseconds: this.#answeredAt === 0 ? undefined : this.#answeredAt - this.#sentAt,
      tries: this.#tries,
    });
  }
}

/** Where there is no rule. */
function listenerLogged(routed: Routed | undefined): string {
  const lookup = routed?.lookup;
  return lookup === undefined || lookup.outcome === 'no-listener'
    ? ''
    : members({ listener: lookup.listener.name });
}
