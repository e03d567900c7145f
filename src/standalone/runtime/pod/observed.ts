import type { Ending, RunRecord } from '../container/records.ts';

/** Something that is made once and may have to be tried again. `retryAt`: milliseconds since the epoch. */
export type Step<T> =
  | { readonly at: 'absent' }
  | { readonly at: 'doing' }
  | { readonly at: 'failed'; readonly reason: string; readonly message: string; readonly retryAt: number }
  | { readonly at: 'done'; readonly value: T };

export interface Sandbox {
  /** The pod's addresses, the primary family first. */
  readonly addresses: readonly string[];
  readonly networkNamespace: string;
}

/** One run of a container. */
export type Run =
  | { readonly at: 'starting'; readonly attempt: number; readonly id: string }
  | { readonly at: 'running'; readonly attempt: number; readonly id: string; readonly record: RunRecord }
  | { readonly at: 'ended'; readonly attempt: number; readonly id: string; readonly ending: Ending };

/** Why a container is not started although it should be; `retryAt` is when it is tried again. */
export interface Waiting {
  readonly reason: string;
  readonly message: string;
  readonly retryAt: number;
}

export interface Unhealthy {
  /** The event's sentence. */
  readonly reason: string;
  /** How long the probe that failed lets it end, instead of the pod (Probe.terminationGracePeriodSeconds). */
  readonly graceSeconds: number | undefined;
}

export interface ObservedContainer {
  readonly run: Run | undefined;
  /** The ended run before that one. */
  readonly previous: (Run & { readonly at: 'ended' }) | undefined;
  readonly waiting: Waiting | undefined;
  /** The startup probe has succeeded, or there is none; meaningful while it runs. */
  readonly started: boolean;
  /** By the readiness probe. */
  readonly ready: boolean;
  /** It is being stopped; nothing needs to be done but wait. */
  readonly stopping: boolean;
  /** A probe or hook wants it to end. */
  readonly unhealthy: Unhealthy | undefined;
  /** How often in a row it had to be started again: what the back-off grows with. */
  readonly backoffLevel: number;
}

/** What the runtime knows about a pod, beside the object of the API. */
export interface Observed {
  readonly volumes: Step<undefined>;
  readonly sandbox: Step<Sandbox>;
  readonly removing: 'no' | 'doing' | 'done';
  readonly containers: ReadonlyMap<string, ObservedContainer>;
  /** The API has no such pod any more: end it soon. */
  readonly gone: boolean;
  /** Milliseconds since the epoch at which this runtime or the one before it took the pod. */
  readonly startTime: number;
}

export const unseen: ObservedContainer = {
  run: undefined,
  previous: undefined,
  waiting: undefined,
  started: false,
  ready: false,
  stopping: false,
  unhealthy: undefined,
  backoffLevel: 0,
};

export function containerIn(observed: Observed, name: string): ObservedContainer {
  return observed.containers.get(name) ?? unseen;
}
