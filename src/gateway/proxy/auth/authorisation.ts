import type { TableExternalAuth } from '../../table.ts';
import type { ProxyContext } from '../context.ts';
import type { Backend, Endpoint } from '../endpoints.ts';
import type { FieldLines } from '../http1/fields.ts';
import { hasNoBody, type ResponseHead } from '../http1/response-head.ts';
import { mayBeSentAgain, mostTries } from '../sent-again.ts';
import type { ExchangeUpstream, UpstreamFailure, UpstreamListener } from '../sides.ts';
import type { OutgoingRequest } from '../write-request.ts';
import { type AnswerHead, answerHead, type Asking, type Question, questionOf } from './question.ts';
import { failed, type Verdict } from './verdict.ts';

/** Of an answer's body. */
const mostOctets = 64 * 1024;

export interface AuthorisationParts extends Omit<Asking, 'filter'> {
  readonly context: ProxyContext;
  readonly tell: (verdict: Verdict) => void;
}

/**
 * Somebody is asked whether a request may go on (HTTPExternalAuthFilter). One verdict comes, sooner or later, and none for
 * what is aborted; whatever goes wrong, it is not `allowed`.
 */
export class Authorisation implements UpstreamListener {
  readonly #context: ProxyContext;
  readonly #backend: Backend | undefined;
  readonly #question: Question;
  readonly #tell: (verdict: Verdict) => void;
  #request: OutgoingRequest | undefined;
  #upstream: ExchangeUpstream | undefined;
  #tries = 0;
  #head: AnswerHead | undefined;
  #pieces: Buffer[] = [];
  #octets = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /** The head is read now; `tell` is called after `ask`. */
  constructor(filter: TableExternalAuth, { context, tell, ...asking }: AuthorisationParts) {
    this.#context = context;
    this.#backend = filter.backend === undefined ? undefined : context.backends.get(filter.backend);
    this.#question = questionOf({ filter, ...asking });
    this.#tell = tell;
  }

  ask(body: string): void {
    const backend = this.#backend;
    const problem = backend === undefined ? 'there is no valid backend to ask' : backend.tls?.problem;
    if (problem !== undefined) {
      const sentence = 'nobody can be asked whether this is allowed';
      this.#end({ type: 'refused', status: 500, why: 'invalid-backend', sentence, detail: problem });
      return;
    }
    this.#request = this.#question.request(body);
    this.#timer = setTimeout(() => this.#fail('no answer came in time'), this.#context.limits.externalAuth);
    this.#send(undefined, false);
  }

  abort(): void {
    this.#finish()?.destroy();
  }

  #send(not: Endpoint | undefined, mustBeNew: boolean): void {
    const context = this.#context;
    const endpoint = this.#backend?.pick(context.now, not);
    if (endpoint === undefined) {
      this.#fail('the backend that is asked has no ready endpoint');
      return;
    }
    this.#tries++;
    const isHttp2 = this.#question.isHttp2 || this.#backend?.isHttp2 === true;
    const wanted = {
      context,
      listener: this,
      isHttp2,
      since: context.now - context.limits.freshIdle,
      mustBeNew,
    };
    this.#upstream = context.pool.take(endpoint, wanted);
    if (this.#upstream === undefined) this.#fail('too many connections to backends');
    else if (!this.#upstream.isConnecting) this.upstreamReady(this.#upstream);
  }

  upstreamReady(upstream: ExchangeUpstream): void {
    if (this.#request !== undefined) upstream.request(this.#request);
  }

  upstreamDrained(): void {}

  upstreamFailed(failure: UpstreamFailure, upstream: ExchangeUpstream): void {
    if (this.#isOver || upstream !== this.#upstream) return;
    this.#upstream = undefined;
    const { why, detail = why } = failure;
    // Asking twice does nothing twice.
    if (this.#head === undefined && this.#tries < mostTries && mayBeSentAgain(failure, upstream, true, 'GET'))
      this.#send(why === 'upstream-refused' ? upstream.endpoint : undefined, true);
    else this.#fail(detail);
  }

  hasNoResponseBody(status: number): boolean {
    return hasNoBody(this.#request?.method ?? '', status);
  }

  interimResponse({ status }: { readonly status: number }): boolean {
    return status !== 101;
  }

  responseHead(
    head: ResponseHead,
    _: number,
    bytes: Buffer,
    start: number,
    end: number,
    isComplete: boolean,
  ): void {
    this.#head = answerHead(head);
    this.responseData(bytes, start, end);
    // A call that ends with its head has its status there.
    if (isComplete) this.responseEnd(head.fields);
  }

  responseData(bytes: Buffer, start: number, end: number): void {
    if (this.#isOver) return;
    this.#octets += end - start;
    if (this.#octets > mostOctets) this.#fail('the answer is too long');
    else if (end > start) this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
  }

  responseEnd(trailers: FieldLines | undefined): void {
    const head = this.#head;
    if (this.#isOver || head === undefined) return;
    const body = Buffer.concat(this.#pieces);
    const verdict = this.#question.judge({ head, body, trailers });
    this.#finish()?.release();
    this.#tell(verdict);
  }

  tunnelFromUpstream(): void {}
  tunnelEnded(): void {}

  #fail(detail: string): void {
    const upstream = this.#upstream;
    this.#upstream = undefined;
    upstream?.destroy();
    this.#end(failed(detail));
  }

  #end(verdict: Verdict): void {
    if (this.#isOver) return;
    this.#finish();
    this.#tell(verdict);
  }

  #finish(): ExchangeUpstream | undefined {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#pieces = [];
    const upstream = this.#upstream;
    this.#upstream = undefined;
    return upstream;
  }
}
