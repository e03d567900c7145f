/** Pods of core/v1. Notation: see ../schema/notation.ts. */
export const CORE_PODS = `
HostAlias
 ip 1 string! =""
 hostnames 2 []string list=atomic
HostIP
 ip 1 string! =""
Pod kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 PodSpec ={}
 status 3 PodStatus ={}
PodCondition
 type 1 string! =""
 status 2 string! =""
 lastProbeTime 3 time
 lastTransitionTime 4 time
 reason 5 string
 message 6 string
 observedGeneration 7 int64
PodDNSConfig
 nameservers 1 []string list=atomic
 searches 2 []string list=atomic
 options 3 []PodDNSConfigOption list=atomic
PodDNSConfigOption
 name 1 string
 value 2 string?
PodExtendedResourceClaimStatus
 requestMappings 1 []ContainerExtendedResourceRequest! list=atomic
 resourceClaimName 2 string! =""
PodIP
 ip 1 string! =""
PodList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Pod!
PodOS
 name 1 string! =""
PodReadinessGate
 conditionType 1 string! =""
PodResourceClaim
 name 1 string! =""
 resourceClaimName 3 string?
 resourceClaimTemplateName 4 string?
PodResourceClaimStatus
 name 1 string! =""
 resourceClaimName 2 string?
PodSpec
 volumes 1 []Volume list=map(name) patch=merge,retainKeys(name)
 containers 2 []Container! list=map(name) patch=merge(name)
 restartPolicy 3 string
 terminationGracePeriodSeconds 4 int64?
 activeDeadlineSeconds 5 int64?
 dnsPolicy 6 string
 nodeSelector 7 {}string map=atomic
 serviceAccountName 8 string
 serviceAccount 9 string
 nodeName 10 string
 hostNetwork 11 bool
 hostPID 12 bool
 hostIPC 13 bool
 securityContext 14 PodSecurityContext
 imagePullSecrets 15 []LocalObjectReference list=map(name) patch=merge(name)
 hostname 16 string
 subdomain 17 string
 affinity 18 Affinity
 schedulerName 19 string
 initContainers 20 []Container list=map(name) patch=merge(name)
 automountServiceAccountToken 21 bool?
 tolerations 22 []Toleration list=atomic
 hostAliases 23 []HostAlias list=map(ip) patch=merge(ip)
 priorityClassName 24 string
 priority 25 int32?
 dnsConfig 26 PodDNSConfig
 shareProcessNamespace 27 bool?
 readinessGates 28 []PodReadinessGate list=atomic
 runtimeClassName 29 string?
 enableServiceLinks 30 bool?
 preemptionPolicy 31 string?
 overhead 32 {}quantity
 topologySpreadConstraints 33 []TopologySpreadConstraint list=map(topologyKey,whenUnsatisfiable) patch=merge(topologyKey)
 ephemeralContainers 34 []EphemeralContainer list=map(name) patch=merge(name)
 setHostnameAsFQDN 35 bool?
 os 36 PodOS
 hostUsers 37 bool?
 schedulingGates 38 []PodSchedulingGate list=map(name) patch=merge(name)
 resourceClaims 39 []PodResourceClaim list=map(name) patch=merge,retainKeys(name)
 resources 40 ResourceRequirements
 hostnameOverride 41 string?
 schedulingGroup 43 PodSchedulingGroup
PodStatus
 phase 1 string
 conditions 2 []PodCondition list=map(type) patch=merge(type)
 message 3 string
 reason 4 string
 hostIP 5 string
 podIP 6 string
 startTime 7 time
 containerStatuses 8 []ContainerStatus list=atomic
 qosClass 9 string
 initContainerStatuses 10 []ContainerStatus list=atomic
 nominatedNodeName 11 string
 podIPs 12 []PodIP list=map(ip) patch=merge(ip)
 ephemeralContainerStatuses 13 []ContainerStatus list=atomic
 resize 14 string
 resourceClaimStatuses 15 []PodResourceClaimStatus list=map(name) patch=merge,retainKeys(name)
 hostIPs 16 []HostIP list=atomic patch=merge(ip)
 observedGeneration 17 int64
 extendedResourceClaimStatus 18 PodExtendedResourceClaimStatus
 allocatedResources 19 {}quantity
 resources 20 ResourceRequirements
 nodeAllocatableResourceClaimStatuses 21 []NodeAllocatableResourceClaimStatus list=atomic
PodTemplateSpec
 metadata 1 meta.ObjectMeta ={}
 spec 2 PodSpec ={}
`;
