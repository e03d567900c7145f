/** Namespaces, configuration, accounts, events and references of core/v1. Notation: see ../schema/notation.ts. */
export const CORE_OBJECTS = `
Binding kind
 metadata 1 meta.ObjectMeta ={}
 target 2 ObjectReference! ={}
ConfigMap kind
 metadata 1 meta.ObjectMeta ={}
 data 2 {}string
 binaryData 3 {}bytes
 immutable 4 bool?
ConfigMapList kind
 metadata 1 meta.ListMeta ={}
 items 2 []ConfigMap!
ConfigMapNodeConfigSource
 namespace 1 string! =""
 name 2 string! =""
 uid 3 string
 resourceVersion 4 string
 kubeletConfigKey 5 string! =""
DaemonEndpoint
 Port 1 int32! =0
Event kind
 metadata 1 meta.ObjectMeta! ={}
 involvedObject 2 ObjectReference! ={}
 reason 3 string
 message 4 string
 source 5 EventSource ={}
 firstTimestamp 6 time
 lastTimestamp 7 time
 count 8 int32
 type 9 string
 eventTime 10 microTime
 series 11 EventSeries
 action 12 string
 related 13 ObjectReference
 reportingComponent 14 string always =""
 reportingInstance 15 string always =""
EventList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Event!
EventSeries
 count 1 int32
 lastObservedTime 2 microTime
EventSource
 component 1 string
 host 2 string
LinuxContainerUser
 uid 1 int64! =0
 gid 2 int64! =0
 supplementalGroups 3 []int64 list=atomic
LocalObjectReference atomic
 name 1 string =""
Namespace kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 NamespaceSpec ={}
 status 3 NamespaceStatus ={}
NamespaceCondition
 type 1 string! =""
 status 2 string! =""
 lastTransitionTime 4 time
 reason 5 string
 message 6 string
NamespaceList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Namespace!
NamespaceSpec
 finalizers 1 []string list=atomic
NamespaceStatus
 phase 1 string
 conditions 2 []NamespaceCondition list=map(type) patch=merge(type)
ObjectReference atomic
 kind 1 string
 namespace 2 string
 name 3 string
 uid 4 string
 apiVersion 5 string
 resourceVersion 6 string
 fieldPath 7 string
Secret kind
 metadata 1 meta.ObjectMeta ={}
 data 2 {}bytes
 type 3 string
 stringData 4 {}string
 immutable 5 bool?
SecretList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Secret!
ServiceAccount kind
 metadata 1 meta.ObjectMeta ={}
 secrets 2 []ObjectReference list=map(name) patch=merge(name)
 imagePullSecrets 3 []LocalObjectReference list=atomic
 automountServiceAccountToken 4 bool?
ServiceAccountList kind
 metadata 1 meta.ListMeta ={}
 items 2 []ServiceAccount!
VolumeStatus
 image 1 ImageVolumeStatus
`;
