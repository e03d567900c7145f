/**
 * The kinds of gateway.networking.k8s.io v1.6, with the fields of the experimental channel that Fairlead serves.
 * Notation: see ../schema/notation.ts.
 */
export const GATEWAY = String.raw`
Group: string length=..253 pattern=^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$
Kind: string length=1..63 pattern=^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$
ObjectName: string length=1..253
Namespace: string length=1..63 pattern=^[a-z0-9]([-a-z0-9]*[a-z0-9])?$
SectionName: string length=1..253 pattern=^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$
ControllerName: string length=1..253 pattern=^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+$
Hostname: string length=1..253 pattern=^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$
PreciseHostname: string length=1..253 pattern=^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$
PortNumber: int32 range=1..65535
AddressType: string length=1..253 pattern=^Hostname|IPAddress|NamedAddress|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+$
ProtocolType: string length=1..255 pattern=^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9]+$
AnnotationValue: string length=0..4096
LabelValue: string length=0..63 pattern=^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$
HeaderName: string length=1..256 pattern=^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$
Duration: string pattern=^([0-9]{1,5}(h|m|s|ms)){1,4}$
RetryCode: integer range=400..599
CORSMethod: string enum(GET,HEAD,POST,PUT,DELETE,CONNECT,OPTIONS,TRACE,PATCH,*)
CORSOrigin: string length=1..253 pattern=(^\*$)|(^(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9\-]+\.)*[a-zA-Z0-9-]+|\*)(:([0-9]{1,5}))?)$)
GatewayClass kind | A class of gateways, served by one controller.
 metadata - meta.ObjectMeta
 spec - GatewayClassSpec! | What the class is.
 status - GatewayClassStatus ={"conditions":[{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting\u0020for\u0020controller","reason":"Pending","status":"Unknown","type":"Accepted"}]} | What its controller says.
GatewayClassList kind
 metadata - meta.ListMeta
 items - []GatewayClass!
GatewayClassSpec
 controllerName - ControllerName! | Who serves gateways of the class: a domain and a path. It cannot change.
 description - string length=..64 | What the class is for.
 parametersRef - ParametersReference | An object with further configuration.
ParametersReference
 group - Group!
 kind - Kind!
 name - ObjectName!
 namespace - Namespace
GatewayClassStatus
 conditions - []Condition items=..8 =[{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting\u0020for\u0020controller","reason":"Pending","status":"Unknown","type":"Accepted"}] list=map(type)
 supportedFeatures - []SupportedFeature items=..64 list=map(name)
Condition
 lastTransitionTime - time!
 message - string! length=..32768
 observedGeneration - int64 range=0..
 reason - string! length=1..1024 pattern=^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$
 status - string! enum(True,False,Unknown)
 type - string! length=..316 pattern=^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$
SupportedFeature
 name - string!
Gateway kind | A place where traffic enters: addresses and listeners, served as its class says.
 metadata - meta.ObjectMeta
 spec - GatewaySpec! | What is wanted.
 status - GatewayStatus ={"conditions":[{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting\u0020for\u0020controller","reason":"Pending","status":"Unknown","type":"Accepted"},{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting\u0020for\u0020controller","reason":"Pending","status":"Unknown","type":"Programmed"}]} | What is there.
GatewayList kind
 metadata - meta.ListMeta
 items - []Gateway!
GatewaySpec
 addresses - []GatewaySpecAddress items=..16 list=atomic | Addresses that are asked for; none leaves the choice to the controller.
 allowedListeners - AllowedListeners | Which namespaces may add listeners.
 gatewayClassName - ObjectName! | Name of the GatewayClass.
 infrastructure - GatewayInfrastructure | Labels, annotations and parameters of what is made for the gateway.
 listeners - []Listener! items=1..64 list=map(name) | Where it listens, and for what.
 tls - GatewayTLSConfig | Certificates toward backends and demands on clients.
GatewaySpecAddress
 type - AddressType ="IPAddress"
 value - string length=..253
AllowedListeners
 namespaces - ListenerNamespaces ={"from":"None"}
ListenerNamespaces
 from - string enum(All,Selector,Same,None) ="None"
 selector - LabelSelector
LabelSelector atomic
 matchExpressions - []LabelSelectorRequirement list=atomic
 matchLabels - {}string
LabelSelectorRequirement
 key - string!
 operator - string!
 values - []string list=atomic
GatewayInfrastructure
 annotations - {}AnnotationValue entries=..16
 labels - {}LabelValue entries=..8
 parametersRef - LocalObjectReference
LocalObjectReference
 group - Group!
 kind - Kind!
 name - ObjectName!
Listener
 allowedRoutes - AllowedRoutes ={"namespaces":{"from":"Same"}} | Which routes may attach.
 hostname - Hostname | Host that it is for; none is every host.
 name - SectionName! | Name of the listener, unique in the gateway.
 port - PortNumber! | Port that it listens on.
 protocol - ProtocolType! | HTTP, HTTPS, TLS, TCP or UDP.
 tls - ListenerTLSConfig | How TLS ends here, or passes through.
AllowedRoutes
 kinds - []RouteGroupKind items=..8 list=atomic
 namespaces - RouteNamespaces ={"from":"Same"}
RouteGroupKind
 group - Group ="gateway.networking.k8s.io"
 kind - Kind!
RouteNamespaces
 from - string enum(All,Selector,Same) ="Same"
 selector - LabelSelector
ListenerTLSConfig
 certificateRefs - []SecretObjectReference items=..64 list=atomic
 mode - string enum(Terminate,Passthrough) ="Terminate"
 options - {}AnnotationValue entries=..16
SecretObjectReference
 group - Group =""
 kind - Kind ="Secret"
 name - ObjectName!
 namespace - Namespace
GatewayTLSConfig
 backend - GatewayBackendTLS
 frontend - FrontendTLSConfig
GatewayBackendTLS
 clientCertificateRef - SecretObjectReference
FrontendTLSConfig
 default - TLSConfig!
 perPort - []TLSPortConfig items=..64 list=map(port)
TLSConfig
 validation - FrontendTLSValidation
FrontendTLSValidation
 caCertificateRefs - []ParametersReference! items=1..16 list=atomic
 mode - string enum(AllowValidOnly,AllowInsecureFallback) ="AllowValidOnly"
TLSPortConfig
 port - PortNumber!
 tls - TLSConfig!
GatewayStatus
 addresses - []GatewayStatusAddress items=..16 list=atomic
 attachedListenerSets - int32
 conditions - []Condition items=..8 =[{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting\u0020for\u0020controller","reason":"Pending","status":"Unknown","type":"Accepted"},{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting\u0020for\u0020controller","reason":"Pending","status":"Unknown","type":"Programmed"}] list=map(type)
 listeners - []ListenerStatus items=..64 list=map(name)
GatewayStatusAddress
 type - AddressType ="IPAddress"
 value - string! length=1..253
ListenerStatus
 attachedRoutes - int32!
 conditions - []Condition! items=..8 list=map(type)
 name - SectionName!
 supportedKinds - []RouteGroupKind items=..8 list=atomic
ReferenceGrant kind | Lets objects of other namespaces refer to objects of this one.
 metadata - meta.ObjectMeta
 spec - ReferenceGrantSpec! | Who may refer to what.
ReferenceGrantList kind
 metadata - meta.ListMeta
 items - []ReferenceGrant!
ReferenceGrantSpec
 from - []ReferenceGrantFrom! items=1..16 list=atomic | Who may refer.
 to - []ReferenceGrantTo! items=1..16 list=atomic | What may be referred to.
ReferenceGrantFrom
 group - Group!
 kind - Kind!
 namespace - Namespace!
ReferenceGrantTo
 group - Group!
 kind - Kind!
 name - ObjectName
ListenerSet kind | Listeners that are added to a gateway.
 metadata - meta.ObjectMeta
 spec - ListenerSetSpec! | What is wanted.
 status - ListenerSetStatus ={"conditions":[{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting\u0020for\u0020controller","reason":"Pending","status":"Unknown","type":"Accepted"},{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting\u0020for\u0020controller","reason":"Pending","status":"Unknown","type":"Programmed"}]} | What is there.
ListenerSetList kind
 metadata - meta.ListMeta
 items - []ListenerSet!
ListenerSetSpec
 listeners - []Listener! items=1..64 list=map(name) | Where it listens, and for what.
 parentRef - ParentGatewayReference! | The gateway that they are added to.
ParentGatewayReference
 group - Group ="gateway.networking.k8s.io"
 kind - Kind ="Gateway"
 name - ObjectName!
 namespace - Namespace
ListenerSetStatus
 conditions - []Condition items=..8 =[{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting\u0020for\u0020controller","reason":"Pending","status":"Unknown","type":"Accepted"},{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting\u0020for\u0020controller","reason":"Pending","status":"Unknown","type":"Programmed"}] list=map(type)
 listeners - []ListenerStatus items=..64 list=map(name)
BackendTLSPolicy kind | How a gateway speaks TLS to a backend.
 metadata - meta.ObjectMeta
 spec - BackendTLSPolicySpec! | What is wanted.
 status - PolicyStatus | What each gateway made of it.
BackendTLSPolicyList kind
 metadata - meta.ListMeta
 items - []BackendTLSPolicy!
BackendTLSPolicySpec
 options - {}AnnotationValue entries=..16
 targetRefs - []PolicyTargetReference! items=1..16 list=atomic | Services, or ports of them, that it is for.
 validation - BackendTLSPolicyValidation! | How the backend is known.
PolicyTargetReference
 group - Group!
 kind - Kind!
 name - ObjectName!
 sectionName - SectionName
BackendTLSPolicyValidation
 caCertificateRefs - []LocalObjectReference items=..8 list=atomic
 hostname - PreciseHostname!
 subjectAltNames - []SubjectAltName items=..5 list=atomic
 wellKnownCACertificates - string length=1..253 pattern=^(System|([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]))$
SubjectAltName
 hostname - Hostname
 type - string! enum(Hostname,URI)
 uri - string length=1..253 pattern=^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\?([^#]*))?(#(.*))?
PolicyStatus
 ancestors - []PolicyAncestorStatus! items=..16 list=atomic
PolicyAncestorStatus
 ancestorRef - ParentReference!
 conditions - []Condition! items=1..8 list=map(type)
 controllerName - ControllerName!
`;
