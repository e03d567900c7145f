/** Eviction of policy/v1. Notation: see ../schema/notation.ts. */
export const POLICY = `
Eviction kind
 metadata 1 meta.ObjectMeta ={}
 deleteOptions 2 meta.DeleteOptions
`;
