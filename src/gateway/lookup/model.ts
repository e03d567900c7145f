import type { TableHost, TableListener, TableRule } from '../table.ts';

/** What a request is judged by. Everything is as `normaliseTarget` and `hostnameOf` give it. */
export interface LookupRequest {
  /** The listener's port, whatever a Host header says. */
  readonly port: number;
  /** The name of the TLS handshake (SNI), lower case; '' where the client gave none; absent without TLS. */
  readonly serverName?: string | undefined;
  /** Lower case, without port and final dot; '' where an HTTP/1.0 client gave none. */
  readonly host: string;
  readonly method: string;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** By a name in lower case; several fields of one name are joined by commas (RFC 9110 section 5.2). */
  header(name: string): string | undefined;
}

/** Where a request goes, or how far it came. */
export type Lookup =
  | {
      readonly outcome: 'rule';
      readonly listener: TableListener;
      readonly host: TableHost;
      readonly rule: TableRule;
    }
  | { readonly outcome: 'no-listener' }
  /** The name of the TLS handshake belongs to another listener: 421 (Gateway API, Listener.hostname). */
  | {
      readonly outcome: 'misdirected';
      readonly listener: TableListener;
      readonly tlsListener: TableListener | undefined;
    }
  | { readonly outcome: 'no-host'; readonly listener: TableListener }
  | { readonly outcome: 'no-rule'; readonly listener: TableListener; readonly host: TableHost };
