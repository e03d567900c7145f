import type { NodeSelectorRequirement, NodeSelectorTerm, Pod } from '../../../kube/types/core.ts';
import type { Labels, NodeFacts } from './model.ts';

/** spec.nodeSelector and the required node affinity together. */
export function matchesNodeAffinity(pod: Pod, node: Pick<NodeFacts, 'name' | 'labels'>): boolean {
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) {
    if (labelOf(node.labels, key) !== value) return false;
  }
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some(term => matchesTerm(term, node));
}

/** One term: all its requirements hold. A term without any matches nothing (core/v1 NodeSelectorTerm). */
export function matchesTerm(term: NodeSelectorTerm, node: Pick<NodeFacts, 'name' | 'labels'>): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  return (
    expressions.every(requirement => holds(requirement, node.labels)) &&
    fields.every(requirement => holds(requirement, { 'metadata.name': node.name }))
  );
}

function holds(requirement: NodeSelectorRequirement, labels: Labels): boolean {
  const value = labelOf(labels, requirement.key);
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt':
      return value !== undefined && isBeyond(requirement.operator, value, values[0]);
    default:
      return requirement.operator satisfies never;
  }
}

function isBeyond(operator: 'Gt' | 'Lt', value: string, bound: string | undefined): boolean {
  if (bound === undefined || !/^-?\d+$/.test(value) || !/^-?\d+$/.test(bound)) return false;
  return operator === 'Gt' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
}

/** Labels are plain JSON objects: `constructor` must not be found in all of them. */
function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
