/** PriorityClasses of scheduling.k8s.io/v1. Notation: see ../schema/notation.ts. */
export const SCHEDULING = `
PriorityClass kind | How important pods are.
 metadata 1 meta.ObjectMeta ={}
 value 2 int32 =0 | The higher, the more important.
 globalDefault 3 bool | Whether pods that name none have this one.
 description 4 string
 preemptionPolicy 5 string?
PriorityClassList kind
 metadata 1 meta.ListMeta ={}
 items 2 []PriorityClass!
`;
