/** Policies and webhooks that are asked before a write: admissionregistration.k8s.io/v1. Notation: see ../schema/notation.ts. */
export const ADMISSIONREGISTRATION = `
AuditAnnotation
 key 1 string! =""
 valueExpression 2 string! =""
ExpressionWarning
 fieldRef 2 string! =""
 warning 3 string! =""
MatchCondition
 name 1 string! =""
 expression 2 string! =""
MatchResources atomic
 namespaceSelector 1 meta.LabelSelector | Namespaces whose objects are concerned.
 objectSelector 2 meta.LabelSelector | Objects that are concerned, by their labels before or after the write.
 resourceRules 3 []NamedRuleWithOperations list=atomic | Operations on resources that are concerned.
 excludeResourceRules 4 []NamedRuleWithOperations list=atomic | Operations that are not concerned, whatever else says so.
 matchPolicy 7 string? | Exact or Equivalent: whether other versions of a resource are concerned too.
MutatingWebhook
 name 1 string! =""
 clientConfig 2 WebhookClientConfig! ={}
 rules 3 []RuleWithOperations list=atomic
 failurePolicy 4 string?
 matchPolicy 9 string?
 namespaceSelector 5 meta.LabelSelector
 objectSelector 11 meta.LabelSelector
 sideEffects 6 string!?
 timeoutSeconds 7 int32?
 admissionReviewVersions 8 []string! list=atomic
 reinvocationPolicy 10 string? | Never or IfNeeded: whether it is asked again when a later one changed the object.
 matchConditions 12 []MatchCondition list=map(name) patch=merge(name)
MutatingWebhookConfiguration kind | Webhooks that may change an object before it is written.
 metadata 1 meta.ObjectMeta ={}
 webhooks 2 []MutatingWebhook list=map(name) patch=merge(name)
MutatingWebhookConfigurationList kind
 metadata 1 meta.ListMeta ={}
 items 2 []MutatingWebhookConfiguration!
NamedRuleWithOperations atomic
 resourceNames 1 []string list=atomic
 ...RuleWithOperations 2
ParamKind atomic
 apiVersion 1 string
 kind 2 string
ParamRef atomic
 name 1 string
 namespace 2 string
 selector 3 meta.LabelSelector
 parameterNotFoundAction 4 string?
Rule inline
 apiGroups 1 []string list=atomic
 apiVersions 2 []string list=atomic
 resources 3 []string list=atomic
 scope 4 string?
RuleWithOperations
 operations 1 []string list=atomic
 ...Rule 2
ServiceReference
 namespace 1 string! =""
 name 2 string! =""
 path 3 string?
 port 4 int32?
TypeChecking
 expressionWarnings 1 []ExpressionWarning list=atomic
ValidatingAdmissionPolicy kind | What must hold of an object before it is written, in CEL.
 metadata 1 meta.ObjectMeta ={}
 spec 2 ValidatingAdmissionPolicySpec ={}
 status 3 ValidatingAdmissionPolicyStatus ={}
ValidatingAdmissionPolicyBinding kind | Where a policy holds, with which parameters, and what follows when it is broken.
 metadata 1 meta.ObjectMeta ={}
 spec 2 ValidatingAdmissionPolicyBindingSpec ={}
ValidatingAdmissionPolicyBindingList kind
 metadata 1 meta.ListMeta ={}
 items 2 []ValidatingAdmissionPolicyBinding!
ValidatingAdmissionPolicyBindingSpec
 policyName 1 string | The policy that is bound.
 paramRef 2 ParamRef | The objects that the policy reads as params.
 matchResources 3 MatchResources | Narrows what the policy is concerned with.
 validationActions 4 []string list=set | Deny, Warn, Audit: what follows when the policy is broken.
ValidatingAdmissionPolicyList kind
 metadata 1 meta.ListMeta ={}
 items 2 []ValidatingAdmissionPolicy!
ValidatingAdmissionPolicySpec
 paramKind 1 ParamKind | The kind of the objects that it reads as params.
 matchConstraints 2 MatchResources | What it is concerned with.
 validations 3 []Validation list=atomic | Expressions that must be true.
 failurePolicy 4 string? | Fail or Ignore: what an expression means that cannot be evaluated.
 auditAnnotations 5 []AuditAnnotation list=atomic
 matchConditions 6 []MatchCondition list=map(name) patch=merge(name) | Further conditions, in CEL.
 variables 7 []Variable list=map(name) patch=merge(name) | Expressions by name, for the others.
ValidatingAdmissionPolicyStatus
 observedGeneration 1 int64
 typeChecking 2 TypeChecking
 conditions 3 []meta.Condition list=map(type)
ValidatingWebhook
 name 1 string! =""
 clientConfig 2 WebhookClientConfig! ={}
 rules 3 []RuleWithOperations list=atomic
 failurePolicy 4 string?
 matchPolicy 9 string?
 namespaceSelector 5 meta.LabelSelector
 objectSelector 10 meta.LabelSelector
 sideEffects 6 string!?
 timeoutSeconds 7 int32?
 admissionReviewVersions 8 []string! list=atomic
 matchConditions 11 []MatchCondition list=map(name) patch=merge(name)
ValidatingWebhookConfiguration kind | Webhooks that may refuse a write.
 metadata 1 meta.ObjectMeta ={}
 webhooks 2 []ValidatingWebhook list=map(name) patch=merge(name)
ValidatingWebhookConfigurationList kind
 metadata 1 meta.ListMeta ={}
 items 2 []ValidatingWebhookConfiguration!
Validation
 expression 1 string! =""
 message 2 string
 reason 3 string?
 messageExpression 4 string
Variable atomic
 name 1 string! =""
 expression 2 string! =""
WebhookClientConfig
 url 3 string?
 service 1 ServiceReference
 caBundle 2 bytes
`;
