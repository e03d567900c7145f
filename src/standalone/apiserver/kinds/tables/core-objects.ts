/** Namespaces, configuration, accounts, events and references of core/v1. Notation: see ../schema/notation.ts. */
export const CORE_OBJECTS = `
Binding kind
 metadata 1 meta.ObjectMeta ={}
 target 2 ObjectReference! ={}
ConfigMap kind | Configuration for pods, as texts or bytes by key.
 metadata 1 meta.ObjectMeta ={}
 data 2 {}string | Texts by key.
 binaryData 3 {}bytes | Bytes by key, in base64. A key stands here or in data, not in both.
 immutable 4 bool? | When true, the contents never change again.
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
Event kind | Something that happened to an object.
 metadata 1 meta.ObjectMeta! ={}
 involvedObject 2 ObjectReference! ={} | What it is about.
 reason 3 string | Why it happened, in one word.
 message 4 string | What happened, for people.
 source 5 EventSource ={} | Who reports it.
 firstTimestamp 6 time | When it happened first.
 lastTimestamp 7 time | When it happened last.
 count 8 int32 | How often it has happened.
 type 9 string | Normal or Warning.
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
 name 1 string ="" | Name of an object in the same namespace.
Namespace kind | A scope for names: most objects are in one.
 metadata 1 meta.ObjectMeta ={}
 spec 2 NamespaceSpec ={} | What is wanted.
 status 3 NamespaceStatus ={} | Whether it is in use or on its way out.
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
 finalizers 1 []string list=atomic | What must be cleaned up before it is gone.
NamespaceStatus
 phase 1 string | Active or Terminating.
 conditions 2 []NamespaceCondition list=map(type) patch=merge(type)
ObjectReference atomic
 kind 1 string
 namespace 2 string
 name 3 string
 uid 4 string
 apiVersion 5 string
 resourceVersion 6 string
 fieldPath 7 string
Secret kind | Configuration that few should see, as bytes by key.
 metadata 1 meta.ObjectMeta ={}
 data 2 {}bytes | Bytes by key, in base64.
 type 3 string | What the contents are for; tells which keys must be there.
 stringData 4 {}string | Texts by key; written only: the server encodes them into data.
 immutable 5 bool? | When true, the contents never change again.
SecretList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Secret!
ServiceAccount kind | An identity for pods.
 metadata 1 meta.ObjectMeta ={}
 secrets 2 []ObjectReference list=map(name) patch=merge(name)
 imagePullSecrets 3 []LocalObjectReference list=atomic | Secrets for pulling the images of its pods.
 automountServiceAccountToken 4 bool? | Whether its pods get a token mounted.
ServiceAccountList kind
 metadata 1 meta.ListMeta ={}
 items 2 []ServiceAccount!
VolumeStatus
 image 1 ImageVolumeStatus
`;
