import type { ProxyContext } from './context.ts';
import type { Backend } from './endpoints.ts';
import type { FieldLines } from './http1/fields.ts';
import { hasNoBody } from './http1/response-head.ts';
import type { Choice, RulePlan } from './rule-plan.ts';
import type { ExchangeUpstream, UpstreamListener } from './sides.ts';
import type { OutgoingRequest } from './write-request.ts';

/** Of a body that the mirror's backend has not taken yet; one that is slower loses its copy. */
const mostWaiting = 64 * 1024;
/** What a piece costs beside its octets, of which it may have one. */
const pieceCost = 128;

/** Of the connections to backends, copies may have one of so many: the rest is for requests that somebody waits for. */
const share = 8;

/** Copies for the backends that a choice mirrors to; a request that may be upgraded has none. */
export function mirrorRequest(
  context: ProxyContext,
  { rule }: RulePlan,
  { mirrors }: Choice,
  request: OutgoingRequest,
): readonly MirroredRequest[] {
  if (mirrors.length === 0 || request.upgrade !== undefined) return [];
  return mirrors.flatMap(({ backend: key, share: part }) => {
    const backend = key === undefined ? undefined : context.backends.get(key);
    if (backend === undefined || backend.tls?.problem !== undefined || context.random() >= part) return [];
    if (context.pool.copies * share >= context.limits.upstreams) return [];
    return [new MirroredRequest(context, backend, request, rule.protocol === 'grpc')];
  });
}

/**
 * A copy of a request for another backend (HTTPRequestMirrorFilter). It goes as fast as its backend takes it, the request
 * itself waits for nothing, and what is answered is read over.
 */
export class MirroredRequest implements UpstreamListener {
  readonly #context: ProxyContext;
  readonly #request: OutgoingRequest;
  #upstream: ExchangeUpstream | undefined;
  #isSent = false;
  #waiting: Buffer[] = [];
  #waitingOctets = 0;
  /** The body's end waits as well; trailers are not kept for that. */
  #end = false;
  #isRequestDone: boolean;
  readonly #timer: NodeJS.Timeout;
  #isOver = false;

  constructor(context: ProxyContext, backend: Backend, request: OutgoingRequest, isGrpc: boolean) {
    this.#context = context;
    this.#request = request;
    context.pool.copies++;
    this.#isRequestDone = request.length === 0 || request.body !== undefined;
    this.#timer = setTimeout(() => this.abort(), context.limits.upstreamPause);
    const endpoint = backend.pick(context.now);
    if (endpoint === undefined) {
      this.abort();
      return;
    }
    const wanted = {
      context,
      listener: this,
      isHttp2: isGrpc || backend.isHttp2,
      since: context.now - context.limits.freshIdle,
    };
    this.#upstream = context.pool.take(endpoint, { ...wanted, mustBeNew: false });
    if (this.#upstream === undefined) this.abort();
    else if (!this.#upstream.isConnecting) this.#send(this.#upstream);
  }

  data(bytes: Buffer, start: number, end: number): void {
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    if (this.#isSent && this.#waiting.length === 0 && !upstream.isFull) {
      upstream.data(bytes, start, end);
      return;
    }
    this.#waiting.push(Buffer.from(bytes.subarray(start, end)));
    this.#waitingOctets += end - start + pieceCost;
    if (this.#waitingOctets > mostWaiting) this.abort();
  }

  end(trailers: FieldLines | undefined): void {
    this.#isRequestDone = true;
    if (this.#isSent && this.#waiting.length === 0) this.#upstream?.end(trailers);
    else this.#end = true;
  }

  /** The request did not come to its end, or its copy is not worth more. */
  abort(): void {
    this.#finish()?.destroy();
  }

  upstreamReady(upstream: ExchangeUpstream): void {
    this.#send(upstream);
  }

  upstreamDrained(): void {
    const upstream = this.#upstream;
    if (upstream === undefined || !this.#isSent) return;
    for (let piece = this.#waiting.shift(); piece !== undefined; piece = this.#waiting.shift()) {
      this.#waitingOctets -= piece.length + pieceCost;
      upstream.data(piece, 0, piece.length);
      if (upstream.isFull) return;
    }
    if (this.#end) upstream.end(undefined);
    this.#end = false;
  }

  upstreamFailed(): void {
    this.#upstream = undefined;
    this.abort();
  }

  hasNoResponseBody(status: number): boolean {
    return hasNoBody(this.#request.method, status);
  }

  /** Nobody asked for another protocol. */
  interimResponse({ status }: { readonly status: number }): boolean {
    return status !== 101;
  }

  responseHead(_: unknown, __: number, ___: Buffer, ____: number, _____: number, isComplete: boolean): void {
    if (isComplete) this.responseEnd();
  }

  responseData(): void {}

  responseEnd(): void {
    const upstream = this.#finish();
    if (this.#isRequestDone) upstream?.release();
    else upstream?.destroy();
  }

  tunnelFromUpstream(): void {}
  tunnelEnded(): void {}

  #finish(): ExchangeUpstream | undefined {
    clearTimeout(this.#timer);
    if (!this.#isOver) this.#context.pool.copies--;
    this.#isOver = true;
    const upstream = this.#upstream;
    this.#upstream = undefined;
    this.#waiting = [];
    return upstream;
  }

  #send(upstream: ExchangeUpstream): void {
    this.#isSent = true;
    upstream.request(this.#request);
    this.upstreamDrained();
  }
}
