import { sentenceOf } from '../../../base/errors.ts';
import { ApiError } from '../../../kube/api-error.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { discover } from '../discovery.ts';
import type { DiscoveredResource } from '../discovery.ts';
import type { Emptying } from './decide.ts';

/** Enough to tell whether something is left, and whose finalizers hold it up. */
const PAGE = 500;

/**
 * Deletes what a namespace holds, of every kind that the server has, and says what is left. Pods go first and everything
 * else stays until they are gone (KEP-5080): a pod never outlives the NetworkPolicy that isolates it.
 */
export async function emptyNamespace(client: KubeClient, namespace: string): Promise<Emptying> {
  const found = {
    discoveryFailures: [] as string[],
    contentFailures: [] as string[],
    remaining: new Map<string, number>(),
    finalizers: new Map<string, number>(),
  };
  const { resources, failures } = await discover(client);
  found.discoveryFailures.push(...failures);
  const namespaced = resources.filter(resource => resource.namespaced);
  const isPods = (resource: DiscoveredResource) => resource.group === '' && resource.plural === 'pods';
  const empty = (resource: DiscoveredResource) => emptyOf(client, resource, namespace, found);
  await Promise.all(namespaced.filter(isPods).map(empty));
  if (found.remaining.size > 0) return found;
  await Promise.all(namespaced.filter(resource => !isPods(resource)).map(empty));
  return found;
}

interface MutableEmptying {
  readonly contentFailures: string[];
  readonly remaining: Map<string, number>;
  readonly finalizers: Map<string, number>;
}

async function emptyOf(
  client: KubeClient,
  resource: DiscoveredResource,
  namespace: string,
  found: MutableEmptying,
): Promise<void> {
  const name = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
  try {
    const before = await client.list(resource, { namespace, limit: 1 });
    if (before.items.length === 0) return;
    if (resource.verbs.includes('deletecollection')) {
      await client.deleteCollection(resource, { namespace, propagationPolicy: 'Background' });
    } else {
      await deleteEach(client, resource, namespace);
    }
    const left = await client.list(resource, { namespace, limit: PAGE });
    if (left.items.length === 0) return;
    found.remaining.set(name, left.items.length + (left.remainingItemCount ?? 0));
    for (const finalizer of left.items.flatMap(object => object.metadata.finalizers ?? [])) {
      found.finalizers.set(finalizer, (found.finalizers.get(finalizer) ?? 0) + 1);
    }
  } catch (error) {
    // A kind that went away between discovery and list (its definition was deleted) holds nothing.
    if (error instanceof ApiError && (error.status === 404 || error.status === 405)) return;
    found.contentFailures.push(`${name}: ${sentenceOf(error)}`);
  }
}

async function deleteEach(
  client: KubeClient,
  resource: DiscoveredResource,
  namespace: string,
): Promise<void> {
  const { items } = await client.list(resource, { namespace, limit: PAGE });
  for (const object of items) {
    await client.delete(
      resource,
      { namespace, name: object.metadata.name },
      { propagationPolicy: 'Background' },
    );
  }
}
