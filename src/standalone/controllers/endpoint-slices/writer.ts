import type { Clock } from '../../../base/clock.ts';
import type { Informer } from '../../../kube/informer.ts';
import type { KubeObject } from '../../../kube/types/meta.ts';
import { isNotFound } from '../../../kube/api-error.ts';
import { ENDPOINT_SLICES, keyOf, parseKey } from '../../../kube/resources.ts';
import type { EndpointSlice } from '../../../kube/types/discovery.ts';
import type { ControllerContext } from '../context.ts';
import { randomSuffix } from '../pod-from-template.ts';
import type { SlicePlan } from './plan.ts';

/** A write that the cache does not show by then is not waited for: the next turn may then make a slice too many, or fail. */
const LONGEST_WAIT_MILLISECONDS = 2000;
/** As the server's own name generator: a name has at most 63 characters with its suffix. */
const LONGEST_PREFIX = 58;

/** Brings a plan to the API; resolves when the cache shows it, as the next turn has to know what this one wrote. */
export function sliceWriter({ client, clock, informers: { endpointSlices } }: ControllerContext) {
  async function create(slice: EndpointSlice): Promise<void> {
    const prefix = (slice.metadata.generateName ?? '').slice(0, LONGEST_PREFIX);
    const metadata = { ...slice.metadata, name: `${prefix}${randomSuffix()}` };
    await seen(await client.create(ENDPOINT_SLICES, { ...slice, metadata }));
  }

  async function update(slice: EndpointSlice): Promise<void> {
    await seen(await client.update(ENDPOINT_SLICES, slice));
  }

  async function remove(slice: EndpointSlice): Promise<void> {
    const { uid } = slice.metadata;
    try {
      const preconditions = uid === undefined ? {} : { preconditions: { uid } };
      await client.delete(ENDPOINT_SLICES, parseKey(keyOf(slice)), preconditions);
    } catch (error) {
      if (!isNotFound(error)) throw error; // it went by itself
    }
  }

  const seen = (slice: EndpointSlice) => untilSeen(clock, endpointSlices, slice);

  return async (plan: SlicePlan): Promise<void> => {
    await Promise.all([...plan.create.map(create), ...plan.update.map(update)]);
    // Readers see an endpoint in two slices rather than in none.
    await Promise.all(plan.remove.map(remove));
  };
}

/** Resolves when the cache shows what was written, or does not for too long. */
export async function untilSeen<T extends KubeObject>(
  clock: Clock,
  informer: Informer<T>,
  { metadata }: KubeObject,
): Promise<void> {
  const late = new AbortController();
  const done = new AbortController();
  const timer = clock.sleep(LONGEST_WAIT_MILLISECONDS, done.signal).then(
    () => late.abort(new Error('the cache is late')),
    () => undefined, // it was not
  );
  await informer.reached(metadata.resourceVersion ?? '', late.signal).catch(() => undefined);
  done.abort(new Error('seen'));
  await timer;
}
