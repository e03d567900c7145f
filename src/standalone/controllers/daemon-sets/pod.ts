import type { ControllerRevision, DaemonSet } from '../../../kube/types/apps.ts';
import type { Affinity, NodeSelectorTerm, Pod } from '../../../kube/types/core.ts';
import { namePrefix, podFromTemplate, randomSuffix } from '../pod-from-template.ts';
import { REVISION_HASH_LABEL, hashOf } from '../revisions/revision.ts';
import { daemonTolerations } from './node-fit.ts';

export const DAEMON_SET_TYPE = { apiVersion: 'apps/v1', kind: 'DaemonSet' };

/** A pod for one node. The scheduler binds it: its affinity leaves it no other. */
export function podFor(set: DaemonSet, node: string, revision: ControllerRevision): Pod {
  const generateName = namePrefix(set.metadata.name);
  const { template } = set.spec;
  const spec = {
    ...template.spec,
    affinity: pinned(template.spec.affinity, node),
    tolerations: daemonTolerations(set),
  };
  return podFromTemplate({
    owner: set,
    ownerType: DAEMON_SET_TYPE,
    template: { ...template, spec },
    name: `${generateName}${randomSuffix()}`,
    generateName,
    labels: { [REVISION_HASH_LABEL]: hashOf(revision) },
  });
}

const NAME = 'metadata.name';

/** The node that a pod is on, or is meant for. */
export function nodeOf(pod: Pod): string | undefined {
  if ((pod.spec.nodeName ?? '') !== '') return pod.spec.nodeName;
  const terms =
    pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(term => term.matchFields ?? []).find(field => field.key === NAME)?.values?.[0];
}

function pinned(affinity: Affinity | undefined, node: string): Affinity {
  const field = { key: NAME, operator: 'In' as const, values: [node] };
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const terms: readonly NodeSelectorTerm[] = required?.nodeSelectorTerms ?? [{}];
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: terms.map(term => ({ ...term, matchFields: [field] })),
      },
    },
  };
}
