/** Jobs and CronJobs of batch/v1. Notation: see ../schema/notation.ts. */
export const BATCH = `
CronJob kind | Jobs at given times.
 metadata 1 meta.ObjectMeta ={}
 spec 2 CronJobSpec! ={} | What is wanted.
 status 3 CronJobStatus ={} | What is there.
CronJobList kind
 metadata 1 meta.ListMeta ={}
 items 2 []CronJob!
CronJobSpec
 schedule 1 string! ="" | When, as in a crontab.
 startingDeadlineSeconds 2 int64?
 concurrencyPolicy 3 string | Allow, Forbid or Replace.
 suspend 4 bool? | Whether no Jobs are made for now.
 jobTemplate 5 JobTemplateSpec! ={} | What the Jobs are like.
 successfulJobsHistoryLimit 6 int32?
 failedJobsHistoryLimit 7 int32?
 timeZone 8 string? | Where the schedule's clock hangs, as Europe/Berlin.
CronJobStatus
 active 1 []core.ObjectReference list=atomic
 lastScheduleTime 4 time
 lastSuccessfulTime 5 time
Job kind | Pods that run until enough of them have succeeded.
 metadata 1 meta.ObjectMeta ={}
 spec 2 JobSpec ={} | What is wanted.
 status 3 JobStatus ={} | What is there.
JobCondition
 type 1 string! =""
 status 2 string! =""
 lastProbeTime 3 time
 lastTransitionTime 4 time
 reason 5 string
 message 6 string
JobList kind
 metadata 1 meta.ListMeta ={}
 items 2 []Job!
JobSpec
 parallelism 1 int32? | How many pods may run at once.
 completions 2 int32? | How many pods have to succeed.
 activeDeadlineSeconds 3 int64? | Seconds after which it has failed.
 selector 4 meta.LabelSelector | Which pods belong to it.
 manualSelector 5 bool?
 template 6 core.PodTemplateSpec! ={} | What the pods are like.
 backoffLimit 7 int32? | How many failures are borne.
 ttlSecondsAfterFinished 8 int32? | Seconds after its end at which it goes by itself.
 completionMode 9 string? | NonIndexed or Indexed.
 suspend 10 bool? | Whether it runs no pods for now.
 podFailurePolicy 11 PodFailurePolicy
 backoffLimitPerIndex 12 int32?
 maxFailedIndexes 13 int32?
 podReplacementPolicy 14 string?
 managedBy 15 string?
 successPolicy 16 SuccessPolicy
JobStatus
 conditions 1 []JobCondition list=atomic patch=merge(type) | What is known of its state, one entry a type.
 startTime 2 time
 completionTime 3 time
 active 4 int32
 succeeded 5 int32
 failed 6 int32
 completedIndexes 7 string
 uncountedTerminatedPods 8 UncountedTerminatedPods
 ready 9 int32?
 failedIndexes 10 string?
 terminating 11 int32?
JobTemplateSpec
 metadata 1 meta.ObjectMeta ={}
 spec 2 JobSpec ={} | What is wanted.
PodFailurePolicy
 rules 1 []PodFailurePolicyRule! list=atomic
PodFailurePolicyOnExitCodesRequirement
 containerName 1 string?
 operator 2 string! =""
 values 3 []int32! list=set
PodFailurePolicyOnPodConditionsPattern
 type 1 string! =""
 status 2 string =""
PodFailurePolicyRule
 action 1 string! =""
 onExitCodes 2 PodFailurePolicyOnExitCodesRequirement
 onPodConditions 3 []PodFailurePolicyOnPodConditionsPattern list=atomic
SuccessPolicy
 rules 1 []SuccessPolicyRule! list=atomic
SuccessPolicyRule
 succeededIndexes 1 string?
 succeededCount 2 int32?
UncountedTerminatedPods
 succeeded 1 []string list=set
 failed 2 []string list=set
`;
