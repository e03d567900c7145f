import type { Condition, ObjectMeta } from './meta.ts';

/** gateway.networking.k8s.io/v1: routes, from the most to the least that they see of the traffic. */
export interface HTTPRoute {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'HTTPRoute';
  readonly metadata: ObjectMeta;
  readonly spec: HTTPRouteSpec;
  readonly status?: RouteStatus;
}

export interface GRPCRoute {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'GRPCRoute';
  readonly metadata: ObjectMeta;
  readonly spec: GRPCRouteSpec;
  readonly status?: RouteStatus;
}

export interface TLSRoute {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'TLSRoute';
  readonly metadata: ObjectMeta;
  readonly spec: StreamRouteSpec & { readonly hostnames: readonly string[] };
  readonly status?: RouteStatus;
}

export interface TCPRoute {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'TCPRoute';
  readonly metadata: ObjectMeta;
  readonly spec: StreamRouteSpec;
  readonly status?: RouteStatus;
}

export interface UDPRoute {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'UDPRoute';
  readonly metadata: ObjectMeta;
  readonly spec: StreamRouteSpec;
  readonly status?: RouteStatus;
}

/** Group and kind are `gateway.networking.k8s.io` and `Gateway` where absent, the namespace is the route's. */
export interface ParentReference {
  readonly group?: string;
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
  readonly sectionName?: string;
}

/** Group and kind are `` and `Service` where absent, the namespace is the route's. */
export interface BackendObjectReference {
  readonly group?: string;
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
}

/** Absent, the weight is 1. */
export interface BackendRef extends BackendObjectReference {
  readonly weight?: number;
}

export interface RouteStatus {
  readonly parents: readonly RouteParentStatus[];
}

export interface RouteParentStatus {
  readonly conditions: readonly Condition[];
  readonly controllerName: string;
  readonly parentRef: ParentReference;
}

export interface StreamRouteSpec {
  readonly parentRefs?: readonly ParentReference[];
  readonly rules: readonly { readonly backendRefs: readonly BackendRef[]; readonly name?: string }[];
}

export interface HTTPRouteSpec {
  readonly hostnames?: readonly string[];
  readonly parentRefs?: readonly ParentReference[];
  readonly rules?: readonly HTTPRouteRule[];
}

export interface HTTPRouteRule {
  readonly backendRefs?: readonly HTTPBackendRef[];
  readonly filters?: readonly HTTPRouteFilter[];
  readonly matches?: readonly HTTPRouteMatch[];
  readonly name?: string;
  readonly retry?: HTTPRouteRetry;
  readonly sessionPersistence?: SessionPersistence;
  readonly timeouts?: HTTPRouteTimeouts;
}

/** Experimental channel. */
export interface HTTPRouteRetry {
  readonly attempts?: number;
  /** A duration of GEP-2257. */
  readonly backoff?: string;
  readonly codes?: readonly number[];
}

/** Experimental channel; durations of GEP-2257. */
export interface SessionPersistence {
  readonly absoluteTimeout?: string;
  readonly cookieConfig?: { readonly lifetimeType?: 'Permanent' | 'Session' };
  readonly sessionName?: string;
  readonly type?: 'Cookie' | 'Header';
}

/** Durations of GEP-2257, such as `10s` or `1m30s`; zero means none. */
export interface HTTPRouteTimeouts {
  readonly backendRequest?: string;
  readonly request?: string;
}

export interface HTTPBackendRef extends BackendRef {
  readonly filters?: readonly HTTPRouteFilter[];
}

export interface HTTPRouteMatch {
  readonly headers?: readonly HeaderMatch[];
  readonly method?: HTTPMethod;
  readonly path?: HTTPPathMatch;
  readonly queryParams?: readonly HeaderMatch[];
}

export interface HTTPPathMatch {
  readonly type?: 'Exact' | 'PathPrefix' | 'RegularExpression';
  readonly value?: string;
}

/** A header, or a query parameter, by name. */
export interface HeaderMatch {
  readonly name: string;
  readonly type?: 'Exact' | 'RegularExpression';
  readonly value: string;
}

