import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import { EventRecorder } from '../../kube/events.ts';
import type { KubeObject } from '../../kube/types/meta.ts';

/** What people read under `kubectl describe`. Telling never fails and never waits. */
export interface Narrator {
  normal(object: KubeObject, reason: string, note: string): void;
  warning(object: KubeObject, reason: string, note: string): void;
}

/** One recorder a component, under the names that people know from a real control plane. */
export class Events {
  readonly #options: { readonly client: KubeClient; readonly clock: Clock; readonly log: Log };
  readonly #recorders: EventRecorder[] = [];

  constructor(options: { readonly client: KubeClient; readonly clock: Clock; readonly log: Log }) {
    this.#options = options;
  }

  of(component: string): Narrator {
    const recorder = new EventRecorder({ ...this.#options, component });
    this.#recorders.push(recorder);
    return {
      normal: (object, reason, note) => recorder.record(object, { type: 'Normal', reason, note }),
      warning: (object, reason, note) => recorder.record(object, { type: 'Warning', reason, note }),
    };
  }

  /** Writes what is still waiting. */
  async close(): Promise<void> {
    await Promise.all(this.#recorders.map(recorder => recorder.flush()));
  }
}
