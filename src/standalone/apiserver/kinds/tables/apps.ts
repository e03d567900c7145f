/** Deployments and ReplicaSets of apps/v1. Notation: see ../schema/notation.ts. */
export const APPS = `
Deployment kind | Pods of one kind, replaced step by step when their template changes.
 metadata 1 meta.ObjectMeta ={}
 spec 2 DeploymentSpec ={} | What is wanted.
 status 3 DeploymentStatus ={} | What is there.
DeploymentCondition
 type 1 string! =""
 status 2 string! =""
 reason 4 string
 message 5 string
 lastUpdateTime 6 time
 lastTransitionTime 7 time
DeploymentList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Deployment!
DeploymentSpec
 replicas 1 int32? | How many pods are wanted.
 selector 2 meta.LabelSelector! | Which pods belong to it; it cannot change.
 template 3 core.PodTemplateSpec! ={} | What the pods are like.
 strategy 4 DeploymentStrategy ={} patch=retainKeys | How old pods are replaced by new ones.
 minReadySeconds 5 int32 | Seconds that a new pod must be ready before it counts.
 revisionHistoryLimit 6 int32? | How many old templates are kept for a rollback.
 paused 7 bool | Whether changes of the template wait.
 progressDeadlineSeconds 9 int32? | Seconds without progress after which it counts as failed.
DeploymentStatus
 observedGeneration 1 int64
 replicas 2 int32
 updatedReplicas 3 int32
 availableReplicas 4 int32
 unavailableReplicas 5 int32
 conditions 6 []DeploymentCondition list=map(type) patch=merge(type)
 readyReplicas 7 int32
 collisionCount 8 int32?
 terminatingReplicas 9 int32?
DeploymentStrategy
 type 1 string | RollingUpdate or Recreate.
 rollingUpdate 2 RollingUpdateDeployment | How many pods may be missing or too many.
ReplicaSet kind | A number of pods of one kind.
 metadata 1 meta.ObjectMeta ={}
 spec 2 ReplicaSetSpec ={}
 status 3 ReplicaSetStatus ={}
ReplicaSetCondition
 type 1 string! =""
 status 2 string! =""
 lastTransitionTime 3 time
 reason 4 string
 message 5 string
ReplicaSetList kind
 metadata 1 meta.ListMeta ={}
 items 2 []ReplicaSet!
ReplicaSetSpec
 replicas 1 int32? | How many pods are wanted.
 selector 2 meta.LabelSelector! | Which pods belong to it; it cannot change.
 template 3 core.PodTemplateSpec ={} | What the pods are like.
 minReadySeconds 4 int32
ReplicaSetStatus
 replicas 1 int32! =0
 fullyLabeledReplicas 2 int32
 observedGeneration 3 int64
 readyReplicas 4 int32
 availableReplicas 5 int32
 conditions 6 []ReplicaSetCondition list=map(type) patch=merge(type)
 terminatingReplicas 7 int32?
RollingUpdateDeployment
 maxUnavailable 1 intOrString | How many pods, or what share, may be missing.
 maxSurge 2 intOrString | How many pods, or what share, may be too many.
`;
