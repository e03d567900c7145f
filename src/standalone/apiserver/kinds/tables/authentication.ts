/** Tokens of authentication.k8s.io/v1. Notation: see ../schema/notation.ts. */
export const AUTHENTICATION = `
BoundObjectReference
 kind 1 string
 apiVersion 2 string
 name 3 string
 uid 4 string
SelfSubjectReview kind | Who the server takes the asker for.
 metadata 1 meta.ObjectMeta ={}
 status 2 SelfSubjectReviewStatus ={}
SelfSubjectReviewStatus
 userInfo 1 UserInfo ={}
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
TokenReview kind | Whose token it is.
 metadata 1 meta.ObjectMeta ={}
 spec 2 TokenReviewSpec! ={}
 status 3 TokenReviewStatus ={}
TokenReviewSpec
 token 1 string!
 audiences 2 []string list=atomic
TokenReviewStatus
 authenticated 1 bool
 user 2 UserInfo ={}
 error 3 string
 audiences 4 []string list=atomic
UserInfo
 username 1 string
 uid 2 string
 groups 3 []string list=atomic
 extra 4 {}[]string
`;
