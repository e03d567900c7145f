/** Disruption budgets and evictions of policy/v1. Notation: see ../schema/notation.ts. */
export const POLICY = `
Eviction kind | Asks that a pod goes, if its budget allows.
 metadata 1 meta.ObjectMeta ={}
 deleteOptions 2 meta.DeleteOptions
PodDisruptionBudget kind | How many pods may be away by someone's will.
 metadata 1 meta.ObjectMeta ={}
 spec 2 PodDisruptionBudgetSpec ={} | What is wanted.
 status 3 PodDisruptionBudgetStatus ={} | What is there.
PodDisruptionBudgetList kind
 metadata 1 meta.ListMeta ={}
 items 2 []PodDisruptionBudget!
PodDisruptionBudgetSpec
 minAvailable 1 intOrString | How many pods, or what share, have to stay.
 selector 2 meta.LabelSelector patch=replace | Which pods belong to it.
 maxUnavailable 3 intOrString | How many pods, or what share, may be away.
 unhealthyPodEvictionPolicy 4 string?
PodDisruptionBudgetStatus
 observedGeneration 1 int64 | The generation that the status speaks of.
 disruptedPods 2 {}time
 disruptionsAllowed 3 int32 =0 always
 currentHealthy 4 int32 =0 always
 desiredHealthy 5 int32 =0 always
 expectedPods 6 int32 =0 always
 conditions 7 []meta.Condition list=map(type) patch=merge(type) | What is known of its state, one entry a type.
`;
