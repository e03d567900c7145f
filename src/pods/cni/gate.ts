import type { Pod } from '../../kube/types/pod.ts';
import type { Attachment } from '../model.ts';

/**
 * Something that has to be in force before a pod gets its first packet through. ADD awaits the gates in their order when
 * the addresses are reserved and the veth does not exist yet. A gate that throws, or is not through when the signal is
 * aborted, makes ADD fail with "try again later"; nothing is wired then.
 */
export interface PodGate {
  readonly name: string;
  admit(pod: Pod, attachment: Attachment, signal: AbortSignal): Promise<void>;
}

/** Where ADD finds the pod that the runtime names. */
export interface PodSource {
  /** Resolves when the pod is known as one of this node's; rejects with the signal's reason. */
  known(
    pod: { readonly namespace: string; readonly name: string; readonly uid: string },
    signal: AbortSignal,
  ): Promise<Pod>;
}
