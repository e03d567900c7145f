/** Nodes of core/v1. Notation: see ../schema/notation.ts. */
export const CORE_NODES = `
AttachedVolume
 name 1 string! =""
 devicePath 2 string! =""
ContainerImage
 names 1 []string list=atomic
 sizeBytes 2 int64
ImageVolumeStatus
 imageRef 1 string!
Node kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 NodeSpec ={}
 status 3 NodeStatus ={}
NodeAddress
 type 1 string! =""
 address 2 string! =""
NodeAllocatableResourceClaimStatus
 resourceClaimName 1 string! =""
 containers 2 []string list=set
 resources 3 {}quantity!
NodeCondition
 type 1 string! =""
 status 2 string! =""
 lastHeartbeatTime 3 time
 lastTransitionTime 4 time
 reason 5 string
 message 6 string
NodeConfigSource
 configMap 2 ConfigMapNodeConfigSource
NodeConfigStatus
 assigned 1 NodeConfigSource
 active 2 NodeConfigSource
 lastKnownGood 3 NodeConfigSource
 error 4 string
NodeDaemonEndpoints
 kubeletEndpoint 1 DaemonEndpoint ={}
NodeFeatures
 supplementalGroupsPolicy 1 bool?
NodeList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Node!
NodeRuntimeHandler
 name 1 string always =""
 features 2 NodeRuntimeHandlerFeatures
NodeRuntimeHandlerFeatures
 recursiveReadOnlyMounts 1 bool?
 userNamespaces 2 bool?
NodeSpec
 podCIDR 1 string
 externalID 2 string
 providerID 3 string
 unschedulable 4 bool
 taints 5 []Taint list=atomic
 configSource 6 NodeConfigSource
 podCIDRs 7 []string list=set patch=merge
NodeStatus
 capacity 1 {}quantity
 allocatable 2 {}quantity
 phase 3 string
 conditions 4 []NodeCondition list=map(type) patch=merge(type)
 addresses 5 []NodeAddress list=map(type) patch=merge(type)
 daemonEndpoints 6 NodeDaemonEndpoints ={}
 nodeInfo 7 NodeSystemInfo ={}
 images 8 []ContainerImage list=atomic
 volumesInUse 9 []string list=atomic
 volumesAttached 10 []AttachedVolume list=atomic
 config 11 NodeConfigStatus
 runtimeHandlers 12 []NodeRuntimeHandler list=atomic
 features 13 NodeFeatures
 declaredFeatures 14 []string list=atomic
NodeSwapStatus
 capacity 1 int64?
NodeSystemInfo
 machineID 1 string! =""
 systemUUID 2 string! =""
 bootID 3 string! =""
 kernelVersion 4 string! =""
 osImage 5 string! =""
 containerRuntimeVersion 6 string! =""
 kubeletVersion 7 string! =""
 kubeProxyVersion 8 string! =""
 operatingSystem 9 string! =""
 architecture 10 string! =""
 swap 11 NodeSwapStatus
`;
