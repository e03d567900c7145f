import type { Provenance } from '../base/provenance.ts';

/**
 * The compiled form of one Gateway: all that its proxies need, and nothing of any other. Plain data that survives JSON.
 *
 * It is a map of small entries, so that a change is the difference of two maps, and costs what changed:
 *
 * ```
 *   listeners ──▶ hosts ──▶ rules, in the order in which they are asked ──▶ backends ──▶ endpoints
 *        └──▶ certificates
 * ```
 *
 * A request belongs to the listener of its port whose hostname is the most specific for it, there to the most specific
 * host, there to the first rule that matches (Gateway API, HTTPRouteSpec.hostnames and HTTPRouteRule.matches).
 */
export interface RouteTable {
  /** By the listener's name. */
  readonly listeners: Readonly<Record<string, TableListener>>;
  /** By `hostKey`. */
  readonly hosts: Readonly<Record<string, TableHost>>;
  /** By an id that follows from the content: a certificate that is renewed is another one. */
  readonly certificates: Readonly<Record<string, TableCertificate>>;
  /** By `backendKey`. */
  readonly backends: Readonly<Record<string, TableBackend>>;
}

export interface TableListener {
  readonly name: string;
  readonly port: number;
  /**
   * TLS: connections go to backends as octets, by the name of the handshake; its hosts have rules that match everything.
   */
  readonly protocol: 'HTTP' | 'HTTPS' | 'TLS';
  /** Of TLS: it is not ended here, and there are no certificates. */
  readonly isPassthrough?: true;
  /** Lower case, `*.example.com` for a wildcard; absent: every name. */
  readonly hostname?: string;
  /** For HTTPS and TLS that ends here: in the order of `certificateRefs`. */
  readonly certificates: readonly string[];
  readonly provenance: Provenance;
}

/** What one listener serves under one name, of all routes that are attached. */
export interface TableHost {
  readonly listener: string;
  /** The intersection of the listener's and the route's hostname; lower case; `*` for every name. */
  readonly hostname: string;
  /** One for each match of each rule, in precedence: the first that matches wins. */
  readonly rules: readonly TableRule[];
}

export interface TableRule {
  /** `HTTPRoute`, its name, and `spec.rules[0].matches[1]`. */
  readonly provenance: Provenance;
  /** Of a GRPCRoute: its backends are spoken to by HTTP/2, and what the proxy answers itself are statuses of gRPC. */
  readonly protocol?: 'grpc';
  /** The rule's own name (HTTPRouteRule.name). */
  readonly name?: string;
  readonly match: TableMatch;
  readonly filters: readonly TableFilter[];
  readonly backends: readonly TableBackendReference[];
  /** Milliseconds; 0 or absent: no limit of its own. */
  readonly timeouts?: { readonly request?: number; readonly backendRequest?: number };
}

export interface TableMatch {
  readonly path: { readonly type: 'Exact' | 'PathPrefix' | 'RegularExpression'; readonly value: string };
  readonly method?: string;
  readonly headers: readonly TableValueMatch[];
  readonly query: readonly TableValueMatch[];
}

/** A header's name is in lower case; a query parameter's is as it is. */
export interface TableValueMatch {
  readonly type: 'Exact' | 'RegularExpression';
  readonly name: string;
  readonly value: string;
}

export interface TableHeaderChange {
  readonly set: readonly { readonly name: string; readonly value: string }[];
  readonly add: readonly { readonly name: string; readonly value: string }[];
  readonly remove: readonly string[];
}

export type TablePathRewrite =
  | { readonly type: 'ReplaceFullPath'; readonly value: string }
  | { readonly type: 'ReplacePrefixMatch'; readonly value: string };

export type TableFilter =
  | { readonly type: 'RequestHeaderModifier'; readonly change: TableHeaderChange }
  | { readonly type: 'ResponseHeaderModifier'; readonly change: TableHeaderChange }
  | {
      readonly type: 'RequestRedirect';
      readonly scheme?: 'http' | 'https';
      readonly hostname?: string;
      readonly port?: number;
      readonly path?: TablePathRewrite;
      readonly statusCode: number;
    }
  | { readonly type: 'URLRewrite'; readonly hostname?: string; readonly path?: TablePathRewrite }
  | {
      readonly type: 'RequestMirror';
      /** A key of `RouteTable.backends`; absent: the reference is invalid, and nothing is mirrored. */
      readonly backend?: string;
      /** Of the requests, from 0 to 1. */
      readonly share: number;
    }
  | {
      readonly type: 'CORS';
      /** `https://*.example.com:*`, or `*` alone. */
      readonly allowOrigins: readonly string[];
      readonly allowMethods: readonly string[];
      readonly allowHeaders: readonly string[];
      readonly exposeHeaders: readonly string[];
      readonly allowCredentials: boolean;
      /** Seconds. */
      readonly maxAge: number;
    };

export interface TableBackendReference {
  /** 0: none of the requests. */
  readonly weight: number;
  /** A key of `RouteTable.backends`; absent: the reference is invalid and its share of requests is answered with 500. */
  readonly backend?: string;
  readonly filters: readonly TableFilter[];
  readonly provenance: Provenance;
}

export interface TableCertificate {
  /** PEM, the leaf first. */
  readonly chain: string;
  readonly key: string;
  readonly provenance: Provenance;
}

/** One port of one Service. */
export interface TableBackend {
  /** `namespace/name`. */
  readonly service: string;
  readonly port: number;
  /** ServicePort.appProtocol. */
  readonly appProtocol?: string;
  /** Those that get new requests; empty: 503. */
  readonly endpoints: readonly TableEndpoint[];
}

export interface TableEndpoint {
  /** An address without brackets. */
  readonly address: string;
  readonly port: number;
  /** `namespace/name` of the pod. */
  readonly pod?: string;
}

export const hostKey = (listener: string, hostname: string): string => `${listener} ${hostname}`;

export const backendKey = (namespace: string, name: string, port: number): string =>
  `${namespace}/${name}:${port}`;

/** What changes a table into another: entries to put, keys to take away, by section. */
export interface TableChange {
  readonly put: Partial<RouteTable>;
  readonly remove: { readonly [Section in keyof RouteTable]?: readonly string[] };
}