export type HTTPMethod =
  | 'GET'
  | 'HEAD'
  | 'POST'
  | 'PUT'
  | 'DELETE'
  | 'CONNECT'
  | 'OPTIONS'
  | 'TRACE'
  | 'PATCH';

/** `type` says which of the others is there. */
export interface HTTPRouteFilter {
  readonly type:
    | 'RequestHeaderModifier'
    | 'ResponseHeaderModifier'
    | 'RequestMirror'
    | 'RequestRedirect'
    | 'URLRewrite'
    | 'ExtensionRef'
    | 'CORS'
    | 'ExternalAuth';
  readonly cors?: HTTPCORSFilter;
  readonly extensionRef?: ExtensionReference;
  readonly externalAuth?: HTTPExternalAuthFilter;
  readonly requestHeaderModifier?: HTTPHeaderFilter;
  readonly requestMirror?: HTTPRequestMirrorFilter;
  readonly requestRedirect?: HTTPRequestRedirectFilter;
  readonly responseHeaderModifier?: HTTPHeaderFilter;
  readonly urlRewrite?: HTTPURLRewriteFilter;
}

export interface ExtensionReference {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

export interface HTTPHeaderFilter {
  readonly add?: readonly HTTPHeader[];
  readonly remove?: readonly string[];
  readonly set?: readonly HTTPHeader[];
}

export interface HTTPHeader {
  readonly name: string;
  readonly value: string;
}

export interface HTTPRequestMirrorFilter {
  readonly backendRef: BackendObjectReference;
  readonly fraction?: { readonly denominator?: number; readonly numerator: number };
  readonly percent?: number;
}

export interface HTTPRequestRedirectFilter {
  readonly hostname?: string;
  readonly path?: HTTPPathModifier;
  readonly port?: number;
  readonly scheme?: 'http' | 'https';
  readonly statusCode?: 301 | 302 | 303 | 307 | 308;
}

export interface HTTPURLRewriteFilter {
  readonly hostname?: string;
  readonly path?: HTTPPathModifier;
}

export interface HTTPPathModifier {
  readonly replaceFullPath?: string;
  readonly replacePrefixMatch?: string;
  readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch';
}

export interface HTTPCORSFilter {
  readonly allowCredentials?: boolean;
  readonly allowHeaders?: readonly string[];
  readonly allowMethods?: readonly (HTTPMethod | '*')[];
  readonly allowOrigins?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  /** Seconds. */
  readonly maxAge?: number;
}

/** Experimental channel. `protocol` says which of the others is there. */
export interface HTTPExternalAuthFilter {
  readonly backendRef: BackendObjectReference;
  readonly forwardBody?: { readonly maxSize?: number };
  readonly grpc?: { readonly allowedHeaders?: readonly string[] };
  readonly http?: {
    readonly allowedHeaders?: readonly string[];
    readonly allowedResponseHeaders?: readonly string[];
    readonly path?: string;
  };
  readonly protocol: 'HTTP' | 'GRPC';
}

export interface GRPCRouteSpec {
  readonly hostnames?: readonly string[];
  readonly parentRefs?: readonly ParentReference[];
  readonly rules?: readonly GRPCRouteRule[];
}

export interface GRPCRouteRule {
  readonly backendRefs?: readonly GRPCBackendRef[];
  readonly filters?: readonly GRPCRouteFilter[];
  readonly matches?: readonly GRPCRouteMatch[];
  readonly name?: string;
  readonly sessionPersistence?: SessionPersistence;
}

export interface GRPCBackendRef extends BackendRef {
  readonly filters?: readonly GRPCRouteFilter[];
}

export interface GRPCRouteMatch {
  readonly headers?: readonly HeaderMatch[];
  readonly method?: {
    readonly method?: string;
    readonly service?: string;
    readonly type?: 'Exact' | 'RegularExpression';
  };
}

export interface GRPCRouteFilter {
  readonly type: 'ResponseHeaderModifier' | 'RequestHeaderModifier' | 'RequestMirror' | 'ExtensionRef';
  readonly extensionRef?: ExtensionReference;
  readonly requestHeaderModifier?: HTTPHeaderFilter;
  readonly requestMirror?: HTTPRequestMirrorFilter;
  readonly responseHeaderModifier?: HTTPHeaderFilter;
}
