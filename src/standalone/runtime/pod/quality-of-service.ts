import type { Container, Pod } from '../../../kube/types/core.ts';
import { quantityMilliValue } from '../../../kube/quantity.ts';

/** status.qosClass: Guaranteed when all containers have equal limits and requests for both, BestEffort when none has any. */
export function qualityOfService(pod: Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  if (containers.every(container => !has(container))) return 'BestEffort';
  return containers.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

const resources = ['cpu', 'memory'] as const;

function has(container: Container): boolean {
  const { limits, requests } = container.resources ?? {};
  return resources.some(name => amount(limits?.[name]) > 0 || amount(requests?.[name]) > 0);
}

function isGuaranteed(container: Container): boolean {
  const { limits, requests } = container.resources ?? {};
  return resources.every(name => {
    const limit = amount(limits?.[name]);
    return limit > 0 && amount(requests?.[name] ?? limits?.[name]) === limit;
  });
}

function amount(text: string | undefined): number {
  return text === undefined ? 0 : (quantityMilliValue(text) ?? 0);
}
