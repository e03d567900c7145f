import type { DaemonSet } from '../../../kube/types/apps.ts';
import type { Node, Pod, Taint, Toleration } from '../../../kube/types/core.ts';
import { matchesNodeAffinity } from '../scheduler/node-affinity.ts';
import { tolerates, untolerated } from '../scheduler/tolerations.ts';

/** What every daemon tolerates beside what its template says: it is there to look after nodes, also bad ones. */
export function daemonTolerations(set: DaemonSet): readonly Toleration[] {
  const own = set.spec.template.spec.tolerations ?? [];
  const all: readonly Toleration[] = [
    exists('not-ready', 'NoExecute'),
    exists('unreachable', 'NoExecute'),
    exists('disk-pressure', 'NoSchedule'),
    exists('memory-pressure', 'NoSchedule'),
    exists('pid-pressure', 'NoSchedule'),
    exists('unschedulable', 'NoSchedule'),
    ...(set.spec.template.spec.hostNetwork === true ? [exists('network-unavailable', 'NoSchedule')] : []),
  ];
  const known = (added: Toleration) =>
    own.some(each => each.key === added.key && each.effect === added.effect && each.operator === 'Exists');
  return [...own, ...all.filter(each => !known(each))];
}

function exists(name: string, effect: Taint['effect']): Toleration {
  return { key: `node.kubernetes.io/${name}`, operator: 'Exists', effect };
}

export interface NodeFit {
  /** A pod is to be made there. */
  readonly shouldRun: boolean;
  /** A pod that is there may stay. */
  readonly mayStay: boolean;
}

/** Whether the set's pods belong on a node: by name, selector, affinity and taints; never by what is free there. */
export function fitOf(set: DaemonSet, node: Node): NodeFit {
  const { spec } = set.spec.template;
  const { name, labels = {} } = node.metadata;
  const named = spec.nodeName ?? '';
  const pod = { spec } as Pick<Pod, 'spec'>;
  const isWanted = (named === '' || named === name) && matchesNodeAffinity(pod as Pod, { name, labels }); // only its spec is read
  const tolerations = daemonTolerations(set);
  const taints = node.spec?.taints ?? [];
  const isTolerated = (effects: readonly Taint['effect'][]) =>
    untolerated(taints, tolerations, effects) === undefined;
  const stays = taints
    .filter(taint => taint.effect === 'NoExecute')
    .every(taint => tolerations.some(toleration => tolerates(toleration, taint)));
  return { shouldRun: isWanted && isTolerated(['NoSchedule', 'NoExecute']), mayStay: isWanted && stays };
}
