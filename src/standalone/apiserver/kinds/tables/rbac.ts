/** Roles and bindings of rbac.authorization.k8s.io/v1. Notation: see ../schema/notation.ts. */
export const RBAC = `
AggregationRule
 clusterRoleSelectors 1 []meta.LabelSelector list=atomic
ClusterRole kind | What may be done, wherever it is bound.
 metadata 1 meta.ObjectMeta ={}
 rules 2 []PolicyRule list=atomic | What may be done.
 aggregationRule 3 AggregationRule | ClusterRoles whose rules it takes over.
ClusterRoleBinding kind | Who may do everywhere what a ClusterRole says.
 metadata 1 meta.ObjectMeta ={}
 subjects 2 []Subject list=atomic | Who.
 roleRef 3 RoleRef! ={} | The role.
ClusterRoleBindingList kind
 metadata 1 meta.ListMeta ={}
 items 2 []ClusterRoleBinding!
ClusterRoleList kind
 metadata 1 meta.ListMeta ={}
 items 2 []ClusterRole!
PolicyRule
 verbs 1 []string! list=atomic | What may be done; * for everything.
 apiGroups 2 []string list=atomic | Groups of the resources; empty text for the core group.
 resources 3 []string list=atomic | Resources, as pods or pods/log.
 resourceNames 4 []string list=atomic | Names of objects; none for all.
 nonResourceURLs 5 []string list=atomic | Paths that are no resources; * at the end stands for more.
Role kind | What may be done in one namespace.
 metadata 1 meta.ObjectMeta ={}
 rules 2 []PolicyRule list=atomic | What may be done.
RoleBinding kind | Who may do in one namespace what a role says.
 metadata 1 meta.ObjectMeta ={}
 subjects 2 []Subject list=atomic | Who.
 roleRef 3 RoleRef! ={} | The role.
RoleBindingList kind
 metadata 1 meta.ListMeta ={}
 items 2 []RoleBinding!
RoleList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Role!
RoleRef atomic
 apiGroup 1 string =""
 kind 2 string! =""
 name 3 string! =""
Subject atomic
 kind 1 string! ="" | User, Group or ServiceAccount.
 apiGroup 2 string
 name 3 string! =""
 namespace 4 string
`;
