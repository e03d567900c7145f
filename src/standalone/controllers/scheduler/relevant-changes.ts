import { isDeepStrictEqual } from 'node:util';
import { isActive } from '../pod-state.ts';
import type { Node, Pod } from '../../../kube/types/core.ts';

/** Whether a pod that fitted nowhere might fit now. A heartbeat changes nothing that scheduling reads. */
export function nodeChangeMatters(before: Node | undefined, after: Node | undefined): boolean {
  if (before === undefined || after === undefined) return true;
  return !isDeepStrictEqual(readByScheduling(before), readByScheduling(after));
}

/** The same for pods that take up room, attract or repel: what they weigh, not how they are. */
export function podChangeMatters(before: Pod | undefined, after: Pod | undefined): boolean {
  const placed = (pod: Pod | undefined) => (pod?.spec.nodeName ?? '') !== '';
  if (!placed(before) && !placed(after)) return false;
  if (before === undefined || after === undefined || placed(before) !== placed(after)) return true;
  return (
    isActive(before) !== isActive(after) || !isDeepStrictEqual(before.metadata.labels, after.metadata.labels)
  );
}

function readByScheduling(node: Node): unknown {
  return [node.metadata.labels, node.spec?.taints, node.spec?.unschedulable, node.status?.allocatable];
}
