/** Pods of core/v1. Notation: see ../schema/notation.ts. */
export const CORE_PODS = `
HostAlias
 ip 1 string! ="" | The address.
 hostnames 2 []string list=atomic | Its names.
HostIP
 ip 1 string! =""
Pod kind | Containers that share a network and volumes, and run on one node.
 metadata 1 meta.ObjectMeta ={} | Name, namespace, labels and more.
 spec 2 PodSpec ={} | What is wanted.
 status 3 PodStatus ={} | What is there.
PodCondition
 type 1 string! =""
 status 2 string! =""
 lastProbeTime 3 time
 lastTransitionTime 4 time
 reason 5 string
 message 6 string
 observedGeneration 7 int64
PodDNSConfig
 nameservers 1 []string list=atomic | Addresses of name servers.
 searches 2 []string list=atomic | Domains in which short names are looked up.
 options 3 []PodDNSConfigOption list=atomic | Options for the resolver.
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
 volumes 1 []Volume list=map(name) patch=merge,retainKeys(name) | Volumes that its containers may mount.
 containers 2 []Container! list=map(name) patch=merge(name) | The containers that make up the pod; at least one.
 restartPolicy 3 string | What happens when a container ends: Always, OnFailure or Never.
 terminationGracePeriodSeconds 4 int64? | Seconds between the signal to end and the kill.
 activeDeadlineSeconds 5 int64? | Seconds after which the pod is ended.
 dnsPolicy 6 string | Where names are resolved: ClusterFirst, ClusterFirstWithHostNet, Default or None.
 nodeSelector 7 {}string map=atomic | Labels that the node must have.
 serviceAccountName 8 string | Identity that the pod runs as.
 serviceAccount 9 string | Old name of serviceAccountName.
 nodeName 10 string | Node that the pod runs on; set by the scheduler.
 hostNetwork 11 bool | Whether it uses the node's network instead of its own.
 hostPID 12 bool | Whether it sees the node's processes.
 hostIPC 13 bool | Whether it shares the node's IPC namespace.
 securityContext 14 PodSecurityContext | User, groups and more for all containers.
 imagePullSecrets 15 []LocalObjectReference list=map(name) patch=merge(name) | Secrets for pulling images.
 hostname 16 string | Host name of the pod; else its name.
 subdomain 17 string | With it the pod has the name hostname.subdomain.namespace.svc and the cluster's domain.
 affinity 18 Affinity | Rules about the node, and about pods near by.
 schedulerName 19 string | Which scheduler places it.
 initContainers 20 []Container list=map(name) patch=merge(name) | Containers that run one after the other before the rest starts; with restartPolicy Always they keep running beside it.
 automountServiceAccountToken 21 bool? | Whether the account's token is mounted.
 tolerations 22 []Toleration list=atomic | Taints of nodes that do not keep it away.
 hostAliases 23 []HostAlias list=map(ip) patch=merge(ip) | Lines for the pod's hosts file.
 priorityClassName 24 string | Name of its priority class.
 priority 25 int32? | Its priority; the higher goes first.
 dnsConfig 26 PodDNSConfig | Name servers, search domains and options beyond the policy.
 shareProcessNamespace 27 bool? | Whether its containers see each other's processes.
 readinessGates 28 []PodReadinessGate list=atomic | Conditions, beyond its containers, without which it is not ready.
 runtimeClassName 29 string? | Runtime that its containers run on.
 enableServiceLinks 30 bool? | Whether services show up as environment variables.
 preemptionPolicy 31 string? | Whether it may displace pods of lower priority.
 overhead 32 {}quantity | What running the pod itself costs.
 topologySpreadConstraints 33 []TopologySpreadConstraint list=map(topologyKey,whenUnsatisfiable) patch=merge(topologyKey) | How its kind is spread over zones or nodes.
 ephemeralContainers 34 []EphemeralContainer list=map(name) patch=merge(name) | Containers that were added for debugging.
 setHostnameAsFQDN 35 bool?
 os 36 PodOS
 hostUsers 37 bool?
 schedulingGates 38 []PodSchedulingGate list=map(name) patch=merge(name) | Reasons to wait with placing it.
 resourceClaims 39 []PodResourceClaim list=map(name) patch=merge,retainKeys(name)
 resources 40 ResourceRequirements
 hostnameOverride 41 string?
 schedulingGroup 43 PodSchedulingGroup
PodStatus
 phase 1 string | Pending, Running, Succeeded, Failed or Unknown.
 conditions 2 []PodCondition list=map(type) patch=merge(type) | What is true of the pod: PodScheduled, Initialized, ContainersReady, Ready.
 message 3 string | Why it is in this state, for people.
 reason 4 string | Why it is in this state, in one word.
 hostIP 5 string | Address of its node.
 podIP 6 string | Its first address.
 startTime 7 time | When its node took it over.
 containerStatuses 8 []ContainerStatus list=atomic | What its containers do.
 qosClass 9 string | Guaranteed, Burstable or BestEffort, by its requests and limits.
 initContainerStatuses 10 []ContainerStatus list=atomic | What its init containers do.
 nominatedNodeName 11 string
 podIPs 12 []PodIP list=map(ip) patch=merge(ip) | Its addresses, at most one of each family.
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
