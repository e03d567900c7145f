import type { Arrived } from './arrived.ts';
import type { Endpoint } from './endpoints.ts';
import type { FieldLines } from './http1/fields.ts';
import type { ResponseHead } from './http1/response-head.ts';
import type { OwnResponse } from './own-response.ts';
import type { HeaderChange } from './rule-plan.ts';
import type { OutgoingRequest } from './write-request.ts';

/** What an exchange asks of who sent the request: a connection of HTTP/1, or a stream of one of HTTP/2. */
export interface ExchangeClient {
  readonly port: number;
  readonly scheme: 'http' | 'https';
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2.0';
  readonly arrived: Arrived;
  /** What backends are told of it. */
  readonly forwarded: string;
  /** What the log says of it. */
  readonly logged: string;
  /** More was written than the client takes at the moment. */
  readonly isFull: boolean;

  /** The backend has to take something first, and then may have more of the request's body. */
  pause(): void;
  resume(): void;
  /** A backend takes the body from now on. */
  wanted(): void;
  /** The backend said something; the client has to take something first: both are new reasons to wait. */
  heard(): void;
  isTaking(): void;

  /** 1xx but 101. */
  interim(head: ResponseHead): void;
  respond(response: Responding): void;
  data(bytes: Buffer, start: number, end: number): void;
  end(trailers: FieldLines | undefined): void;
  own(response: OwnResponse): void;
  /** The answer is written, and the exchange over; `mustClose`: the connection carries no other. */
  answered(mustClose: boolean): void;
  /** The answer cannot be finished, which the client has to see. */
  abort(): void;

  /** An upgraded connection: 101, then octets both ways, then the end of what the backend says. */
  becomeTunnel(head: ResponseHead, change: HeaderChange | undefined, protocol: string): void;
  tunnelData(bytes: Buffer, start: number, end: number): void;
  tunnelEnd(): void;
}

/** The head of an answer with the first octets of its body, or with all of them. */
export interface Responding {
  readonly head: ResponseHead;
  /** Octets of the body, or what `response-head` has for others; 0 where `hasNoBody`. */
  readonly length: number;
  readonly hasNoBody: boolean;
  readonly change: HeaderChange | undefined;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** The last exchange of this connection, as far as it is up to us. */
  readonly mustClose: boolean;
}

/** What an exchange asks of who answers. */
export interface ExchangeUpstream {
  readonly endpoint: Endpoint;
  /** It has carried an exchange before: that it is closed says nothing of the endpoint. */
  readonly isUsed: boolean;
  readonly isConnecting: boolean;
  readonly isFull: boolean;

  /** The head, and the body where `body` has all of it. */
  request(request: OutgoingRequest): void;
  data(bytes: Buffer, start: number, end: number): void;
  end(trailers: FieldLines | undefined): void;
  /** The client has to take something of the answer first. */
  pause(): void;
  resume(): void;
  /** The exchange is over and the answer came whole; `destroy`: it is over in another way. */
  release(): void;
  destroy(): void;

  becomeTunnel(): void;
  tunnelEnd(): void;
  finishTunnel(): void;
}

/** What a side that answers tells of. Heads and octets are valid during the call. */
export interface UpstreamListener {
  upstreamReady(upstream: ExchangeUpstream): void;
  upstreamDrained(): void;
  upstreamFailed(failure: UpstreamFailure, upstream: ExchangeUpstream): void;
  hasNoResponseBody(status: number): boolean;
  interimResponse(head: ResponseHead): boolean;
  responseHead(
    head: ResponseHead,
    length: number,
    bytes: Buffer,
    start: number,
    end: number,
    isComplete: boolean,
  ): void;
  responseData(bytes: Buffer, start: number, end: number): void;
  responseEnd(trailers: FieldLines | undefined): void;
  tunnelFromUpstream(bytes: Buffer, start: number, end: number): void;
  tunnelEnded(side: 'client' | 'upstream'): void;
}

export interface UpstreamFailure {
  readonly why: 'upstream-refused' | 'upstream-closed' | 'upstream-invalid';
  readonly detail?: string | undefined;
  /** The endpoint has not looked at the request: any other may get it, whatever it is. */
  readonly isUnprocessed?: boolean;
}
