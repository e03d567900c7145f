import type { ControllerRevision, PodTemplateSpec } from '../../../kube/types/apps.ts';
import type { LabelSelector } from '../../../kube/types/meta.ts';
import type { KubeObject } from '../../../kube/types/meta.ts';
import { sameTemplate, templateHash } from '../deployments/template.ts';
import { controllerReference } from '../ownership.ts';

/** apps/v1: on revisions, and on the pods that were made from them. */
export const REVISION_HASH_LABEL = 'controller-revision-hash';

/** A workload whose template's history is kept in ControllerRevisions: StatefulSet and DaemonSet. */
export interface Revised extends KubeObject {
  readonly spec: {
    readonly template: PodTemplateSpec;
    readonly selector: LabelSelector;
    readonly revisionHistoryLimit?: number;
  };
  readonly status?: { readonly collisionCount?: number };
}

/** What has to happen so that the newest revision is the current template's. */
export type RevisionPlan =
  | { readonly do: 'nothing'; readonly current: ControllerRevision }
  /** An older revision's template has come back: it becomes the newest. */
  | { readonly do: 'renumber' | 'create'; readonly current: ControllerRevision };

export function planRevision(
  owner: Revised,
  type: { readonly apiVersion: string; readonly kind: string },
  revisions: readonly ControllerRevision[],
): RevisionPlan {
  const newest = Math.max(0, ...revisions.map(each => each.revision));
  const same = revisions
    .filter(each => sameTemplate(templateOf(each) ?? EMPTY, owner.spec.template))
    .toSorted((a, b) => b.revision - a.revision)[0];
  if (same !== undefined) {
    if (same.revision === newest) return { do: 'nothing', current: same };
    return { do: 'renumber', current: { ...same, revision: newest + 1 } };
  }
  const hash = templateHash(owner.spec.template, owner.status?.collisionCount ?? 0);
  const { namespace, name, annotations } = owner.metadata;
  return {
    do: 'create',
    current: {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name: `${name}-${hash}`,
        ...(namespace === undefined ? {} : { namespace }),
        labels: { ...owner.spec.selector.matchLabels, [REVISION_HASH_LABEL]: hash },
        ...(annotations === undefined ? {} : { annotations: withoutApplied(annotations) }),
        ownerReferences: [controllerReference(owner, type)],
      },
      // A patch: what kubectl sends back to undo a rollout.
      data: { spec: { template: { ...owner.spec.template, $patch: 'replace' } } },
      revision: newest + 1,
    },
  };
}

const EMPTY: PodTemplateSpec = { spec: { containers: [] } };

/** The template that a revision keeps; undefined for one that keeps something else. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec | undefined {
  const data = revision.data as { readonly spec?: { readonly template?: object } } | undefined;
  const template = data?.spec?.template;
  if (template === undefined) return undefined;
  const { $patch: _directive, ...rest } = template as PodTemplateSpec & { readonly $patch?: string };
  return rest;
}

export function hashOf(revision: ControllerRevision): string {
  return revision.metadata.labels?.[REVISION_HASH_LABEL] ?? '';
}

/** Revisions beyond spec.revisionHistoryLimit that no pod is of, the oldest first. */
export function beyondHistory(
  owner: Revised,
  revisions: readonly ControllerRevision[],
  isLive: (revision: ControllerRevision) => boolean,
): readonly ControllerRevision[] {
  const idle = revisions.filter(each => !isLive(each)).toSorted((a, b) => a.revision - b.revision);
  return idle.slice(0, Math.max(0, idle.length - (owner.spec.revisionHistoryLimit ?? 10)));
}

function withoutApplied(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { 'kubectl.kubernetes.io/last-applied-configuration': _applied, ...rest } = annotations;
  return rest;
}
