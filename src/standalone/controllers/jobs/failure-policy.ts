import type { Job, PodFailurePolicyRule } from '../../../kube/types/batch.ts';
import type { Pod } from '../../../kube/types/core.ts';

export type FailureVerdict =
  | { readonly action: 'Count' | 'Ignore' | 'FailIndex' }
  | { readonly action: 'FailJob'; readonly message: string };

/** What spec.podFailurePolicy says about a failed pod: the first rule that matches decides; none: it counts. */
export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  const rules = job.spec.podFailurePolicy?.rules ?? [];
  for (const [index, rule] of rules.entries()) {
    const why = exitCodeMatch(rule, pod) ?? conditionMatch(rule, pod);
    if (why === undefined) continue;
    if (rule.action !== 'FailJob') return { action: rule.action };
    const { namespace = '', name } = pod.metadata;
    return {
      action: 'FailJob',
      message: `${why(`${namespace}/${name}`)} matching ${rule.action} rule at index ${index}`,
    };
  }
  return { action: 'Count' };
}

type Sentence = (pod: string) => string;

function exitCodeMatch(rule: PodFailurePolicyRule, pod: Pod): Sentence | undefined {
  const { onExitCodes } = rule;
  if (onExitCodes === undefined) return undefined;
  const { containerName, operator, values } = onExitCodes;
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  for (const { name, state } of [...containerStatuses, ...initContainerStatuses]) {
    const exitCode = state?.terminated?.exitCode;
    if (exitCode === undefined || exitCode === 0) continue;
    if (containerName !== undefined && containerName !== name) continue;
    if (values.includes(exitCode) === (operator === 'In'))
      return of => `Container ${name} for pod ${of} failed with exit code ${exitCode}`;
  }
  return undefined;
}

function conditionMatch(rule: PodFailurePolicyRule, pod: Pod): Sentence | undefined {
  for (const { type, status = 'True' } of rule.onPodConditions ?? []) {
    if (pod.status?.conditions?.some(each => each.type === type && each.status === status) === true)
      return of => `Pod ${of} has condition ${type}`;
  }
  return undefined;
}
