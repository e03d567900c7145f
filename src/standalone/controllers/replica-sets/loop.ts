import { isDeepStrictEqual } from 'node:util';
import { sentenceOf } from '../../../base/errors.ts';
import { ApiError, isNotFound } from '../../../kube/api-error.ts';
import { PODS, REPLICA_SETS, keyOf, parseKey } from '../../../kube/resources.ts';
import { matchesSelector } from '../../../kube/selector.ts';
import type { ReplicaSet } from '../../../kube/types/apps.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { claimDependents } from '../claiming.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { orphanIndex } from '../informers.ts';
import { controllerOf } from '../ownership.ts';
import { isActive, isTerminating } from '../pod-state.ts';
import { nextAvailability, plan, statusOf } from './decide.ts';
import type { Failure } from './decide.ts';
import { Expectations } from './expectations.ts';
import { podFromTemplate, randomSuffix } from './pod-from-template.ts';
import { slowStart } from './slow-start.ts';

const TYPE = { apiVersion: 'apps/v1', kind: 'ReplicaSet' };
/** A created pod that the cache does not show by then is looked for in the API. */
const LOOK_AFTER_MILLISECONDS = 2000;

/** Keeps as many pods as each ReplicaSet asks for. */
export function startReplicaSets(context: ControllerContext): Controller {
  const { client, clock, informers } = context;
  const { pods, replicaSets } = informers;
  const events = context.events.of('replicaset-controller');
  const expectations = new Expectations();
  const queue = controllerQueue(context, 'replica-sets', synchronize, 5);

  const stop = [
    replicaSets.onChange(({ before, after }) => {
      const set = after ?? before;
      if (set !== undefined) queue.add(keyOf(set));
    }),
    pods.onChange(({ before, after }) => {
      const pod = after ?? before;
      if (pod !== undefined) settle(pod, after === undefined);
      for (const owner of new Set([...setsOf(before), ...setsOf(after)])) queue.add(owner);
    }),
  ];

  async function synchronize(key: string): Promise<void> {
    const set = replicaSets.cache.get(key);
    if (set === undefined) {
      expectations.forget(key);
      return;
    }
    await lookForUnseen(key);
    const owned = await claimPods(set);
    forgetDeletionsOf(key, owned);
    const now = clock.now();
    const { create, remove } = plan({
      set,
      pods: owned,
      unseenCreations: expectations.creations(key).size,
      deleted: expectations.deletions(key),
      neighbours: neighboursOf(set),
      now,
    });
    const failures = [
      failure('FailedCreate', await slowStart(create, () => createPod(set, key))),
      failure('FailedDelete', await firstError(remove.map(pod => deletePod(set, key, pod)))),
    ].filter(each => each !== undefined);
    await writeStatus(set, owned, failures[0]);
    const [failed] = failures;
    if (failed !== undefined) throw failed.error;
    const wait = nextAvailability(set, owned, now);
    if (wait !== undefined) queue.addAfter(key, wait);
    else if (expectations.creations(key).size > 0) queue.addAfter(key, LOOK_AFTER_MILLISECONDS);
  }

  async function claimPods(set: ReplicaSet): Promise<readonly Pod[]> {
    const candidates = [
      ...pods.cache.by('controller', set.metadata.uid ?? ''),
      ...pods.cache.by('controller', orphanIndex(set.metadata.namespace ?? '')).filter(isActive),
    ];
    return claimDependents({
      client,
      owner: set,
      ownerResource: REPLICA_SETS,
      ownerType: TYPE,
      dependents: PODS,
      candidates,
      matches: pod => matchesSelector(set.spec.selector, pod.metadata.labels ?? {}),
    });
  }

  async function createPod(set: ReplicaSet, key: string): Promise<void> {
    const pod = podFromTemplate(set, randomSuffix());
    expectations.expectCreation(key, keyOf(pod), clock.now());
    try {
      await client.create(PODS, pod);
    } catch (error) {
      if (isNamespaceTerminating(error)) {
        expectations.settleCreation(key, keyOf(pod));
        return; // the set goes as well, soon
      }
      // A failure without a clear answer leaves open whether the pod exists: it is looked for before the next try.
      if (error instanceof ApiError && error.status < 500) expectations.settleCreation(key, keyOf(pod));
      events.warning(set, 'FailedCreate', `Error creating: ${sentenceOf(error)}`);
      throw error;
    }
    events.normal(set, 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
  }

  async function deletePod(set: ReplicaSet, key: string, pod: Pod): Promise<void> {
    const uid = pod.metadata.uid ?? '';
    expectations.expectDeletion(key, uid);
    try {
      await client.delete(PODS, parseKey(keyOf(pod)), { preconditions: { uid } });
    } catch (error) {
      if (isNotFound(error)) return; // it went by itself; the cache will show it
      expectations.settleDeletion(key, uid);
      events.warning(set, 'FailedDelete', `Error deleting: ${sentenceOf(error)}`);
      throw error;
    }
    events.normal(set, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }

  /** A creation whose answer was lost, or that the watch is late to show: only the API knows. */
  async function lookForUnseen(key: string): Promise<void> {
    const due = clock.now() - LOOK_AFTER_MILLISECONDS;
    for (const [pod, since] of expectations.creations(key)) {
      if (since > due) continue;
      try {
        await client.get(PODS, parseKey(pod));
      } catch (error) {
        if (!isNotFound(error)) throw error;
        expectations.settleCreation(key, pod);
      }
    }
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

  function settle(pod: Pod, gone: boolean): void {
    const owner = controllerOf(pod);
    if (owner?.kind !== TYPE.kind) return;
    const key = `${pod.metadata.namespace ?? ''}/${owner.name}`;
    expectations.settleCreation(key, keyOf(pod));
    if (gone || isTerminating(pod)) expectations.settleDeletion(key, pod.metadata.uid ?? '');
  }

  function forgetDeletionsOf(key: string, owned: readonly Pod[]): void {
    const present = new Set(owned.map(pod => pod.metadata.uid));
    for (const uid of expectations.deletions(key)) {
      if (!present.has(uid)) expectations.settleDeletion(key, uid);
    }
  }

  /** Keys of the sets that a pod concerns: its controller, or all that might adopt it. */
  function setsOf(pod: Pod | undefined): readonly string[] {
    if (pod === undefined) return [];
    const namespace = pod.metadata.namespace ?? '';
    const owner = controllerOf(pod);
    if (owner !== undefined) return owner.kind === TYPE.kind ? [`${namespace}/${owner.name}`] : [];
    return replicaSets.cache
      .by('namespace', namespace)
      .filter(set => matchesSelector(set.spec.selector, pod.metadata.labels ?? {}))
      .map(keyOf);
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

/** The namespace takes nothing new any more: its content is being deleted. */
function isNamespaceTerminating(error: unknown): boolean {
  const causes = error instanceof ApiError ? (error.details?.causes ?? []) : [];
  return causes.some(cause => cause.reason === 'NamespaceTerminating');
}

async function firstError(work: readonly Promise<void>[]): Promise<Error | undefined> {
  const outcomes = await Promise.allSettled(work);
  const rejected = outcomes.find(outcome => outcome.status === 'rejected');
  if (rejected === undefined) return undefined;
  return rejected.reason instanceof Error ? rejected.reason : new Error(String(rejected.reason));
}
