/**
 * Routes of gateway.networking.k8s.io v1.6, beside the kinds that they stand on (gateway.ts), whose scalars they use.
 * Notation: see ../schema/notation.ts.
 */
export const GATEWAY_ROUTES = String.raw`
HTTPRoute kind | How requests that reach a gateway are matched, changed and sent on.
 metadata - meta.ObjectMeta
 spec - HTTPRouteSpec! | What is wanted.
 status - HTTPRouteStatus | What each parent made of it.
HTTPRouteList kind
 metadata - meta.ListMeta
 items - []HTTPRoute!
HTTPRouteSpec
 hostnames - []Hostname items=..16 list=atomic | Hosts that the route is for; none is every host of the listener.
 parentRefs - []ParentReference items=..32 list=atomic | Gateways (or parts of them) that it attaches to.
 rules - []HTTPRouteRule items=1..16 =[{"matches":[{"path":{"type":"PathPrefix","value":"/"}}]}] list=atomic | Matches, with what becomes of the requests.
ParentReference
 group - Group ="gateway.networking.k8s.io"
 kind - Kind ="Gateway"
 name - ObjectName!
 namespace - Namespace
 port - PortNumber
 sectionName - SectionName
HTTPRouteRule
 backendRefs - []HTTPBackendRef items=..16 list=atomic | Where matching requests go, by weight.
 filters - []HTTPRouteFilter items=..16 list=atomic | What is done to them on the way.
 matches - []HTTPRouteMatch items=..64 =[{"path":{"type":"PathPrefix","value":"/"}}] list=atomic | A request matches if one of these does.
 name - SectionName
 retry - HTTPRouteRetry | What is tried again.
 sessionPersistence - SessionPersistence | Whether a client stays with its backend.
 timeouts - HTTPRouteTimeouts
HTTPRouteRetry
 attempts - integer range=1..
 backoff - Duration
 codes - []RetryCode list=set
SessionPersistence
 absoluteTimeout - Duration
 cookieConfig - CookieConfig
 sessionName - string length=..128
 type - string enum(Cookie,Header) ="Cookie"
CookieConfig
 lifetimeType - string enum(Permanent,Session) ="Session"
HTTPBackendRef
 filters - []HTTPRouteFilter items=..16 list=atomic
 group - Group =""
 kind - Kind ="Service"
 name - ObjectName!
 namespace - Namespace
 port - PortNumber
 weight - int32 range=0..1000000 =1
HTTPRouteFilter
 cors - HTTPCORSFilter
 extensionRef - LocalObjectReference
 externalAuth - HTTPExternalAuthFilter
 requestHeaderModifier - HTTPHeaderFilter
 requestMirror - HTTPRequestMirrorFilter
 requestRedirect - HTTPRequestRedirectFilter
 responseHeaderModifier - HTTPHeaderFilter
 type - string! enum(RequestHeaderModifier,ResponseHeaderModifier,RequestMirror,RequestRedirect,URLRewrite,ExtensionRef,CORS,ExternalAuth)
 urlRewrite - HTTPURLRewriteFilter
HTTPExternalAuthFilter
 backendRef - BackendObjectReference!
 forwardBody - ForwardBodyConfig
 grpc - GRPCAuthConfig
 http - HTTPAuthConfig
 protocol - string! enum(HTTP,GRPC)
ForwardBodyConfig
 maxSize - integer
GRPCAuthConfig
 allowedHeaders - []string items=..64 list=set
HTTPAuthConfig
 allowedHeaders - []string items=..64 list=set
 allowedResponseHeaders - []string items=..64 list=set
 path - string length=..1024 pattern=^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$
HTTPCORSFilter
 allowCredentials - bool
 allowHeaders - []HeaderName items=..64 list=set
 allowMethods - []CORSMethod items=..9 list=set
 allowOrigins - []CORSOrigin items=..64 list=set
 exposeHeaders - []HeaderName items=..64 list=set
 maxAge - int32 range=1.. =5
HTTPHeaderFilter
 add - []HTTPHeader items=..16 list=map(name)
 remove - []string items=..16 list=set
 set - []HTTPHeader items=..16 list=map(name)
HTTPHeader
 name - HeaderName!
 value - string! length=1..4096
HTTPRequestMirrorFilter
 backendRef - BackendObjectReference!
 fraction - Fraction
 percent - int32 range=0..100
BackendObjectReference
 group - Group =""
 kind - Kind ="Service"
 name - ObjectName!
 namespace - Namespace
 port - PortNumber
Fraction
 denominator - int32 range=1.. =100
 numerator - int32! range=0..
HTTPRequestRedirectFilter
 hostname - PreciseHostname
 path - HTTPPathModifier
 port - PortNumber
 scheme - string enum(http,https)
 statusCode - integer enum(301,302,303,307,308) =302
HTTPPathModifier
 replaceFullPath - string length=..1024
 replacePrefixMatch - string length=..1024
 type - string! enum(ReplaceFullPath,ReplacePrefixMatch)
HTTPURLRewriteFilter
 hostname - PreciseHostname
 path - HTTPPathModifier
HTTPRouteMatch
 headers - []HTTPHeaderMatch items=..16 list=map(name)
 method - string enum(GET,HEAD,POST,PUT,DELETE,CONNECT,OPTIONS,TRACE,PATCH)
 path - HTTPPathMatch ={"type":"PathPrefix","value":"/"}
 queryParams - []HTTPQueryParamMatch items=..16 list=map(name)
HTTPHeaderMatch
 name - HeaderName!
 type - string enum(Exact,RegularExpression) ="Exact"
 value - string! length=1..4096
HTTPPathMatch
 type - string enum(Exact,PathPrefix,RegularExpression) ="PathPrefix"
 value - string length=..1024 ="/"
HTTPQueryParamMatch
 name - HeaderName!
 type - string enum(Exact,RegularExpression) ="Exact"
 value - string! length=1..1024
HTTPRouteTimeouts
 backendRequest - Duration
 request - Duration
HTTPRouteStatus
 parents - []RouteParentStatus! items=..32 list=atomic
RouteParentStatus
 conditions - []Condition! items=1..8 list=map(type)
 controllerName - ControllerName!
 parentRef - ParentReference!
GRPCRoute kind | How calls of gRPC that reach a gateway are matched, changed and sent on.
 metadata - meta.ObjectMeta
 spec - GRPCRouteSpec! | What is wanted.
 status - HTTPRouteStatus | What each parent made of it.
GRPCRouteList kind
 metadata - meta.ListMeta
 items - []GRPCRoute!
GRPCRouteSpec
 hostnames - []Hostname items=..16 list=atomic | Hosts that the route is for; none is every host of the listener.
 parentRefs - []ParentReference items=..32 list=atomic | Gateways (or parts of them) that it attaches to.
 rules - []GRPCRouteRule items=..16 list=atomic | Matches, with what becomes of the calls.
GRPCRouteRule
 backendRefs - []GRPCBackendRef items=..16 list=atomic | Where matching calls go, by weight.
 filters - []GRPCRouteFilter items=..16 list=atomic | What is done to them on the way.
 matches - []GRPCRouteMatch items=..64 list=atomic | A call matches if one of these does.
 name - SectionName
 sessionPersistence - SessionPersistence | Whether a client stays with its backend.
GRPCBackendRef
 filters - []GRPCRouteFilter items=..16 list=atomic
 group - Group =""
 kind - Kind ="Service"
 name - ObjectName!
 namespace - Namespace
 port - PortNumber
 weight - int32 range=0..1000000 =1
GRPCRouteFilter
 extensionRef - LocalObjectReference
 requestHeaderModifier - HTTPHeaderFilter
 requestMirror - HTTPRequestMirrorFilter
 responseHeaderModifier - HTTPHeaderFilter
 type - string! enum(ResponseHeaderModifier,RequestHeaderModifier,RequestMirror,ExtensionRef)
GRPCRouteMatch
 headers - []HTTPHeaderMatch items=..16 list=map(name)
 method - GRPCMethodMatch
GRPCMethodMatch
 method - string length=..1024
 service - string length=..1024
 type - string enum(Exact,RegularExpression) ="Exact"
TLSRoute kind | Where connections of TLS go, by the name that the client asks for.
 metadata - meta.ObjectMeta
 spec - TLSRouteSpec! | What is wanted.
 status - HTTPRouteStatus | What each parent made of it.
TLSRouteList kind
 metadata - meta.ListMeta
 items - []TLSRoute!
TLSRouteSpec
 hostnames - []Hostname! items=1..1024 list=atomic | Names that the route is for.
 parentRefs - []ParentReference items=..32 list=atomic | Gateways (or parts of them) that it attaches to.
 rules - []StreamRouteRule! items=1..1 list=atomic | Where connections go.
StreamRouteRule
 backendRefs - []BackendRef! items=1..16 list=atomic | Where connections go, by weight.
 name - SectionName
BackendRef
 group - Group =""
 kind - Kind ="Service"
 name - ObjectName!
 namespace - Namespace
 port - PortNumber
 weight - int32 range=0..1000000 =1
TCPRoute kind | Where connections of TCP go.
 metadata - meta.ObjectMeta
 spec - StreamRouteSpec! | What is wanted.
 status - HTTPRouteStatus | What each parent made of it.
TCPRouteList kind
 metadata - meta.ListMeta
 items - []TCPRoute!
StreamRouteSpec
 parentRefs - []ParentReference items=..32 list=atomic | Gateways (or parts of them) that it attaches to.
 rules - []StreamRouteRule! items=1..1 list=atomic | Where connections go.
UDPRoute kind | Where datagrams of UDP go.
 metadata - meta.ObjectMeta
 spec - StreamRouteSpec! | What is wanted.
 status - HTTPRouteStatus | What each parent made of it.
UDPRouteList kind
 metadata - meta.ListMeta
 items - []UDPRoute!
`;
