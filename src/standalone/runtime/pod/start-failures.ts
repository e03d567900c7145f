import { sentenceOf } from '../../../base/errors.ts';
import type { Container } from '../../../kube/types/core.ts';
import type { Image } from '../../images/index.ts';
import type { NodeContext } from '../context.ts';
import type { ObservedContainer } from './observed.ts';
import { Pauses, type PauseRange } from './pauses.ts';
import type { TellEvent } from './pod-event.ts';

export interface StartFailuresOptions {
  readonly context: NodeContext;
  readonly signal: AbortSignal;
  readonly event: TellEvent;
  readonly seen: (container: string) => ObservedContainer;
  readonly change: (container: string, change: Partial<ObservedContainer>) => void;
}

const CONFIGURATION: PauseRange = { first: 1000, last: 30_000 };
const IMAGE: PauseRange = { first: 10_000, last: 300_000 };
/** ErrImagePull is shown for as long, then ImagePullBackOff. */
const PULL_ERROR_SHOWN = 2000;

/** Why containers are not started: told in their status and as events, and tried again with growing pauses. */
export class StartFailures {
  readonly #options: StartFailuresOptions;
  readonly #pauses = new Pauses();

  constructor(options: StartFailuresOptions) {
    this.#options = options;
  }

  /** What the container's image stands for. Throws for one that stands for nothing. */
  imageOf(container: Container): Image {
    const resolved = this.#options.context.images.resolve(container.image ?? '');
    if (resolved.kind === 'mapped') return resolved.image;
    throw new ImageRefused(resolved.reason, resolved.message);
  }

  clear(container: Container): void {
    this.#pauses.succeeded(container.name);
  }

  record(container: Container, error: unknown): void {
    const { context, event, change } = this.#options;
    const message = sentenceOf(error);
    const isImage = error instanceof ImageRefused;
    const reason = isImage ? error.reason : 'CreateContainerConfigError';
    const retryAt = context.clock.now() + this.#pauses.next(container.name, isImage ? IMAGE : CONFIGURATION);
    change(container.name, { waiting: { reason, message, retryAt } });
    if (isImage)
      event(container, 'Warning', 'Failed', `Failed to pull image "${container.image}": ${message}`);
    event(container, 'Warning', 'Failed', isImage ? `Error: ${reason}` : `Error: ${message}`);
    if (reason === 'ErrImagePull') this.#backOffLater(container, message, retryAt);
  }

  #backOffLater(container: Container, message: string, retryAt: number): void {
    const { context, signal, event, seen, change } = this.#options;
    const backOff = () => {
      if (seen(container.name).waiting?.retryAt !== retryAt) return;
      const sentence = `Back-off pulling image "${container.image}"`;
      const waiting = {
        reason: 'ImagePullBackOff',
        message: `${sentence}: ErrImagePull: ${message}`,
        retryAt,
      };
      change(container.name, { waiting });
      event(container, 'Normal', 'BackOff', sentence);
    };
    void context.clock.sleep(PULL_ERROR_SHOWN, signal).then(backOff, () => undefined); // the pod or the runtime ends
  }
}

class ImageRefused extends Error {
  readonly reason: 'InvalidImageName' | 'ErrImagePull';

  constructor(reason: 'InvalidImageName' | 'ErrImagePull', message: string) {
    super(message);
    this.reason = reason;
  }
}
