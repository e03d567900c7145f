import { FairleadError } from '../../base/errors.ts';
import { INFRASTRUCTURE_KEYS } from '../../gateway/compile-proxy-objects.ts';
import { isAlreadyExists } from '../../kube/client.ts';
import type { KubeClient } from '../../kube/client.ts';
import { describeObject, keyOf, parseKey } from '../../kube/resources.ts';
import type { Resource } from '../../kube/resources.ts';
import type { KubeObject, ObjectMeta } from '../../kube/types/meta.ts';

/**
 * Makes an object, or brings what it says about the fields of `desired` back to them; other fields are other people's.
 * Throws `gateway/name-taken` where the name belongs to an object that is not the same owner's.
 */
export async function keepObject<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  present: T | undefined,
  desired: NoInfer<T>,
): Promise<void> {
  if (present === undefined) {
    await client.create(resource, desired).catch(async (error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
      // The cache is behind, or does not hold what has not our label.
      const found = await client.get(resource, parseKey(keyOf(desired)));
      if (!isSameOwner(found.metadata, desired.metadata)) throw taken(desired);
    });
    return;
  }
  if (!isSameOwner(present.metadata, desired.metadata)) throw taken(desired);
  const { metadata, ...rest } = desired;
  const { labels, annotations } = metadata;
  const gone = [...keysOf(present.metadata)].filter(key => !keysOf(metadata).has(key));
  const without = (map: ObjectMeta['labels'], now: ObjectMeta['labels']) =>
    Object.fromEntries(
      gone.filter(key => map?.[key] !== undefined && now?.[key] === undefined).map(key => [key, null]),
    );
  const patch = {
    ...rest,
    metadata: {
      labels: { ...labels, ...without(present.metadata.labels, labels) },
      annotations: { ...annotations, ...without(present.metadata.annotations, annotations) },
    },
  };
  if (isCovered(patch, present)) return;
  const { uid, resourceVersion } = present.metadata;
  await client.patch(
    resource,
    parseKey(keyOf(present)),
    { ...patch, metadata: { ...patch.metadata, uid, resourceVersion } },
    { type: 'merge' },
  );
}

/** Does `present` say everything that the patch says? What a server adds to it does not count; null is nothing. */
export function isCovered(patch: unknown, present: unknown): boolean {
  if (patch === null || patch === undefined) return present === undefined || present === null;
  if (Array.isArray(patch)) {
    return (
      Array.isArray(present) &&
      present.length === patch.length &&
      patch.every((member, index) => isCovered(member, present[index]))
    );
  }
  if (typeof patch !== 'object') return patch === present;
  if (typeof present !== 'object' || present === null) return Object.keys(patch).length === 0;
  const fields = new Map<string, unknown>(Object.entries(present));
  return Object.entries(patch).every(([key, value]) => isCovered(value, fields.get(key)));
}

/** Names that GatewayInfrastructure gave the object. */
function keysOf({ annotations }: ObjectMeta): ReadonlySet<string> {
  return new Set((annotations?.[INFRASTRUCTURE_KEYS] ?? '').split(',').filter(key => key !== ''));
}

function isSameOwner(a: ObjectMeta, b: ObjectMeta): boolean {
  const ownerOf = ({ ownerReferences }: ObjectMeta) =>
    ownerReferences?.find(({ controller }) => controller)?.uid;
  return ownerOf(a) !== undefined && ownerOf(a) === ownerOf(b);
}

const taken = (desired: KubeObject): FairleadError =>
  new FairleadError(
    'gateway/name-taken',
    `${describeObject(desired)} is there already and is not this Gateway's`,
    {
      object: describeObject(desired),
      hint: 'Give the Gateway another name, or delete the object.',
    },
  );
