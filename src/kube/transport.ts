import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex, Readable } from 'node:stream';

/** One HTTP request to the API server; `path` includes the query. */
export interface TransportRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Ends the request and, later, the body. */
  readonly signal?: AbortSignal;
  /** The answer has no foreseeable end (a watch, a followed log): it takes no place among the bounded requests. */
  readonly longRunning?: boolean;
}

/** `body` is plain (never compressed) and has to be read to its end or destroyed. */
export interface TransportResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/** A connection after `101 Switching Protocols`; `head` holds bytes that came with the answer. */
export interface UpgradedConnection {
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly headers: IncomingHttpHeaders;
}

export type UpgradeRequest = Pick<TransportRequest, 'method' | 'path' | 'headers' | 'signal'>;

/** How requests travel: HTTPS with credentials in production, a fake server in tests. */
export interface Transport {
  /** Resolves with the head of the answer, whatever its status. Rejects where there is no answer. */
  send(request: TransportRequest): Promise<TransportResponse>;
  /** Resolves with the connection, or with the answer of a server that refuses to upgrade. */
  upgrade(request: UpgradeRequest): Promise<UpgradedConnection | TransportResponse>;
  /** Ends requests and answers under way with `kube/closed`, and refuses new ones. Upgraded connections are the caller's. */
  close(): void;
}
