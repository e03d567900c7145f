/** Policies, ingresses and their classes of networking.k8s.io/v1. Notation: see ../schema/notation.ts. */
export const NETWORKING = `
HTTPIngressPath
 path 1 string
 backend 2 IngressBackend! ={}
 pathType 3 string!?
HTTPIngressRuleValue
 paths 1 []HTTPIngressPath! list=atomic
IPBlock
 cidr 1 string! =""
 except 2 []string list=atomic
Ingress kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 IngressSpec ={}
 status 3 IngressStatus ={}
IngressBackend
 resource 3 core.TypedLocalObjectReference
 service 4 IngressServiceBackend
IngressClass kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 IngressClassSpec ={}
IngressClassList kind
 metadata 1 meta.ListMeta ={}
 items 2 []IngressClass!
IngressClassParametersReference
 apiGroup 1 string?
 kind 2 string! =""
 name 3 string! =""
 scope 4 string?
 namespace 5 string?
IngressClassSpec
 controller 1 string
 parameters 2 IngressClassParametersReference
IngressList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Ingress!
IngressLoadBalancerIngress
 ip 1 string
 hostname 2 string
 ports 4 []IngressPortStatus list=atomic
IngressLoadBalancerStatus
 ingress 1 []IngressLoadBalancerIngress list=atomic
IngressPortStatus
 port 1 int32! =0
 protocol 2 string! =""
 error 3 string?
IngressRule
 host 1 string
 ...IngressRuleValue 2
IngressRuleValue inline
 http 1 HTTPIngressRuleValue
IngressServiceBackend
 name 1 string! =""
 port 2 ServiceBackendPort ={}
IngressSpec
 defaultBackend 1 IngressBackend
 tls 2 []IngressTLS list=atomic
 rules 3 []IngressRule list=atomic
 ingressClassName 4 string?
IngressStatus
 loadBalancer 1 IngressLoadBalancerStatus ={}
IngressTLS
 hosts 1 []string list=atomic
 secretName 2 string
NetworkPolicy kind
 metadata 1 meta.ObjectMeta ={}
 spec 2 NetworkPolicySpec ={}
NetworkPolicyEgressRule
 ports 1 []NetworkPolicyPort list=atomic
 to 2 []NetworkPolicyPeer list=atomic
NetworkPolicyIngressRule
 ports 1 []NetworkPolicyPort list=atomic
 from 2 []NetworkPolicyPeer list=atomic
NetworkPolicyList kind
 metadata 1 meta.ListMeta ={}
 items 2 []NetworkPolicy!
NetworkPolicyPeer
 podSelector 1 meta.LabelSelector
 namespaceSelector 2 meta.LabelSelector
 ipBlock 3 IPBlock
NetworkPolicyPort
 protocol 1 string?
 port 2 intOrString
 endPort 3 int32?
NetworkPolicySpec
 podSelector 1 meta.LabelSelector ={}
 ingress 2 []NetworkPolicyIngressRule list=atomic
 egress 3 []NetworkPolicyEgressRule list=atomic
 policyTypes 4 []string list=atomic
ServiceBackendPort atomic
 name 1 string
 number 2 int32
`;
