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
  /** By `TableListener.name`. */
  readonly listeners: Readonly<Record<string, TableListener>>;
  /** By `hostKey`. */
  readonly hosts: Readonly<Record<string, TableHost>>;
  /** By an id that follows from the content: a certificate that is renewed is another one. */
  readonly certificates: Readonly<Record<string, TableCertificate>>;
  /** By `backendKey`. */
  readonly backends: Readonly<Record<string, TableBackend>>;
}

export interface TableListener {
  /** The listener's name; of a ListenerSet `NAMESPACE/NAME/LISTENER`, so that it is unique in the table. */
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
  /** Of HTTPS, and of TLS that ends here: clients are asked for certificates. The same for all listeners of a port. */
  readonly clientValidation?: TableClientValidation;
  /** The same for all listeners of a Gateway. */
  readonly options?: TableOptions;
  readonly provenance: Provenance;
}

/** What clients have to prove in the handshake (Gateway API, FrontendTLSValidation). */
export interface TableClientValidation {
  /**
   * AllowValidOnly: a handshake without a certificate of one of the authorities fails. AllowInsecureFallback: a certificate
   * is asked for, and none, or one of somebody else, does as well.
   */
  readonly mode: 'AllowValidOnly' | 'AllowInsecureFallback';
  /** PEM, at least one certificate. */
  readonly authorities: string;
}

/** What a Gateway wants of its proxy that the API has no fields for: annotations of ours. */
export interface TableOptions {
  /** Connections begin with a PROXY header of version 1 or 2, and say nothing without one. */
  readonly acceptsProxyProtocol?: true;
  /** Of TLS listeners: backends' connections begin with a PROXY header of this version. */
  readonly sendsProxyProtocol?: 1 | 2;
  /** So many proxies in front of this one are believed, as to what they say of the client. */
  readonly trustedHops?: number;
  /** Absent: endpoints in turn. */
  readonly balance?: 'least-requests' | 'client-hash';
  /** That an endpoint may have under way from one worker; beyond it 503. */
  readonly mostRequests?: number;
  /** Octets of a request's body; beyond it 413. */
  readonly bodyLimit?: number;
  /** Prefixes whose clients may ask why a request went where it went. */
  readonly explainsTo?: readonly string[];
  /** Absent: a line of JSON. */
  readonly accessLog?: 'ingress-nginx' | 'off';
}

/** What one listener serves under one name, of all routes that are attached. */
export interface TableHost {
  readonly listener: string;
  /** The intersection of the listener's and the route's hostname; lower case; `*` for every name. */
  readonly hostname: string;
  /** Of a wildcard: it stands for one label, as in an Ingress, and not for one or more. */
  readonly isOneLabel?: true;
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
  /** Absent: as the proxy does by itself. */
  readonly retry?: TableRetry;
  readonly sessionPersistence?: TableSessionPersistence;
}

/** HTTPRouteRetry. Connections that fail, and tries beyond `timeouts.backendRequest`, are tried again as well. */
export interface TableRetry {
  /** Statuses of a backend that are tried again, 400 to 599; the last one goes to the client. */
  readonly codes: readonly number[];
  /** Tries after the first; absent: the proxy's own number. */
  readonly attempts?: number;
  /** Milliseconds at least between two tries. */
  readonly backoff?: number;
}

/** Requests of one session go to one endpoint, while it is there (GEP-1619). */
export interface TableSessionPersistence {
  readonly type: 'Cookie' | 'Header';
  /** Of the cookie, or of the header, which is the same in request and response. A token of RFC 9110. */
  readonly name: string;
  /** Path of the cookie: the rule's prefix or exact path; `/` where it has several, or neither. */
  readonly path: string;
  /** Milliseconds since the session began, after which it holds no longer. */
  readonly absoluteTimeout?: number;
  /** Permanent: the cookie outlives the browser, for `absoluteTimeout`, which is there then. */
  readonly lifetime: 'Session' | 'Permanent';
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
    }
  | TableExternalAuth;

/**
 * Somebody else is asked whether a request may go on (HTTPExternalAuthFilter): before mirrors, rewrites and the choice of a
 * backend, after CORS. A request that cannot be asked for, or that gets no clear answer, is refused.
 */
export interface TableExternalAuth {
  readonly type: 'ExternalAuth';
  /** GRPC: `envoy.service.auth.v3.Authorization/Check`. HTTP: 200 is yes, and everything else no. */
  readonly protocol: 'HTTP' | 'GRPC';
  /** A key of `RouteTable.backends`; absent: the reference is invalid, and every request is answered with 500. */
  readonly backend?: string;
  /** Of the request's body at most so many octets are sent along; 0: none. */
  readonly bodySize: number;
  /** Of HTTP: stands before the request's path; '' or begins with `/`, without one at its end. */
  readonly pathPrefix: string;
  /**
   * Names, in lower case, of the request's headers that are sent along. GRPC: empty means all. HTTP: beside host, method, path,
   * content-length and authorization, which always are.
   */
  readonly allowedHeaders: readonly string[];
  /** Of HTTP: names, in lower case, of the answer's headers that the backend gets; empty: all but host. */
  readonly allowedResponseHeaders: readonly string[];
}

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
  /** Connections are TLS. Does not count where a TLS listener passes through. */
  readonly tls?: TableBackendTls;
  /** Those that get new requests; empty: 503. */
  readonly endpoints: readonly TableEndpoint[];
}

/** How a backend is known (BackendTLSPolicy), and how it knows the Gateway (GatewayBackendTLS). */
export interface TableBackendTls {
  /** A sentence; the policy cannot be followed: no connection is made, and requests are answered with 500. */
  readonly problem?: string;
  /** Sent as SNI, and has to stand in the certificate unless `subjectAltNames` say what has to. Lower case. */
  readonly hostname: string;
  /** One of them has to stand in the certificate; empty: `hostname`. */
  readonly subjectAltNames: readonly { readonly type: 'Hostname' | 'URI'; readonly value: string }[];
  /** PEM; absent: those that Node trusts (WellKnownCACertificates `System`). */
  readonly authorities?: string;
  /** A key of `RouteTable.certificates`: what is shown where the backend asks for it. */
  readonly clientCertificate?: string;
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
