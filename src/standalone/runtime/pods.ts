import { keyOf } from '../../kube/resources.ts';
import type { Pod } from '../../kube/types/core.ts';
import type { NodeContext } from './context.ts';
import { PodWorker } from './pod/pod-worker.ts';
import { refersTo } from './volumes/references.ts';
import type { ObjectName } from './volumes/references.ts';

/** The pods of all nodes of this runtime, by uid: a namesake of a pod that is still ending is a pod of its own. */
export class Pods {
  readonly #nodes: ReadonlyMap<string, NodeContext>;
  readonly #workers = new Map<string, PodWorker>();
  readonly #names = new Map<string, string>();
  /** Ended here for good; the API may still show them for a while. */
  readonly #finished = new Set<string>();

  constructor(nodes: ReadonlyMap<string, NodeContext>) {
    this.#nodes = nodes;
  }

  /** The API's state of one pod; `after` undefined: it is gone. */
  changed(before: Pod | undefined, after: Pod | undefined): void {
    const uid = after?.metadata.uid;
    const oldUid = before?.metadata.uid;
    if (oldUid !== undefined && oldUid !== uid) {
      this.#finished.delete(oldUid);
      this.#workers.get(oldUid)?.removed();
    }
    if (after === undefined || uid === undefined || this.#finished.has(uid)) return;
    const known = this.#workers.get(uid);
    if (known !== undefined) {
      known.update(after);
      return;
    }
    const node = this.#nodes.get(after.spec.nodeName ?? '');
    if (node === undefined || isOver(after) || isMirror(after)) return;
    const key = keyOf(after);
    this.#names.set(key, uid);
    const worker = new PodWorker(node, after, isGone => {
      if (!isGone) this.#finished.add(uid);
      this.#workers.delete(uid);
      if (this.#names.get(key) === uid) this.#names.delete(key);
    });
    this.#workers.set(uid, worker);
  }

  byName(namespace: string, name: string): PodWorker | undefined {
    return this.#workers.get(this.#names.get(`${namespace}/${name}`) ?? '');
  }

  /** A ConfigMap or Secret changed: those who take something from it follow. */
  objectChanged(namespace: string, object: ObjectName): void {
    for (const worker of this.#workers.values()) {
      if (worker.pod.metadata.namespace === namespace && refersTo(worker.pod, object))
        worker.refreshVolumes();
    }
  }

  /** What could not be started for want of a program tries again. */
  imagesChanged(): void {
    for (const worker of this.#workers.values()) worker.retryImages();
  }

  pokeAll(): void {
    for (const worker of this.#workers.values()) worker.poke();
  }

  get size(): number {
    return this.#workers.size;
  }

  detach(): void {
    for (const worker of this.#workers.values()) worker.detach();
  }
}

/** The API's picture of something that runs without the API: whoever made it writes its status and deletes it. */
function isMirror(pod: Pod): boolean {
  return pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}

/** Deleted and finished by us already: only others' finalizers keep it. */
function isOver(pod: Pod): boolean {
  const isDone = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  return isDone && pod.metadata.deletionTimestamp !== undefined && (pod.metadata.finalizers ?? []).length > 0;
}
