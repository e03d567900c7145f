import { sentenceOf } from '../../base/errors.ts';
import { ApiError, isNotFound } from '../../kube/api-error.ts';
import { PODS, keyOf, parseKey } from '../../kube/resources.ts';
import type { Pod } from '../../kube/types/core.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { ControllerContext } from './context.ts';
import type { Narrator } from './events.ts';
import { Expectations } from './expectations.ts';
import { controllerOf } from './ownership.ts';
import { isTerminating } from './pod-state.ts';

/** A created pod that the cache does not show by then is looked for in the API. */
export const LOOK_AFTER_MILLISECONDS = 2000;

/**
 * How a workload controller makes and ends pods: what it asked for is remembered until the cache shows it, and people
 * are told.
 */
export class OwnedPods {
  readonly #context: Pick<ControllerContext, 'client' | 'clock'>;
  readonly #kind: string;
  readonly #events: Narrator;
  readonly #expectations = new Expectations();

  constructor(context: Pick<ControllerContext, 'client' | 'clock'>, kind: string, events: Narrator) {
    this.#context = context;
    this.#kind = kind;
    this.#events = events;
  }

  /** Pod key → when its creation was asked for, for those that were not seen yet. */
  creations(owner: string): ReadonlyMap<string, number> {
    return this.#expectations.creations(owner);
  }

  /** Uids of pods whose deletion was asked for and not seen yet. */
  deletions(owner: string): ReadonlySet<string> {
    return this.#expectations.deletions(owner);
  }

  forget(owner: string): void {
    this.#expectations.forget(owner);
  }

  /** Creates a pod whose name was chosen. A namespace that is being emptied takes none, which is no failure. */
  async create(owner: KubeObject, key: string, pod: Pod): Promise<void> {
    const { client, clock } = this.#context;
    this.#expectations.expectCreation(key, keyOf(pod), clock.now());
    try {
      await client.create(PODS, pod);
    } catch (error) {
      if (isNamespaceTerminating(error)) {
        this.#expectations.settleCreation(key, keyOf(pod));
        return; // the owner goes as well, soon
      }
      // A failure without a clear answer leaves open whether the pod exists: it is looked for before the next try.
      if (error instanceof ApiError && error.status < 500) this.#expectations.settleCreation(key, keyOf(pod));
      this.#events.warning(owner, 'FailedCreate', `Error creating: ${sentenceOf(error)}`);
      throw error;
    }
    this.#events.normal(owner, 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
  }

  async remove(owner: KubeObject, key: string, pod: Pod): Promise<void> {
    const uid = pod.metadata.uid ?? '';
    this.#expectations.expectDeletion(key, uid);
    try {
      await this.#context.client.delete(PODS, parseKey(keyOf(pod)), { preconditions: { uid } });
    } catch (error) {
      if (isNotFound(error)) return; // it went by itself; the cache will show it
      this.#expectations.settleDeletion(key, uid);
      this.#events.warning(owner, 'FailedDelete', `Error deleting: ${sentenceOf(error)}`);
      throw error;
    }
    this.#events.normal(owner, 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }

  /** A creation whose answer was lost, or that the watch is late to show: only the API knows. */
  async lookForUnseen(key: string): Promise<void> {
    const { client, clock } = this.#context;
    const due = clock.now() - LOOK_AFTER_MILLISECONDS;
    for (const [pod, since] of this.creations(key)) {
      if (since > due) continue;
      try {
        await client.get(PODS, parseKey(pod));
      } catch (error) {
        if (!isNotFound(error)) throw error;
        this.#expectations.settleCreation(key, pod);
      }
    }
  }

  /** To be told of every change of a pod. */
  seen(pod: Pod, gone: boolean): void {
    const owner = controllerOf(pod);
    if (owner?.kind !== this.#kind) return;
    const key = `${pod.metadata.namespace ?? ''}/${owner.name}`;
    this.#expectations.settleCreation(key, keyOf(pod));
    if (gone || isTerminating(pod)) this.#expectations.settleDeletion(key, pod.metadata.uid ?? '');
  }

  /** Deletions of pods that are not there any more are settled, also when their end was missed. */
  settle(key: string, present: readonly Pod[]): void {
    const uids = new Set(present.map(pod => pod.metadata.uid));
    for (const uid of this.deletions(key)) {
      if (!uids.has(uid)) this.#expectations.settleDeletion(key, uid);
    }
  }
}

/** Waits for all; the first error, if there was one. */
export async function firstError(work: readonly Promise<void>[]): Promise<Error | undefined> {
  const outcomes = await Promise.allSettled(work);
  const rejected = outcomes.find(outcome => outcome.status === 'rejected');
  if (rejected === undefined) return undefined;
  return rejected.reason instanceof Error ? rejected.reason : new Error(String(rejected.reason));
}

/** The namespace takes nothing new any more: its content is being deleted. */
function isNamespaceTerminating(error: unknown): boolean {
  const causes = error instanceof ApiError ? (error.details?.causes ?? []) : [];
  return causes.some(cause => cause.reason === 'NamespaceTerminating');
}
