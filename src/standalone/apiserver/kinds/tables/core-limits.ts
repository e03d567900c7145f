/** Limits of namespaces, of core/v1. Notation: see ../schema/notation.ts. */
export const CORE_LIMITS = `
LimitRange kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 LimitRangeSpec ={}
LimitRangeItem
 type 1 string! =""
 max 2 {}quantity
 min 3 {}quantity
 default 4 {}quantity
 defaultRequest 5 {}quantity
 maxLimitRequestRatio 6 {}quantity
LimitRangeList kind
 metadata 1 meta.ListMeta ={}
 items 2 []LimitRange!
LimitRangeSpec
 limits 1 []LimitRangeItem! list=atomic
ResourceQuota kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 ResourceQuotaSpec ={}
 status 3 ResourceQuotaStatus ={}
ResourceQuotaList kind
 metadata 1 meta.ListMeta ={}
 items 2 []ResourceQuota!
ResourceQuotaSpec
 hard 1 {}quantity
 scopes 2 []string list=atomic
 scopeSelector 3 ScopeSelector
ResourceQuotaStatus
 hard 1 {}quantity
 used 2 {}quantity
ScopeSelector atomic
 matchExpressions 1 []ScopedResourceSelectorRequirement list=atomic
ScopedResourceSelectorRequirement
 scopeName 1 string! =""
 operator 2 string! =""
 values 3 []string list=atomic
`;
