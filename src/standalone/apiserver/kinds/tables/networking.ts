/** Policies, ingresses and their classes of networking.k8s.io/v1. Notation: see ../schema/notation.ts. */
export const NETWORKING = `
HTTPIngressPath
 path 1 string | Path to match.
 backend 2 IngressBackend! ={} | Where matching requests go.
 pathType 3 string!? | Exact, Prefix or ImplementationSpecific.
HTTPIngressRuleValue
 paths 1 []HTTPIngressPath! list=atomic
IPBlock
 cidr 1 string! ="" | A prefix, as 10.0.0.0/8 or 2001:db8::/32.
 except 2 []string list=atomic | Prefixes within it that are left out.
IPAddress kind | An address that is taken; its name is the address.
 metadata 1 meta.ObjectMeta ={}
 spec 2 IPAddressSpec! ={}
IPAddressList kind
 metadata 1 meta.ListMeta ={}
 items 2 []IPAddress!
IPAddressSpec
 parentRef 1 ParentReference! | What has the address.
Ingress kind | How HTTP requests from outside reach services.
 metadata 1 meta.ObjectMeta ={}
 spec 2 IngressSpec ={}
 status 3 IngressStatus ={}
IngressBackend
 resource 3 core.TypedLocalObjectReference
 service 4 IngressServiceBackend
IngressClass kind | A class of ingresses, served by one controller.
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
 controller 1 string | Who serves ingresses of the class.
 parameters 2 IngressClassParametersReference | An object with further configuration.
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
 host 1 string | Host that the rule is for; *.example.com is any one label before it.
 ...IngressRuleValue 2
IngressRuleValue inline
 http 1 HTTPIngressRuleValue
IngressServiceBackend
 name 1 string! =""
 port 2 ServiceBackendPort ={}
IngressSpec
 defaultBackend 1 IngressBackend | Where requests go that match no rule.
 tls 2 []IngressTLS list=atomic | Certificates by host.
 rules 3 []IngressRule list=atomic | Hosts and paths, with where they lead.
 ingressClassName 4 string? | Class of the controller that serves it.
IngressStatus
 loadBalancer 1 IngressLoadBalancerStatus ={}
IngressTLS
 hosts 1 []string list=atomic
 secretName 2 string
NetworkPolicy kind | Which traffic the selected pods may have.
 metadata 1 meta.ObjectMeta ={}
 spec 2 NetworkPolicySpec ={} | Which pods, and which traffic.
NetworkPolicyEgressRule
 ports 1 []NetworkPolicyPort list=atomic | To which ports; none given means all.
 to 2 []NetworkPolicyPeer list=atomic | To whom; none given means everyone.
NetworkPolicyIngressRule
 ports 1 []NetworkPolicyPort list=atomic | At which ports; none given means all.
 from 2 []NetworkPolicyPeer list=atomic | Who may send; none given means everyone.
NetworkPolicyList kind
 metadata 1 meta.ListMeta ={}
 items 2 []NetworkPolicy!
NetworkPolicyPeer
 podSelector 1 meta.LabelSelector | Pods by label, in this namespace or those of namespaceSelector.
 namespaceSelector 2 meta.LabelSelector | Namespaces by label.
 ipBlock 3 IPBlock | Addresses outside the cluster.
NetworkPolicyPort
 protocol 1 string? | TCP, UDP or SCTP.
 port 2 intOrString | A port by number, or by the name of a container's port.
 endPort 3 int32? | Last port of a range that begins with port.
NetworkPolicySpec
 podSelector 1 meta.LabelSelector ={} | Pods that the policy is for; an empty selector means all of the namespace.
 ingress 2 []NetworkPolicyIngressRule list=atomic | Traffic that may come in; with no rule, none.
 egress 3 []NetworkPolicyEgressRule list=atomic | Traffic that may go out; with no rule, none.
 policyTypes 4 []string list=atomic | Ingress, Egress or both: the directions that the policy isolates.
ParentReference
 group 1 string
 resource 2 string!
 namespace 3 string
 name 4 string!
ServiceBackendPort atomic
 name 1 string
 number 2 int32
ServiceCIDR kind | A range that Services get their addresses from.
 metadata 1 meta.ObjectMeta ={}
 spec 2 ServiceCIDRSpec ={}
 status 3 ServiceCIDRStatus ={}
ServiceCIDRList kind
 metadata 1 meta.ListMeta ={}
 items 2 []ServiceCIDR!
ServiceCIDRSpec
 cidrs 1 []string list=atomic | One prefix, or one of each family.
ServiceCIDRStatus
 conditions 1 []meta.Condition list=map(type) patch=merge(type)
`;
