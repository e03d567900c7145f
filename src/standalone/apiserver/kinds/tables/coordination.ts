/** Leases of coordination.k8s.io/v1. Notation: see ../schema/notation.ts. */
export const COORDINATION = `
Lease kind | Who leads, and until when.
 metadata 1 meta.ObjectMeta ={}
 spec 2 LeaseSpec ={}
LeaseList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Lease!
LeaseSpec
 holderIdentity 1 string? | Who holds it.
 leaseDurationSeconds 2 int32? | Seconds after renewTime at which others may take it.
 acquireTime 3 microTime | When the holder took it.
 renewTime 4 microTime | When the holder renewed it last.
 leaseTransitions 5 int32? | How often it has changed hands.
 strategy 6 string?
 preferredHolder 7 string?
`;
