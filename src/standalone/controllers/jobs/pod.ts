import type { PodTemplateSpec } from '../../../kube/types/apps.ts';
import type { Job } from '../../../kube/types/batch.ts';
import type { Container, Pod } from '../../../kube/types/core.ts';
import { namePrefix, podFromTemplate, randomSuffix } from '../pod-from-template.ts';

export const JOB_TYPE = { apiVersion: 'batch/v1', kind: 'Job' };

/** Keeps a pod that has ended until it was counted (KEP-2307). */
export const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking';
const INDEX = 'batch.kubernetes.io/job-completion-index';

export const isIndexed = (job: Job): boolean => job.spec.completionMode === 'Indexed';

/** One pod of a Job; `index` is its place in an indexed one. `annotations` are those besides its index. */
export function podOf(
  job: Job,
  index: number | undefined,
  annotations: Readonly<Record<string, string>> = {},
): Pod {
  const { template } = job.spec;
  const place = index === undefined ? '' : String(index);
  const generateName =
    index === undefined
      ? namePrefix(job.metadata.name)
      : `${job.metadata.name.slice(0, 56 - place.length)}-${place}-`;
  return podFromTemplate({
    owner: job,
    ownerType: JOB_TYPE,
    template: index === undefined ? template : placed(job, template, place),
    name: `${generateName}${randomSuffix()}`,
    generateName,
    finalizers: [TRACKING_FINALIZER],
    ...(index === undefined
      ? {}
      : { labels: { [INDEX]: place }, annotations: { [INDEX]: place, ...annotations } }),
  });
}

/** Host name and environment tell the program which part of the work is its own. */
function placed(job: Job, template: PodTemplateSpec, index: string): PodTemplateSpec {
  const withIndex = (container: Container): Container => {
    const env = container.env ?? [];
    if (env.some(variable => variable.name === 'JOB_COMPLETION_INDEX')) return container;
    const fieldRef = { fieldPath: `metadata.annotations['${INDEX}']` };
    return { ...container, env: [...env, { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef } }] };
  };
  const { spec } = template;
  return {
    ...template,
    spec: {
      ...spec,
      hostname: `${job.metadata.name}-${index}`.slice(0, 63),
      containers: spec.containers.map(withIndex),
      ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(withIndex) }),
    },
  };
}

export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[INDEX];
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
