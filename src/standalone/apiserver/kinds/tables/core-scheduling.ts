/** Where a pod may run: affinity, tolerations, topology spread of core/v1. Notation: see ../schema/notation.ts. */
export const CORE_SCHEDULING = `
Affinity
 nodeAffinity 1 NodeAffinity
 podAffinity 2 PodAffinity
 podAntiAffinity 3 PodAntiAffinity
NodeAffinity
 requiredDuringSchedulingIgnoredDuringExecution 1 NodeSelector
 preferredDuringSchedulingIgnoredDuringExecution 2 []PreferredSchedulingTerm list=atomic
NodeSelector atomic
 nodeSelectorTerms 1 []NodeSelectorTerm! list=atomic
NodeSelectorRequirement
 key 1 string! =""
 operator 2 string! =""
 values 3 []string list=atomic
NodeSelectorTerm atomic
 matchExpressions 1 []NodeSelectorRequirement list=atomic
 matchFields 2 []NodeSelectorRequirement list=atomic
PodAffinity
 requiredDuringSchedulingIgnoredDuringExecution 1 []PodAffinityTerm list=atomic
 preferredDuringSchedulingIgnoredDuringExecution 2 []WeightedPodAffinityTerm list=atomic
PodAffinityTerm
 labelSelector 1 meta.LabelSelector
 namespaces 2 []string list=atomic
 topologyKey 3 string! =""
 namespaceSelector 4 meta.LabelSelector
 matchLabelKeys 5 []string list=atomic
 mismatchLabelKeys 6 []string list=atomic
PodAntiAffinity
 requiredDuringSchedulingIgnoredDuringExecution 1 []PodAffinityTerm list=atomic
 preferredDuringSchedulingIgnoredDuringExecution 2 []WeightedPodAffinityTerm list=atomic
PodSchedulingGate
 name 1 string! =""
PodSchedulingGroup union=(podGroupName)
 podGroupName 1 string?
PreferredSchedulingTerm
 weight 1 int32! =0
 preference 2 NodeSelectorTerm! ={}
SessionAffinityConfig
 clientIP 1 ClientIPConfig
Taint
 key 1 string! =""
 value 2 string
 effect 3 string! =""
 timeAdded 4 time
Toleration
 key 1 string
 operator 2 string
 value 3 string
 effect 4 string
 tolerationSeconds 5 int64?
TopologySpreadConstraint
 maxSkew 1 int32! =0
 topologyKey 2 string! =""
 whenUnsatisfiable 3 string! =""
 labelSelector 4 meta.LabelSelector
 minDomains 5 int32?
 nodeAffinityPolicy 6 string?
 nodeTaintsPolicy 7 string?
 matchLabelKeys 8 []string list=atomic
WeightedPodAffinityTerm
 weight 1 int32! =0
 podAffinityTerm 2 PodAffinityTerm! ={}
`;
