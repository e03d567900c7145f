/** Deployments and ReplicaSets of apps/v1. Notation: see ../schema/notation.ts. */
export const APPS = `
Deployment kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 DeploymentSpec ={}
 status 3 DeploymentStatus ={}
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
 replicas 1 int32?
 selector 2 meta.LabelSelector!
 template 3 core.PodTemplateSpec! ={}
 strategy 4 DeploymentStrategy ={} patch=retainKeys
 minReadySeconds 5 int32
 revisionHistoryLimit 6 int32?
 paused 7 bool
 progressDeadlineSeconds 9 int32?
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
 type 1 string
 rollingUpdate 2 RollingUpdateDeployment
ReplicaSet kind
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
 replicas 1 int32?
 selector 2 meta.LabelSelector!
 template 3 core.PodTemplateSpec ={}
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
 maxUnavailable 1 intOrString
 maxSurge 2 intOrString
`;
