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
Node kind | A machine that runs pods.
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
 podCIDR 1 string | First prefix that its pods' addresses are from.
 externalID 2 string
 providerID 3 string
 unschedulable 4 bool | Whether it takes no new pods.
 taints 5 []Taint list=atomic | What keeps pods away that do not tolerate it.
 configSource 6 NodeConfigSource
 podCIDRs 7 []string list=set patch=merge | Prefixes that its pods' addresses are from, at most one of each family.
NodeStatus
 capacity 1 {}quantity | What it has.
 allocatable 2 {}quantity | What pods may use of it.
 phase 3 string
 conditions 4 []NodeCondition list=map(type) patch=merge(type) | What is true of the node: Ready, MemoryPressure, DiskPressure, PIDPressure.
 addresses 5 []NodeAddress list=map(type) patch=merge(type) | Its addresses and names.
 daemonEndpoints 6 NodeDaemonEndpoints ={}
 nodeInfo 7 NodeSystemInfo ={} | Its kernel, system and versions.
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
