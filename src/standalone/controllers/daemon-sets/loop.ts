import { isDeepStrictEqual } from 'node:util';
import { DAEMON_SETS, keyOf } from '../../../kube/resources.ts';
import type { DaemonSet } from '../../../kube/types/apps.ts';
import type { Node, Pod } from '../../../kube/types/core.ts';
import { claimPods } from '../claiming.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { LOOK_AFTER_MILLISECONDS, OwnedPods, firstError } from '../owned-pods.ts';
import { ownersConcerned } from '../ownership.ts';
import { History } from '../revisions/history.ts';
import { REVISION_HASH_LABEL, hashOf } from '../revisions/revision.ts';
import { plan, statusOf } from './decide.ts';
import type { DaemonSetView } from './decide.ts';
import { DAEMON_SET_TYPE, podFor } from './pod.ts';

/** Pods that end at once are replaced after 1 s, 2 s, 4 s … 15 min. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 900_000;

/** Keeps one pod of each DaemonSet on each node that fits it. */
export function startDaemonSets(context: ControllerContext): Controller {
  const { client, clock, informers } = context;
  const { controllerRevisions, daemonSets, nodes, pods } = informers;
  const events = context.events.of('daemonset-controller');
  const hands = new OwnedPods(context, DAEMON_SET_TYPE.kind, events);
  const history = new History(client, controllerRevisions, DAEMON_SET_TYPE);
  /** Pod key → node, of pods that the cache does not show yet. */
  const meant = new Map<string, string>();
  const pauses = new Map<string, { readonly until: number; readonly length: number }>();
  const queue = controllerQueue(context, 'daemon-sets', synchronize, 4);

  const setsOf = (pod: Pod | undefined): readonly string[] =>
    ownersConcerned(daemonSets.cache, DAEMON_SET_TYPE.kind, pod);

  const stop = [
    daemonSets.onChange(({ before, after }) => {
      const set = after ?? before;
      if (set !== undefined) queue.add(keyOf(set));
    }),
    pods.onChange(({ before, after }) => {
      const pod = after ?? before;
      if (pod !== undefined) {
        hands.seen(pod, after === undefined);
        meant.delete(keyOf(pod));
      }
      for (const owner of new Set([...setsOf(before), ...setsOf(after)])) queue.add(owner);
    }),
    nodes.onChange(({ before, after }) => {
      if (placeFacts(before) === placeFacts(after)) return;
      for (const set of daemonSets.cache.list()) queue.add(keyOf(set));
    }),
  ];

  async function synchronize(key: string): Promise<void> {
    const set = daemonSets.cache.get(key);
    if (set === undefined) {
      hands.forget(key);
      for (const each of pauses.keys()) if (each.startsWith(`${key}@`)) pauses.delete(each);
      return;
    }
    await hands.lookForUnseen(key);
    const owned = await claimPods(context, set, { ownerResource: DAEMON_SETS, ownerType: DAEMON_SET_TYPE });
    hands.settle(key, owned);
    const revision = await history.current(set);
    if (revision === 'collided') {
      const collisionCount = (set.status?.collisionCount ?? 0) + 1;
      await writeStatus(set, { ...statusOf(viewOf(set, key, owned, '')), collisionCount });
      return;
    }
    const view = viewOf(set, key, owned, hashOf(revision));
    const next = plan(view);
    const paused = next.failed.filter(pod => isPaused(key, pod));
    for (const pod of next.failed) {
      if (paused.includes(pod)) continue;
      const message = `Found failed daemon pod ${keyOf(pod)} on node ${pod.spec.nodeName ?? ''}, will try to kill it`;
      events.warning(set, 'FailedDaemonPod', message);
    }
    const removed = next.remove.filter(pod => !paused.includes(pod));
    const failed =
      (await firstError(next.create.map(node => create(set, key, podFor(set, node, revision), node)))) ??
      (await firstError(removed.map(pod => hands.remove(set, key, pod))));
    await writeStatus(set, statusOf(viewOf(set, key, owned, hashOf(revision))));
    if (failed !== undefined) throw failed;
    const inUse = new Set(owned.map(pod => pod.metadata.labels?.[REVISION_HASH_LABEL]));
    await history.truncate(set, each => each === revision || inUse.has(hashOf(each)));
    const waits = paused.map(pod => (pauses.get(pauseKey(key, pod))?.until ?? 0) - clock.now() + 1);
    if (hands.creations(key).size > 0) waits.push(LOOK_AFTER_MILLISECONDS);
    if (next.again !== undefined) waits.push(next.again);
    if (waits.length > 0) queue.addAfter(key, Math.max(1, Math.min(...waits)));
  }

  async function create(set: DaemonSet, key: string, pod: Pod, node: string): Promise<void> {
    meant.set(keyOf(pod), node);
    try {
      await hands.create(set, key, pod);
    } finally {
      if (!hands.creations(key).has(keyOf(pod))) meant.delete(keyOf(pod));
    }
  }

  /** The first end is answered at once; each further one soon after it waits twice as long. */
  function isPaused(key: string, pod: Pod): boolean {
    const at = pauseKey(key, pod);
    const known = pauses.get(at);
    const now = clock.now();
    if (known !== undefined && known.until > now) return true;
    const isOld = known === undefined || now > known.until + 2 * known.length;
    const length = isOld ? FIRST_PAUSE : Math.min(known.length * 2, LONGEST_PAUSE);
    pauses.set(at, { until: now + length, length });
    return false;
  }

  function viewOf(set: DaemonSet, key: string, owned: readonly Pod[], hash: string): DaemonSetView {
    const unseen = new Map<string, number>();
    for (const pod of hands.creations(key).keys()) {
      const node = meant.get(pod) ?? '';
      unseen.set(node, (unseen.get(node) ?? 0) + 1);
    }
    return {
      set,
      nodes: nodes.cache.list(),
      pods: owned,
      unseen,
      deleted: hands.deletions(key),
      hash,
      now: clock.now(),
    };
  }

  async function writeStatus(set: DaemonSet, status: DaemonSet['status']): Promise<void> {
    if (status === undefined || isDeepStrictEqual(status, set.status)) return;
    await client.update(DAEMON_SETS, { ...set, status }, { subresource: 'status' });
  }

  return {
    name: 'daemon-sets',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}

/** What of a node decides whether a daemon belongs there. */
function placeFacts(node: Node | undefined): string {
  return node === undefined ? '' : JSON.stringify([node.metadata.labels, node.spec?.taints]);
}

const pauseKey = (set: string, pod: Pod): string => `${set}@${pod.spec.nodeName ?? ''}`;
