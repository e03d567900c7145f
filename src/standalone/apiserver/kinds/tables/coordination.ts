/** Leases of coordination.k8s.io/v1. Notation: see ../schema/notation.ts. */
export const COORDINATION = `
Lease kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 LeaseSpec ={}
LeaseList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Lease!
LeaseSpec
 holderIdentity 1 string?
 leaseDurationSeconds 2 int32?
 acquireTime 3 microTime
 renewTime 4 microTime
 leaseTransitions 5 int32?
 strategy 6 string?
 preferredHolder 7 string?
`;
