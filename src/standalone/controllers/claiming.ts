import { FairleadError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/api-error.ts';
import { PODS, describeObject, keyOf, parseKey } from '../../kube/resources.ts';
import type { Resource } from '../../kube/resources.ts';
import { matchesSelector } from '../../kube/selector.ts';
import type { Pod } from '../../kube/types/core.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { ControllerContext } from './context.ts';
import { orphanIndex } from './informers.ts';
import { isActive } from './pod-state.ts';
import type { SelectingOwner } from './ownership.ts';
import { adoptPatch, claimAll, controllerReference, releasePatch } from './ownership.ts';

export interface Claiming<O extends KubeObject, D extends KubeObject> {
  readonly client: KubeClient;
  readonly owner: O;
  readonly ownerResource: Resource<O>;
  readonly ownerType: { readonly apiVersion: string; readonly kind: string };
  readonly dependents: Resource<D>;
  readonly candidates: readonly D[];
  readonly matches: (candidate: D) => boolean;
}

/**
 * Adopts and releases until the owner owns exactly the matching candidates, and returns those. Before the first
 * adoption the owner is read from the API: the cache may not know yet that it is being deleted.
 */
export async function claimDependents<O extends KubeObject, D extends KubeObject>(
  claiming: Claiming<O, D>,
): Promise<readonly D[]> {
  const { client, owner, dependents } = claiming;
  const claims = claimAll(owner, claiming.candidates, claiming.matches);
  for (const dependent of claims.release) {
    await patchIfPresent(
      client,
      dependents,
      dependent,
      releasePatch(dependent, new Set([owner.metadata.uid ?? ''])),
    );
  }
  if (claims.adopt.length === 0) return claims.owned;
  await mustBeAlive(claiming);
  const adopted: D[] = [];
  for (const dependent of claims.adopt) {
    const patch = adoptPatch(dependent, controllerReference(owner, claiming.ownerType));
    if (await patchIfPresent(client, dependents, dependent, patch)) adopted.push(dependent);
  }
  return [...claims.owned, ...adopted];
}

/** Claims the pods that the owner's selector matches; an orphan only where `mayAdopt` holds. */
export function claimPods<O extends SelectingOwner>(
  { client, informers }: Pick<ControllerContext, 'client' | 'informers'>,
  owner: O,
  type: Pick<Claiming<O, Pod>, 'ownerResource' | 'ownerType'>,
  mayAdopt: (pod: Pod) => boolean = isActive,
): Promise<readonly Pod[]> {
  const { cache } = informers.pods;
  const { namespace = '', uid = '' } = owner.metadata;
  const { selector } = owner.spec;
  return claimDependents({
    client,
    owner,
    ...type,
    dependents: PODS,
    candidates: [
      ...cache.by('controller', uid),
      ...cache.by('controller', orphanIndex(namespace)).filter(mayAdopt),
    ],
    matches: pod => selector !== undefined && matchesSelector(selector, pod.metadata.labels ?? {}),
  });
}

async function mustBeAlive<O extends KubeObject, D extends KubeObject>(
  claiming: Claiming<O, D>,
): Promise<void> {
  const { client, owner, ownerResource } = claiming;
  const live = await client.get(ownerResource, parseKey(keyOf(owner)));
  if (live.metadata.uid === owner.metadata.uid && live.metadata.deletionTimestamp === undefined) return;
  throw new FairleadError(
    'controllers/owner-gone',
    'The owner was deleted or replaced before it could adopt.',
    {
      object: describeObject(owner),
    },
  );
}

/** False if the dependent is gone. */
async function patchIfPresent<D extends KubeObject>(
  client: KubeClient,
  resource: Resource<D>,
  dependent: D,
  patch: object,
): Promise<boolean> {
  try {
    await client.patch(resource, parseKey(keyOf(dependent)), patch, { type: 'merge' });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
