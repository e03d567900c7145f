/** A request as a client sends it. Header names are in lower case; a character of a text is an octet. */
export interface ModelRequest {
  readonly scheme: 'http' | 'https';
  /** The name of the TLS handshake; absent where the client gives none, or speaks no TLS. */
  readonly serverName?: string;
  /** The Host header, with a port where the client writes one. */
  readonly host: string;
  readonly method: string;
  /** Path and query as they are in the request line. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Octets of the body, as Content-Length says; 0: none. */
  readonly bodyLength: number;
  /** The address that the connection comes from. */
  readonly client: string;
}
