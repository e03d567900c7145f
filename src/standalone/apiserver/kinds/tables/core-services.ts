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
Endpoints kind | Addresses behind a service, in the older form.
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
Service kind | A stable address and name for a set of pods.
 metadata 1 meta.ObjectMeta ={}
 spec 2 ServiceSpec ={} | What is wanted.
 status 3 ServiceStatus ={} | What a load balancer has given it.
ServiceList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Service!
ServicePort
 name 1 string | Name of the port; needed when there are several.
 protocol 2 string ="TCP" | TCP, UDP or SCTP.
 port 3 int32! =0 | Number of the port.
 targetPort 4 intOrString | Port of the pods, by number or by the name of a container's port.
 nodePort 5 int32 | Port of every node that leads here.
 appProtocol 6 string? | What is spoken at the port.
ServiceSpec
 ports 1 []ServicePort list=map(port,protocol) patch=merge(port) | Ports that it offers.
 selector 2 {}string map=atomic | Labels of the pods behind it; without one, someone else writes its endpoints.
 clusterIP 3 string | Its first address in the cluster; None for a headless service.
 type 4 string | ClusterIP, NodePort, LoadBalancer or ExternalName.
 externalIPs 5 []string list=atomic | Further addresses at which the nodes take its traffic.
 sessionAffinity 7 string | ClientIP keeps a client on one pod; None does not.
 loadBalancerIP 8 string | Address asked of the load balancer; old.
 loadBalancerSourceRanges 9 []string list=atomic | Clients that the load balancer lets in.
 externalName 10 string | Name that it is an alias for.
 externalTrafficPolicy 11 string | Cluster sends outside traffic to any pod; Local only to pods on the node that it reached, and keeps the client's address.
 healthCheckNodePort 12 int32 | Port at which nodes say whether they have pods for it.
 publishNotReadyAddresses 13 bool | Whether pods count before they are ready.
 sessionAffinityConfig 14 SessionAffinityConfig | How long affinity holds.
 ipFamilyPolicy 17 string? | SingleStack, PreferDualStack or RequireDualStack.
 clusterIPs 18 []string list=atomic | Its addresses in the cluster, at most one of each family.
 ipFamilies 19 []string list=atomic | Its address families, the first one first.
 allocateLoadBalancerNodePorts 20 bool? | Whether a load balancer gets node ports too.
 loadBalancerClass 21 string? | Which load balancer serves it.
 internalTrafficPolicy 22 string? | Cluster sends inside traffic to any pod; Local only to pods on the client's node.
 trafficDistribution 23 string? | Which of its pods to prefer, by zone or node.
ServiceStatus
 loadBalancer 1 LoadBalancerStatus ={}
 conditions 2 []meta.Condition list=map(type) patch=merge(type)
`;
