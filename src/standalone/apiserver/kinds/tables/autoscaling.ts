/** Scale of autoscaling/v1, the body of the scale subresource. Notation: see ../schema/notation.ts. */
export const AUTOSCALING = `
Scale kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 ScaleSpec ={}
 status 3 ScaleStatus ={}
ScaleSpec
 replicas 1 int32 =0
ScaleStatus
 replicas 1 int32! =0
 selector 2 string
`;
