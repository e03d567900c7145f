/** EndpointSlices of discovery.k8s.io/v1. Notation: see ../schema/notation.ts. */
export const DISCOVERY = `
Endpoint
 addresses 1 []string! list=set | Addresses of one endpoint; readers take the first.
 conditions 2 EndpointConditions ={} | Whether it is ready, serving or terminating.
 hostname 3 string?
 targetRef 4 core.ObjectReference | The object, mostly a pod, that it stands for.
 deprecatedTopology 5 {}string
 nodeName 6 string? | Node that it is on.
 zone 7 string? | Zone that it is in.
 hints 8 EndpointHints | Who should prefer it.
EndpointConditions
 ready 1 bool?
 serving 2 bool?
 terminating 3 bool?
EndpointHints
 forZones 1 []ForZone list=atomic
 forNodes 2 []ForNode list=atomic
EndpointPort atomic
 name 1 string?
 protocol 2 string?
 port 3 int32?
 appProtocol 4 string?
EndpointSlice kind | Some of the addresses behind a service.
 metadata 1 meta.ObjectMeta ={}
 endpoints 2 []Endpoint list=atomic | The endpoints, at most 1000.
 ports 3 []EndpointPort list=atomic | Ports that every endpoint has.
 addressType 4 string! ="" | IPv4, IPv6 or FQDN; it cannot change.
EndpointSliceList kind
 metadata 1 meta.ListMeta ={}
 items 2 []EndpointSlice!
ForNode
 name 1 string! =""
ForZone
 name 1 string! =""
`;
