import type { PodSource } from '../pods/index.ts';
import type { Informer } from '../kube/informer.ts';
import type { Pod } from '../kube/types/pod.ts';

/** Finds the pods that the runtime names among those that the API has bound to this node; waits for one that is new. */
export function podSource(informer: Informer<Pod>): PodSource {
  return {
    known: (reference, signal) =>
      new Promise((resolve, reject) => {
        const find = () => {
          const pod = informer.cache.get(`${reference.namespace}/${reference.name}`);
          return pod !== undefined && isSame(pod, reference.uid) ? pod : undefined;
        };
        const found = find();
        if (found !== undefined) {
          resolve(found);
          return;
        }
        const settle = () => {
          end();
          signal.removeEventListener('abort', onAbort);
        };
        const onAbort = () => {
          settle();
          reject(signal.reason as Error);
        };
        const end = informer.onChange(({ after }) => {
          if (after?.metadata.name !== reference.name || after.metadata.namespace !== reference.namespace)
            return;
          if (!isSame(after, reference.uid)) return;
          settle();
          resolve(after);
        });
        if (signal.aborted) onAbort();
        else signal.addEventListener('abort', onAbort, { once: true });
      }),
  };
}

/** kubelet names a static pod by its file's hash; its mirror in the API tells that hash in an annotation. */
function isSame(pod: Pod, uid: string): boolean {
  return (
    uid === '' ||
    pod.metadata.uid === uid ||
    pod.metadata.annotations?.['kubernetes.io/config.hash'] === uid ||
    pod.metadata.annotations?.['kubernetes.io/config.mirror'] === uid
  );
}
