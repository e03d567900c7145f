import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { ApiError } from '../kube/api-error.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { parseKey } from '../kube/resources.ts';
import type { Resource } from '../kube/resources.ts';
import type { KubeObject } from '../kube/types/meta.ts';

export interface FollowedObjectsOptions<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly client: Pick<KubeClient, 'get' | 'list' | 'watch'>;
  readonly clock: Clock;
  readonly log: Log;
  /** An object is there, is another, or is gone. */
  readonly onChange: (key: string) => void;
  readonly signal: AbortSignal;
}

/** A watch that tells nothing for this long may be forbidden: then the API is asked why. */
const GRACE_MILLISECONDS = 5000;

interface Followed<T extends KubeObject> {
  readonly informer: Informer<T>;
  readonly stop: AbortController;
  isKnown: boolean;
}

/** Follows the objects that something refers to (Secrets, ConfigMaps), each by a watch of its own, and no others. */
export class FollowedObjects<T extends KubeObject> {
  readonly #options: FollowedObjectsOptions<T>;
  readonly #followed = new Map<string, Followed<T>>();

  constructor(options: FollowedObjectsOptions<T>) {
    this.#options = options;
  }

  /** Follows these from now on, and no longer any other. Keys are `namespace/name`. */
  want(keys: ReadonlySet<string>): void {
    for (const [key, { stop }] of this.#followed) {
      if (keys.has(key)) continue;
      stop.abort(new Error('no longer referred to'));
      this.#followed.delete(key);
    }
    for (const key of keys) if (!this.#followed.has(key)) this.#follow(key);
  }

  get(key: string): T | undefined {
    return this.#followed.get(key)?.informer.cache.get(key);
  }

  /** Is it known of all of them whether they are there? Until then nothing may be concluded from an absent one. */
  areKnown(keys: Iterable<string>): boolean {
    return [...keys].every(key => this.#followed.get(key)?.isKnown === true);
  }

  #follow(key: string): void {
    const { client, clock, log, onChange, resource, signal } = this.#options;
    const { namespace = '', name } = parseKey(key);
    const stop = new AbortController();
    const ends = AbortSignal.any([signal, stop.signal]);
    const informer = new Informer(client, resource, {
      namespace,
      fieldSelector: `metadata.name=${name}`,
      clock,
      log,
    });
    const followed: Followed<T> = { informer, stop, isKnown: false };
    const know = () => {
      if (followed.isKnown || ends.aborted) return;
      followed.isKnown = true;
      informer.onChange(() => onChange(key));
      onChange(key);
    };
    this.#followed.set(key, followed);
    informer.start(ends);
    informer.synced.then(know, () => undefined); // stopped before
    void this.#untilRefused(key, followed, ends).then(know, () => undefined); // stopped before
  }

  /** Resolves when the API has said that the object is not to be had: an API that says nothing has not said that. */
  async #untilRefused(key: string, followed: Followed<T>, ends: AbortSignal): Promise<void> {
    const { client, clock, resource } = this.#options;
    while (!followed.isKnown) {
      await clock.sleep(GRACE_MILLISECONDS, ends);
      const answer = await client
        .get(resource, parseKey(key), { signal: ends })
        .catch((error: unknown) => error);
      if (answer instanceof ApiError && (answer.status === 403 || answer.status === 404)) return;
    }
  }
}
