import { sentenceOf } from '../../../base/errors.ts';
import { isConflict, isNotFound } from '../../../kube/client.ts';
import { PODS } from '../../../kube/resources.ts';
import type { Pod, PodStatus } from '../../../kube/types/core.ts';
import type { RuntimeContext } from '../context.ts';

const RETRY_FIRST = 100;
const RETRY_LAST = 10_000;

/** Tells the API a pod's status: only what changed, one request at a time, the latest always in the end. */
export class StatusReporter {
  readonly #context: RuntimeContext;
  readonly #signal: AbortSignal;
  #wanted: { readonly pod: Pod; readonly status: PodStatus; readonly text: string } | undefined;
  #sent = '';
  #busy: Promise<void> | undefined;

  constructor(context: RuntimeContext, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
  }

  report(pod: Pod, status: PodStatus): void {
    const text = JSON.stringify(status);
    if (text === (this.#wanted?.text ?? this.#sent)) return;
    this.#wanted = { pod, status, text };
    this.#busy ??= this.#work();
  }

  /** Resolves when the API knows the latest status, or has no such pod. */
  async flushed(): Promise<void> {
    await this.#busy;
  }

  async #work(): Promise<void> {
    let delay = RETRY_FIRST;
    try {
      while (this.#wanted !== undefined && !this.#signal.aborted) {
        const { pod, status, text } = this.#wanted;
        try {
          await this.#context.writes.run(() => this.#write(pod, status));
          this.#sent = text;
          delay = RETRY_FIRST;
          if (this.#wanted.text === text) this.#wanted = undefined;
        } catch (error) {
          this.#context.log.debug(
            { pod: pod.metadata.name, error: sentenceOf(error) },
            'The status was not written.',
          );
          await this.#context.clock.sleep(delay, this.#signal).catch(() => undefined);
          delay = Math.min(delay * 2, RETRY_LAST);
        }
      }
    } finally {
      this.#busy = undefined;
    }
  }

  /** A strategic merge, as a kubelet's: conditions that others own stay. The uid guards against a namesake. */
  async #write(pod: Pod, status: PodStatus): Promise<void> {
    const { namespace = '', name, uid } = pod.metadata;
    const patch = { metadata: { uid }, status: withRemovals(pod.status, status) };
    try {
      await this.#context.client.patch(PODS, { namespace, name }, patch, {
        type: 'strategic',
        subresource: 'status',
      });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

/** A merge leaves what is not named: what has ended is named, fields with null, list entries with a directive. */
function withRemovals(before: PodStatus | undefined, after: PodStatus): Readonly<Record<string, unknown>> {
  const ended = (['reason', 'message'] as const).filter(
    key => before?.[key] !== undefined && after[key] === undefined,
  );
  const conditions = after.conditions?.map(condition => {
    const known = before?.conditions?.find(each => each.type === condition.type);
    const gone = (['reason', 'message'] as const).filter(
      key => known?.[key] !== undefined && condition[key] === undefined,
    );
    return { ...condition, ...Object.fromEntries(gone.map(key => [key, null])) };
  });
  return {
    ...after,
    conditions,
    ...addresses('podIPs', before, after),
    ...addresses('hostIPs', before, after),
    ...Object.fromEntries(ended.map(key => [key, null])),
  };
}

function addresses(key: 'podIPs' | 'hostIPs', before: PodStatus | undefined, after: PodStatus) {
  const now = after[key];
  if (now === undefined) return {};
  const gone = (before?.[key] ?? []).filter(old => !now.some(each => each.ip === old.ip));
  return { [key]: [...now, ...gone.map(old => ({ ip: old.ip, $patch: 'delete' }))] };
}
