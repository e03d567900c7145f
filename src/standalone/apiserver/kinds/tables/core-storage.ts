/** Claims that a pod template may carry, of core/v1. Notation: see ../schema/notation.ts. */
export const CORE_STORAGE = `
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
