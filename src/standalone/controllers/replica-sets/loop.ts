import { isDeepStrictEqual } from 'node:util';
import { FairleadError, sentenceOf } from '../../../base/errors.ts';
import { REPLICA_SETS, describeObject, keyOf } from '../../../kube/resources.ts';
import type { ReplicaSet } from '../../../kube/types/apps.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { claimPods } from '../claiming.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { controllerOf, ownersConcerned } from '../ownership.ts';
import { LOOK_AFTER_MILLISECONDS, OwnedPods, firstError } from '../owned-pods.ts';
import { namePrefix, podFromTemplate, randomSuffix } from '../pod-from-template.ts';
import { isActive } from '../pod-state.ts';
import { slowStart } from '../slow-start.ts';
import { nextAvailability, plan, statusOf } from './decide.ts';
import type { Failure } from './decide.ts';

const TYPE = { apiVersion: 'apps/v1', kind: 'ReplicaSet' };

/** Keeps as many pods as each ReplicaSet asks for. */
export function startReplicaSets(context: ControllerContext): Controller {
  const { client, clock, informers } = context;
  const { pods, replicaSets } = informers;
  const events = context.events.of('replicaset-controller');
  const hands = new OwnedPods(context, TYPE.kind, events);
  const queue = controllerQueue(context, 'replica-sets', synchronize, 5);

  const setsOf = (pod: Pod | undefined): readonly string[] =>
    ownersConcerned(replicaSets.cache, TYPE.kind, pod);

  const stop = [
    replicaSets.onChange(({ before, after }) => {
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
    const set = replicaSets.cache.get(key);
    if (set === undefined) {
      hands.forget(key);
      return;
    }
    await hands.lookForUnseen(key);
    const owned = await claimPods(context, set, { ownerResource: REPLICA_SETS, ownerType: TYPE });
    hands.settle(key, owned);
    const now = clock.now();
    const { create, remove } = plan({
      set,
      pods: owned,
      unseenCreations: hands.creations(key).size,
      deleted: hands.deletions(key),
      neighbours: neighboursOf(set),
      now,
    });
    const failures = [
      failure('FailedCreate', await slowStart(create, () => hands.create(set, key, podOf(set)))),
      failure('FailedDelete', await firstError(remove.map(pod => hands.remove(set, key, pod)))),
    ].filter(each => each !== undefined);
    await writeStatus(set, owned, failures[0]);
    const [failed] = failures;
    if (failed !== undefined) throw failed.error;
    const wait = nextAvailability(set, owned, now);
    if (wait !== undefined) queue.addAfter(key, wait);
    else if (hands.creations(key).size > 0) queue.addAfter(key, LOOK_AFTER_MILLISECONDS);
  }

  async function writeStatus(
    set: ReplicaSet,
    owned: readonly Pod[],
    failed: Failure | undefined,
  ): Promise<void> {
    const status = statusOf(set, owned, failed, clock.now());
    if (isDeepStrictEqual(status, set.status)) return;
    await client.update(REPLICA_SETS, { ...set, status }, { subresource: 'status' });
  }

  /** How many active pods of the set's Deployment (or of the set alone) run on a pod's node. */
  function neighboursOf(set: ReplicaSet): (pod: Pod) => number {
    const application = controllerOf(set)?.uid;
    const related = application === undefined ? [set] : replicaSets.cache.by('controller', application);
    const counts = new Map<string, number>();
    for (const each of related) {
      for (const pod of pods.cache.by('controller', each.metadata.uid ?? '')) {
        const node = pod.spec.nodeName ?? '';
        if (isActive(pod) && node !== '') counts.set(node, (counts.get(node) ?? 0) + 1);
      }
    }
    return pod => counts.get(pod.spec.nodeName ?? '') ?? 0;
  }

  return {
    name: 'replica-sets',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}

function failure(
  reason: Failure['reason'],
  error: Error | undefined,
): (Failure & { readonly error: Error }) | undefined {
  return error === undefined ? undefined : { reason, message: sentenceOf(error), error };
}

function podOf(set: ReplicaSet): Pod {
  const { template } = set.spec;
  if (template === undefined) {
    throw new FairleadError('controllers/no-pod-template', 'The ReplicaSet has no pod template.', {
      object: describeObject(set),
      field: 'spec.template',
      hint: 'Give it a spec.template, or scale it to 0.',
    });
  }
  const generateName = namePrefix(set.metadata.name);
  const name = `${generateName}${randomSuffix()}`;
  return podFromTemplate({ owner: set, ownerType: TYPE, template, name, generateName });
}
