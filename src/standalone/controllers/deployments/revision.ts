import type { Deployment, ReplicaSet } from '../../../kube/types/apps.ts';
import { controllerReference } from '../ownership.ts';
import { boundsOf, desiredReplicas } from './strategy.ts';
import { oldestFirst } from './rolling.ts';
import { TEMPLATE_HASH_LABEL, sameTemplate, templateHash } from './template.ts';

/** Annotations that kubectl rollout and this controller read. */
export const REVISION = 'deployment.kubernetes.io/revision';
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

/** A ReplicaSet has its own values of these. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
]);

type Annotations = Readonly<Record<string, string>>;

export function revisionOf(object: { readonly metadata: { readonly annotations?: Annotations } }): number {
  return Number(object.metadata.annotations?.[REVISION] ?? 0) || 0;
}

export function numberIn(set: ReplicaSet, annotation: string): number | undefined {
  const text = set.metadata.annotations?.[annotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The set with the Deployment's template; the oldest, should there be several. */
export function currentSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return oldestFirst(sets).find(
    set => set.spec.template !== undefined && sameTemplate(set.spec.template, deployment.spec.template),
  );
}

/** The revision of the current template: after those of all the others, also when an old template comes back. */
export function nextRevision(old: readonly ReplicaSet[]): number {
  return Math.max(0, ...old.map(revisionOf)) + 1;
}

/** The set for a template that has none yet, with no replicas. */
export function newSet(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet {
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(template, deployment.status?.collisionCount ?? 0);
  const labels = { ...template.metadata?.labels, [TEMPLATE_HASH_LABEL]: hash };
  const { namespace } = deployment.metadata;
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels,
      annotations: {
        ...copied(deployment),
        [REVISION]: String(nextRevision(old)),
        ...scaleAnnotations(deployment),
      },
      ownerReferences: [controllerReference(deployment, { apiVersion: 'apps/v1', kind: 'Deployment' })],
    },
    spec: {
      replicas: 0,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [TEMPLATE_HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** The current set as the Deployment wants it, replicas aside; the same object if nothing differs. */
export function refreshed(
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
): ReplicaSet {
  const before = current.metadata.annotations ?? {};
  const annotations = {
    ...before,
    ...copied(deployment),
    ...revisionAnnotations(current, nextRevision(old)),
  };
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const sameSeconds = (current.spec.minReadySeconds ?? 0) === minReadySeconds;
  if (sameSeconds && sameEntries(before, annotations)) return current;
  return {
    ...current,
    metadata: { ...current.metadata, annotations },
    spec: { ...current.spec, minReadySeconds },
  };
}

/** What tells a later scaling event from a rollout. */
export function scaleAnnotations(deployment: Deployment): Annotations {
  const desired = desiredReplicas(deployment);
  return {
    [DESIRED_REPLICAS]: String(desired),
    [MAX_REPLICAS]: String(desired + boundsOf(deployment).maxSurge),
  };
}

function revisionAnnotations(set: ReplicaSet, revision: number): Annotations {
  const own = revisionOf(set);
  if (own >= revision) return {};
  const history = set.metadata.annotations?.[REVISION_HISTORY];
  const past = own === 0 ? history : [history, String(own)].filter(part => part !== undefined).join(',');
  return { [REVISION]: String(revision), ...(past === undefined ? {} : { [REVISION_HISTORY]: past }) };
}

function copied(deployment: Deployment): Annotations {
  const entries = Object.entries(deployment.metadata.annotations ?? {});
  return Object.fromEntries(entries.filter(([key]) => !NOT_COPIED.has(key)));
}

function sameEntries(a: Annotations, b: Annotations): boolean {
  const keys = Object.keys(b);
  return keys.length === Object.keys(a).length && keys.every(key => a[key] === b[key]);
}
