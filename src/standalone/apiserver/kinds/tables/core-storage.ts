/** Claims that a pod template may carry, of core/v1. Notation: see ../schema/notation.ts. */
export const CORE_STORAGE = `
ModifyVolumeStatus
 targetVolumeAttributesClassName 1 string
 status 2 string! =""
PersistentVolumeClaim kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 PersistentVolumeClaimSpec ={}
 status 3 PersistentVolumeClaimStatus ={}
PersistentVolumeClaimCondition
 type 1 string! =""
 status 2 string! =""
 lastProbeTime 3 time
 lastTransitionTime 4 time
 reason 5 string
 message 6 string
PersistentVolumeClaimList kind
 metadata 1 meta.ListMeta ={}
 items 2 []PersistentVolumeClaim!
PersistentVolumeClaimSpec
 accessModes 1 []string list=atomic
 resources 2 VolumeResourceRequirements ={}
 volumeName 3 string
 selector 4 meta.LabelSelector
 storageClassName 5 string?
 volumeMode 6 string?
 dataSource 7 TypedLocalObjectReference
 dataSourceRef 8 TypedObjectReference
 volumeAttributesClassName 9 string?
PersistentVolumeClaimStatus
 phase 1 string
 accessModes 2 []string list=atomic
 capacity 3 {}quantity
 conditions 4 []PersistentVolumeClaimCondition list=map(type) patch=merge(type)
 allocatedResources 5 {}quantity
 allocatedResourceStatuses 7 {}string map=granular
 currentVolumeAttributesClassName 8 string?
 modifyVolumeStatus 9 ModifyVolumeStatus
PersistentVolumeClaimTemplate
 metadata 1 meta.ObjectMeta ={}
 spec 2 PersistentVolumeClaimSpec! ={}
PersistentVolumeClaimVolumeSource
 claimName 1 string! =""
 readOnly 2 bool
TypedLocalObjectReference atomic
 apiGroup 1 string?
 kind 2 string! =""
 name 3 string! =""
TypedObjectReference
 apiGroup 1 string?
 kind 2 string! =""
 name 3 string! =""
 namespace 4 string?
VolumeResourceRequirements
 limits 1 {}quantity
 requests 2 {}quantity
`;
