/** Group versions and who serves them: apiregistration.k8s.io/v1. Notation: see ../schema/notation.ts. */
export const APIREGISTRATION = `
APIService kind | A group version that is served.
 metadata 1 meta.ObjectMeta ={}
 spec 2 APIServiceSpec ={}
 status 3 APIServiceStatus ={}
APIServiceCondition
 type 1 string! =""
 status 2 string! =""
 lastTransitionTime 3 time
 reason 4 string
 message 5 string
APIServiceList kind
 metadata 1 meta.ListMeta ={}
 items 2 []APIService!
APIServiceSpec
 service 1 ServiceReference | A Service that serves it; there is no such aggregation here.
 group 2 string | The API group: apps.
 version 3 string | The version: v1.
 insecureSkipTLSVerify 4 bool
 caBundle 5 bytes list=atomic
 groupPriorityMinimum 7 int32! =0 | Clients prefer groups with a higher one.
 versionPriority 8 int32! =0 | Clients prefer versions with a higher one.
APIServiceStatus
 conditions 1 []APIServiceCondition list=map(type) patch=merge(type)
ServiceReference
 namespace 1 string
 name 2 string
 port 3 int32?
`;
