import { matchesSelector } from '../../../kube/selector.ts';
import type { PodAffinityTerm } from '../../../kube/types/core.ts';
import type { Cluster, Labels, PodFacts } from './model.ts';

/**
 * Whether a term of a pod in `namespace` selects `other`. Namespaces: those listed and those that namespaceSelector
 * matches; with neither, the pod's own. `ownLabels` are those of the pod that carries the term, for matchLabelKeys.
 */
export function termSelects(
  term: PodAffinityTerm,
  namespace: string,
  other: PodFacts,
  cluster: Pick<Cluster, 'namespaceLabels'>,
  ownLabels: Labels,
): boolean {
  if (other.terminating || term.labelSelector === undefined) return false;
  if (!matchesSelector(term.labelSelector, other.labels)) return false;
  if (!keysAgree(term, ownLabels, other.labels)) return false;
  const listed = term.namespaces ?? [];
  if (term.namespaceSelector === undefined) {
    return listed.length === 0 ? other.namespace === namespace : listed.includes(other.namespace);
  }
  return (
    listed.includes(other.namespace) ||
    matchesSelector(term.namespaceSelector, cluster.namespaceLabels(other.namespace))
  );
}

function keysAgree(term: PodAffinityTerm, own: Labels, other: Labels): boolean {
  const same = (key: string) => own[key] === undefined || other[key] === own[key];
  const different = (key: string) => own[key] === undefined || other[key] !== own[key];
  return (term.matchLabelKeys ?? []).every(same) && (term.mismatchLabelKeys ?? []).every(different);
}
