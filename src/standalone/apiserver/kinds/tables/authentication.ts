/** Tokens of authentication.k8s.io/v1. Notation: see ../schema/notation.ts. */
export const AUTHENTICATION = `
BoundObjectReference
 kind 1 string
 apiVersion 2 string
 name 3 string
 uid 4 string
TokenRequest kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 TokenRequestSpec ={}
 status 3 TokenRequestStatus ={}
TokenRequestSpec
 audiences 1 []string list=atomic
 boundObjectRef 3 BoundObjectReference
 expirationSeconds 4 int64?
TokenRequestStatus
 token 1 string always =""
 expirationTimestamp 2 time
`;
