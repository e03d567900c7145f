/** EndpointSlices of discovery.k8s.io/v1. Notation: see ../schema/notation.ts. */
export const DISCOVERY = `
Endpoint
 addresses 1 []string! list=set
 conditions 2 EndpointConditions ={}
 hostname 3 string?
 targetRef 4 core.ObjectReference
 deprecatedTopology 5 {}string
 nodeName 6 string?
 zone 7 string?
 hints 8 EndpointHints
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
EndpointSlice kind
 metadata 1 meta.ObjectMeta ={}
 endpoints 2 []Endpoint list=atomic
 ports 3 []EndpointPort list=atomic
 addressType 4 string! =""
EndpointSliceList kind
 metadata 1 meta.ListMeta ={}
 items 2 []EndpointSlice!
ForNode
 name 1 string! =""
ForZone
 name 1 string! =""
`;
