import type { Lease } from '../../../kube/types/coordination.ts';
import type { Node, NodeCondition, Taint } from '../../../kube/types/core.ts';
import { conditionOf } from '../conditions.ts';
import { timestampOf } from '../../../kube/timestamps.ts';
import { timeOf } from '../pod-state.ts';

/** A node that was silent for longer is not known to be alive. Kubelets renew their leases every 10 s. */
export const GRACE_MILLISECONDS = 40_000;

/** One node and its signs of life. */
export interface Pulse {
  readonly node: Node;
  readonly lease: Lease | undefined;
  /**
   * When this process began to watch, milliseconds since the epoch: silence counts from then on at the earliest, since
   * no one could renew anything while the API was away.
   */
  readonly watchingSince: number;
  readonly now: number;
}

export interface NodeView extends Pulse {
  /** Some node is well. When none is, the fault is hardly theirs: pods are then left where they are. */
  readonly someWell: boolean;
}

export interface Assessment {
  /** status.conditions as they are to be; the same list when nothing changes. */
  readonly conditions: readonly NodeCondition[];
  /** spec.taints as they are to be; the same list when nothing changes. */
  readonly taints: readonly Taint[];
  /** Nobody answers for the node's pods: they are not ready any more. */
  readonly lost: boolean;
  /** Milliseconds until silence would be too long; undefined when it is already. */
  readonly again: number | undefined;
}

/** What the node's silence and conditions mean for it. */
export function assess(view: NodeView): Assessment {
  const { node, now } = view;
  const silence = now - lastHeartbeat(view);
  const silent = silence > GRACE_MILLISECONDS;
  const conditions = silent ? unknownConditions(node, now) : (node.status?.conditions ?? NONE);
  const ready = conditionOf(conditions, 'Ready')?.status;
  return {
    conditions,
    taints: taintsOf(view, conditions),
    lost: ready === 'Unknown' && view.someWell,
    // A millisecond later than due: then it is too long.
    again: silent ? undefined : GRACE_MILLISECONDS - silence + 1,
  };
}

/** Ready, and heard of lately: the condition alone may be about to be found out of date. */
export function isWell(pulse: Pulse): boolean {
  const ready = conditionOf(pulse.node.status?.conditions, 'Ready')?.status === 'True';
  return ready && pulse.now - lastHeartbeat(pulse) <= GRACE_MILLISECONDS;
}

const NONE: readonly NodeCondition[] = [];

/** The lease, or the status where there is no lease. */
function lastHeartbeat(pulse: Pulse): number {
  const ready = conditionOf(pulse.node.status?.conditions, 'Ready');
  return Math.max(
    pulse.watchingSince,
    timeOf(pulse.lease?.spec?.renewTime) ?? 0,
    timeOf(ready?.lastHeartbeatTime) ?? 0,
    timeOf(pulse.node.metadata.creationTimestamp) ?? 0,
  );
}

/** Conditions that only the node itself could tell, and that mean nothing once it is silent. */
const TOLD_BY_NODE = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

function unknownConditions(node: Node, now: number): readonly NodeCondition[] {
  const before = node.status?.conditions ?? NONE;
  if (TOLD_BY_NODE.every(type => conditionOf(before, type)?.status === 'Unknown')) return before;
  const time = timestampOf(now);
  const unknown = TOLD_BY_NODE.map(type => {
    const known = conditionOf(before, type);
    if (known?.status === 'Unknown') return known;
    return {
      type,
      status: 'Unknown' as const,
      ...(known === undefined
        ? { reason: 'NodeStatusNeverUpdated', message: 'The node never posted its status.' }
        : { reason: 'NodeStatusUnknown', message: 'The node stopped posting its status.' }),
      ...(known?.lastHeartbeatTime === undefined ? {} : { lastHeartbeatTime: known.lastHeartbeatTime }),
      lastTransitionTime: time,
    };
  });
  return [...before.filter(condition => !TOLD_BY_NODE.includes(condition.type)), ...unknown];
}

type Wanted = Pick<Taint, 'key' | 'effect'>;

const PREFIX = 'node.kubernetes.io/';
/** The taints that this controller answers for; all others are left alone. */
const OWN: readonly string[] = [
  'not-ready',
  'unreachable',
  'unschedulable',
  'memory-pressure',
  'disk-pressure',
  'pid-pressure',
  'network-unavailable',
].map(name => PREFIX + name);

/**
 * Own taints come and go with the node's state. A NoExecute taint from elsewhere is dated, since the pods' time on the
 * node counts from when it was added, also for whoever reads it after a restart.
 */
function taintsOf(view: NodeView, conditions: readonly NodeCondition[]): readonly Taint[] {
  const before = view.node.spec?.taints ?? NO_TAINTS;
  const wanted = wantedTaints(view, conditions);
  const timeAdded = timestampOf(view.now);
  const isUndated = (taint: Taint) => taint.effect === 'NoExecute' && taint.timeAdded === undefined;
  const isStale = (taint: Taint) => OWN.includes(taint.key) && !wanted.some(each => same(each, taint));
  const added = wanted.filter(each => !before.some(taint => same(each, taint)));
  if (added.length === 0 && !before.some(taint => isStale(taint) || isUndated(taint))) return before;
  return [
    ...before
      .filter(taint => !isStale(taint))
      .map(taint => (isUndated(taint) ? { ...taint, timeAdded } : taint)),
    ...added.map(taint => ({ ...taint, timeAdded })),
  ];
}

const NO_TAINTS: readonly Taint[] = [];

/** The taints by condition of the Kubernetes documentation; NoExecute evicts, NoSchedule only keeps new pods away. */
function wantedTaints(view: NodeView, conditions: readonly NodeCondition[]): readonly Wanted[] {
  const is = (type: string) => conditionOf(conditions, type)?.status;
  const wanted: Wanted[] = [];
  const taint = (name: string, effect: Taint['effect']) => wanted.push({ key: PREFIX + name, effect });
  const ready = is('Ready');
  if (ready !== 'True') {
    const name = ready === 'Unknown' ? 'unreachable' : 'not-ready';
    taint(name, 'NoSchedule');
    // A node that has not reported yet has no pods to lose.
    if (ready !== undefined && view.someWell) taint(name, 'NoExecute');
  }
  if (view.node.spec?.unschedulable === true) taint('unschedulable', 'NoSchedule');
  if (is('MemoryPressure') === 'True') taint('memory-pressure', 'NoSchedule');
  if (is('DiskPressure') === 'True') taint('disk-pressure', 'NoSchedule');
  if (is('PIDPressure') === 'True') taint('pid-pressure', 'NoSchedule');
  if (is('NetworkUnavailable') === 'True') taint('network-unavailable', 'NoSchedule');
  return wanted;
}

const same = (a: Wanted, b: Wanted): boolean => a.key === b.key && a.effect === b.effect;
