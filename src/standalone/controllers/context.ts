import type { Clock } from '../../base/clock.ts';
import { FairleadError, sentenceOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { WorkQueue } from '../../base/work-queue.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isConflict, isNotFound } from '../../kube/api-error.ts';
import type { Events } from './events.ts';
import type { SharedInformers } from './informers.ts';

/** What every controller is given. They share informers, so that each kind is watched once. */
export interface ControllerContext {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly informers: SharedInformers;
  readonly events: Events;
  readonly signal: AbortSignal;
}

/** A running loop. Its state is in the API: it may end at any moment and start again elsewhere. */
export interface Controller {
  readonly name: string;
  close(): Promise<void>;
}

/** The queue of one controller. A key that fails is tried again with growing delay, and holds up no other. */
export function controllerQueue<K>(
  context: Pick<ControllerContext, 'clock' | 'log'>,
  name: string,
  handle: (key: K) => Promise<void>,
  concurrency: number,
): WorkQueue<K> {
  const log = context.log.scope(name);
  return new WorkQueue(handle, {
    clock: context.clock,
    concurrency,
    onError: (key, error, retryInMilliseconds) => {
      const fields = { key, retryInMilliseconds, error: sentenceOf(error), ...codeOf(error) };
      // The cache was behind: the next try sees what has changed.
      if (isConflict(error) || isNotFound(error)) log.debug(fields, 'The object changed meanwhile.');
      else log.warn(fields, 'An object could not be brought to its desired state.');
    },
  });
}

function codeOf(error: unknown): object {
  return error instanceof FairleadError ? { code: error.code } : {};
}
