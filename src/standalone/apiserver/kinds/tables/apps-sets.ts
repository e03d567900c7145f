/** StatefulSets, DaemonSets and their history, of apps/v1. Notation: see ../schema/notation.ts. */
export const APPS_SETS = `
ControllerRevision kind | One state of the template of a StatefulSet or DaemonSet.
 metadata 1 meta.ObjectMeta ={}
 data 2 raw | The state.
 revision 3 int64! =0 | Counts the states.
ControllerRevisionList kind
 metadata 1 meta.ListMeta ={}
 items 2 []ControllerRevision!
DaemonSet kind | One pod on each node that is selected.
 metadata 1 meta.ObjectMeta ={}
 spec 2 DaemonSetSpec ={} | What is wanted.
 status 3 DaemonSetStatus ={} | What is there.
DaemonSetCondition
 type 1 string! =""
 status 2 string! =""
 lastTransitionTime 3 time
 reason 4 string
 message 5 string
DaemonSetList kind
 metadata 1 meta.ListMeta ={}
 items 2 []DaemonSet!
DaemonSetSpec
 selector 1 meta.LabelSelector! | Which pods belong to it.
 template 2 core.PodTemplateSpec! ={} | What the pods are like.
 updateStrategy 3 DaemonSetUpdateStrategy ={} | RollingUpdate or OnDelete.
 minReadySeconds 4 int32
 revisionHistoryLimit 6 int32?
DaemonSetStatus
 currentNumberScheduled 1 int32! =0
 numberMisscheduled 2 int32! =0
 desiredNumberScheduled 3 int32! =0
 numberReady 4 int32! =0
 observedGeneration 5 int64 | The generation that the status speaks of.
 updatedNumberScheduled 6 int32
 numberAvailable 7 int32
 numberUnavailable 8 int32
 collisionCount 9 int32?
 conditions 10 []DaemonSetCondition list=map(type) patch=merge(type) | What is known of its state, one entry a type.
DaemonSetUpdateStrategy
 type 1 string
 rollingUpdate 2 RollingUpdateDaemonSet
RollingUpdateDaemonSet
 maxUnavailable 1 intOrString
 maxSurge 2 intOrString
RollingUpdateStatefulSetStrategy
 partition 1 int32?
 maxUnavailable 2 intOrString
StatefulSet kind | Pods of one kind with names, order and storage of their own.
 metadata 1 meta.ObjectMeta ={}
 spec 2 StatefulSetSpec ={} | What is wanted.
 status 3 StatefulSetStatus ={} | What is there.
StatefulSetCondition
 type 1 string! =""
 status 2 string! =""
 lastTransitionTime 3 time
 reason 4 string
 message 5 string
StatefulSetList kind
 metadata 1 meta.ListMeta ={}
 items 2 []StatefulSet!
StatefulSetOrdinals
 start 1 int32 =0 | The number of the first pod.
StatefulSetPersistentVolumeClaimRetentionPolicy
 whenDeleted 1 string
 whenScaled 2 string
StatefulSetSpec
 replicas 1 int32? | How many pods.
 selector 2 meta.LabelSelector! | Which pods belong to it.
 template 3 core.PodTemplateSpec! ={} | What the pods are like.
 volumeClaimTemplates 4 []core.PersistentVolumeClaim list=atomic | Claims that each pod gets; there is no storage here to satisfy them.
 serviceName 5 string ="" | The headless Service that gives the pods their names.
 podManagementPolicy 6 string | OrderedReady or Parallel.
 updateStrategy 7 StatefulSetUpdateStrategy ={} | RollingUpdate or OnDelete.
 revisionHistoryLimit 8 int32?
 minReadySeconds 9 int32
 persistentVolumeClaimRetentionPolicy 10 StatefulSetPersistentVolumeClaimRetentionPolicy
 ordinals 11 StatefulSetOrdinals
StatefulSetStatus
 observedGeneration 1 int64 | The generation that the status speaks of.
 replicas 2 int32! =0 | How many pods.
 readyReplicas 3 int32
 currentReplicas 4 int32
 updatedReplicas 5 int32
 currentRevision 6 string
 updateRevision 7 string
 collisionCount 9 int32?
 conditions 10 []StatefulSetCondition list=map(type) patch=merge(type) | What is known of its state, one entry a type.
 availableReplicas 11 int32 always =0
StatefulSetUpdateStrategy
 type 1 string
 rollingUpdate 2 RollingUpdateStatefulSetStrategy
`;
