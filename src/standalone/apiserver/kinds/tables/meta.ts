/** What all groups share: meta/v1. Notation: see ../schema/notation.ts. */
export const META = `
APIResource
 name 1 string! =""
 namespaced 2 bool! =false
 kind 3 string! =""
 verbs 4 []string!
 shortNames 5 []string list=atomic
 singularName 6 string! =""
 categories 7 []string list=atomic
 group 8 string
 version 9 string
 storageVersionHash 10 string
APIResourceList kind
 groupVersion 1 string! =""
 resources 2 []APIResource! list=atomic
Condition
 type 1 string! =""
 status 2 string! =""
 observedGeneration 3 int64
 lastTransitionTime 4 time!
 reason 5 string! =""
 message 6 string! =""
DeleteOptions kind=every
 gracePeriodSeconds 1 int64?
 preconditions 2 Preconditions
 orphanDependents 3 bool?
 propagationPolicy 4 string?
 dryRun 5 []string list=atomic
 ignoreStoreReadErrorWithClusterBreakingPotential 6 bool?
FieldSelectorRequirement
 key 1 string! =""
 operator 2 string! =""
 values 3 []string list=atomic
LabelSelector atomic
 matchLabels 1 {}string | Labels that must be there with these values.
 matchExpressions 2 []LabelSelectorRequirement list=atomic | Further requirements; all must hold.
LabelSelectorRequirement
 key 1 string! ="" | Key of the label.
 operator 2 string! ="" | In, NotIn, Exists or DoesNotExist.
 values 3 []string list=atomic | Values for In and NotIn.
ListMeta
 selfLink 1 string
 resourceVersion 2 string
 continue 3 string
 remainingItemCount 4 int64?
 shardInfo 5 ShardInfo
ManagedFieldsEntry
 manager 1 string
 operation 2 string
 apiVersion 3 string
 time 4 time
 fieldsType 6 string
 fieldsV1 7 fieldsV1
 subresource 8 string
ObjectMeta
 name 1 string | Name of the object, unique in its namespace; it cannot change.
 generateName 2 string | Beginning of a name that the server completes.
 namespace 3 string | Namespace that it is in.
 selfLink 4 string
 uid 5 string | What tells it from all others, also of the same name.
 resourceVersion 6 string | Changes with every change; opaque.
 generation 7 int64 | Counts changes of what is wanted.
 creationTimestamp 8 time | When it was created.
 deletionTimestamp 9 time | When it is to be gone, once deletion was asked for.
 deletionGracePeriodSeconds 10 int64? | Seconds that it was given to end.
 labels 11 {}string | Keys and values to select it by.
 annotations 12 {}string | Keys and values for whatever else is to be noted.
 ownerReferences 13 []OwnerReference list=map(uid) patch=merge(uid) | Objects that it belongs to; it goes when they all are gone.
 finalizers 14 []string list=set patch=merge | What must be done before it is gone.
 managedFields 17 []ManagedFieldsEntry list=atomic | Who set which field.
OwnerReference atomic
 kind 1 string! =""
 name 3 string! =""
 uid 4 string! =""
 apiVersion 5 string! =""
 controller 6 bool?
 blockOwnerDeletion 7 bool?
Preconditions
 uid 1 string?
 resourceVersion 2 string?
ShardInfo
 selector 1 string! =""
Status kind
 metadata 1 ListMeta ={}
 status 2 string
 message 3 string
 reason 4 string
 details 5 StatusDetails
 code 6 int32
StatusCause
 reason 1 string
 message 2 string
 field 3 string
StatusDetails
 name 1 string
 group 2 string
 kind 3 string
 causes 4 []StatusCause list=atomic
 retryAfterSeconds 5 int32
 uid 6 string
WatchEvent kind=every bare
 type 1 string! =""
 object 2 raw!
`;
