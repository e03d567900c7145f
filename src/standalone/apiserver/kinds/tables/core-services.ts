/** Services and Endpoints of core/v1. Notation: see ../schema/notation.ts. */
export const CORE_SERVICES = `
ClientIPConfig
 timeoutSeconds 1 int32?
EndpointAddress atomic
 ip 1 string! =""
 targetRef 2 ObjectReference
 hostname 3 string
 nodeName 4 string?
EndpointPort atomic
 name 1 string
 port 2 int32! =0
 protocol 3 string
 appProtocol 4 string?
EndpointSubset
 addresses 1 []EndpointAddress list=atomic
 notReadyAddresses 2 []EndpointAddress list=atomic
 ports 3 []EndpointPort list=atomic
Endpoints kind
 metadata 1 meta.ObjectMeta ={}
 subsets 2 []EndpointSubset list=atomic
EndpointsList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Endpoints!
LoadBalancerIngress
 ip 1 string
 hostname 2 string
 ipMode 3 string?
 ports 4 []PortStatus list=atomic
LoadBalancerStatus
 ingress 1 []LoadBalancerIngress list=atomic
PortStatus
 port 1 int32! =0
 protocol 2 string! =""
 error 3 string?
Service kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 ServiceSpec ={}
 status 3 ServiceStatus ={}
ServiceList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Service!
ServicePort
 name 1 string
 protocol 2 string ="TCP"
 port 3 int32! =0
 targetPort 4 intOrString
 nodePort 5 int32
 appProtocol 6 string?
ServiceSpec
 ports 1 []ServicePort list=map(port,protocol) patch=merge(port)
 selector 2 {}string map=atomic
 clusterIP 3 string
 type 4 string
 externalIPs 5 []string list=atomic
 sessionAffinity 7 string
 loadBalancerIP 8 string
 loadBalancerSourceRanges 9 []string list=atomic
 externalName 10 string
 externalTrafficPolicy 11 string
 healthCheckNodePort 12 int32
 publishNotReadyAddresses 13 bool
 sessionAffinityConfig 14 SessionAffinityConfig
 ipFamilyPolicy 17 string?
 clusterIPs 18 []string list=atomic
 ipFamilies 19 []string list=atomic
 allocateLoadBalancerNodePorts 20 bool?
 loadBalancerClass 21 string?
 internalTrafficPolicy 22 string?
 trafficDistribution 23 string?
ServiceStatus
 loadBalancer 1 LoadBalancerStatus ={}
 conditions 2 []meta.Condition list=map(type) patch=merge(type)
`;
