/** Who asks: the subject of a client certificate, or a service account. */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  /** What else the credential says, as which pod's it is. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Whoever shows no credential; what he may is said by roles, as for everybody. */
export const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** A request without its transport. */
export interface ApiRequest {
  readonly method: string;
  /** Decoded path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Undefined for a client that showed a credential that is not valid; strangers without one are `ANONYMOUS`. */
  readonly user: User | undefined;
  /** The whole body; rejects with 413 when it is larger than the server takes. */
  body(): Promise<Uint8Array>;
}

export type Headers = Readonly<Record<string, string | readonly string[]>>;

/** Where a streamed answer goes. */
export interface Sink {
  write(chunk: string | Uint8Array): void;
  end(): void;
  /** Bytes that the client has not taken yet. */
  readonly pending: number;
  /** Called once, as soon as the client has taken what is pending. */
  onDrain(listener: () => void): void;
  /** Ends the connection without ceremony: a client that is too slow. */
  abort(): void;
  /** Called once, when the client is gone or the answer has ended. */
  onClose(listener: () => void): void;
}

export type ApiResponse =
  | { readonly status: number; readonly headers: Headers; readonly body: string | Uint8Array }
  | { readonly status: number; readonly headers: Headers; readonly stream: (sink: Sink) => void };
