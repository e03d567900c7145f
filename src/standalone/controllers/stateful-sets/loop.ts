import { isDeepStrictEqual } from 'node:util';
import { STATEFUL_SETS, keyOf } from '../../../kube/resources.ts';
import type { ControllerRevision, StatefulSet } from '../../../kube/types/apps.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { claimPods } from '../claiming.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { LOOK_AFTER_MILLISECONDS, OwnedPods, firstError } from '../owned-pods.ts';
import { ownersConcerned } from '../ownership.ts';
import { PendingWrites } from '../pending-writes.ts';
import { isActive } from '../pod-state.ts';
import { History } from '../revisions/history.ts';
import { REVISION_HASH_LABEL } from '../revisions/revision.ts';
import { makeClaims, releaseClaims } from './claims.ts';
import { plan, statusOf } from './decide.ts';
import type { StatefulSetView } from './decide.ts';
import { STATEFUL_SET_TYPE, ordinalOf, podOf } from './pod.ts';

/** Keeps the pods of each StatefulSet in their places, and rolls its template out. */
export function startStatefulSets(context: ControllerContext): Controller {
  const { client, clock, informers } = context;
  const { controllerRevisions, pods, statefulSets } = informers;
  const events = context.events.of('statefulset-controller');
  const hands = new OwnedPods(context, STATEFUL_SET_TYPE.kind, events);
  const history = new History(client, controllerRevisions, STATEFUL_SET_TYPE);
  const pending = new PendingWrites(clock);
  const queue = controllerQueue(context, 'stateful-sets', synchronize, 4);

  const setsOf = (pod: Pod | undefined): readonly string[] =>
    ownersConcerned(statefulSets.cache, STATEFUL_SET_TYPE.kind, pod);

  const stop = [
    statefulSets.onChange(({ before, after }) => {
      const set = after ?? before;
      if (set !== undefined) queue.add(keyOf(set));
    }),
    pods.onChange(({ before, after }) => {
      const pod = after ?? before;
      if (pod !== undefined) hands.seen(pod, after === undefined);
      for (const owner of new Set([...setsOf(before), ...setsOf(after)])) queue.add(owner);
    }),
  ];

  async function synchronize(key: string): Promise<void> {
    const set = statefulSets.cache.get(key);
    if (set === undefined) {
      hands.forget(key);
      pending.forget(key);
      return;
    }
    // The current revision is in the status: it must be the one that was written last.
    const wait = pending.unseen(key, each => statefulSets.cache.get(each)?.metadata.resourceVersion);
    if (wait !== undefined) {
      queue.addAfter(key, wait);
      return;
    }
    await hands.lookForUnseen(key);
    const owned = await claimPods(
      context,
      set,
      { ownerResource: STATEFUL_SETS, ownerType: STATEFUL_SET_TYPE },
      pod => isActive(pod) && ordinalOf(set, pod) !== undefined,
    );
    hands.settle(key, owned);
    const update = await history.current(set);
    if (update === 'collided') {
      await writeStatus(set, key, collided(set));
      return;
    }
    const view = viewOf(set, key, owned, update);
    const next = plan(view);
    const failed =
      (await firstError(
        next.create.map(async ({ ordinal, revision }) => {
          await makeClaims(client, set, ordinal);
          return hands.create(set, key, podOf(set, ordinal, revision));
        }),
      )) ??
      (await firstError(
        next.remove.map(async pod => {
          await releaseClaims(client, set, pod);
          return hands.remove(set, key, pod);
        }),
      ));
    await writeStatus(set, key, statusOf(viewOf(set, key, owned, update)));
    if (failed !== undefined) throw failed;
    const inUse = new Set(owned.map(pod => pod.metadata.labels?.[REVISION_HASH_LABEL]));
    await history.truncate(
      set,
      ({ metadata: { name } }) =>
        inUse.has(name) || name === view.current.metadata.name || name === update.metadata.name,
    );
    if (next.again !== undefined) queue.addAfter(key, next.again);
    else if (hands.creations(key).size > 0) queue.addAfter(key, LOOK_AFTER_MILLISECONDS);
  }

  function viewOf(
    set: StatefulSet,
    key: string,
    owned: readonly Pod[],
    update: ControllerRevision,
  ): StatefulSetView {
    const named = set.status?.currentRevision;
    return {
      set,
      pods: owned,
      unseen: new Set([...hands.creations(key).keys()].map(pod => pod.slice(pod.indexOf('/') + 1))),
      deleted: hands.deletions(key),
      current: history.of(set).find(each => each.metadata.name === named) ?? update,
      update,
      now: clock.now(),
    };
  }

  async function writeStatus(set: StatefulSet, key: string, status: StatefulSet['status']): Promise<void> {
    if (status === undefined || isDeepStrictEqual(status, set.status)) return;
    const written = await client.update(STATEFUL_SETS, { ...set, status }, { subresource: 'status' });
    pending.wrote(key, set, written);
  }

  return {
    name: 'stateful-sets',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}

function collided(set: StatefulSet): NonNullable<StatefulSet['status']> {
  return { replicas: 0, ...set.status, collisionCount: (set.status?.collisionCount ?? 0) + 1 };
}
