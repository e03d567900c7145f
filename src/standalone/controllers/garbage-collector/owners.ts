import { isNotFound } from '../../../kube/api-error.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { OwnerReference } from '../../../kube/types/meta.ts';
import type { DiscoveredResource } from '../discovery.ts';
import { isOutOfScope } from './decide.ts';
import type { OwnerState } from './decide.ts';
import { graphObject, waitsForDependents } from './graph.ts';
import type { GraphObject, OwnerGraph } from './graph.ts';

export interface OwnerLookup {
  readonly client: KubeClient;
  readonly graph: OwnerGraph;
  readonly resourceOf: (group: string, kind: string) => DiscoveredResource | undefined;
}

/** The state of every owner of `object`, by uid: from the graph where it shows the owner, else from the API. */
export async function ownerStates(
  lookup: OwnerLookup,
  object: GraphObject,
): Promise<ReadonlyMap<string, OwnerState>> {
  const states = new Map<string, OwnerState>();
  for (const reference of object.owners) {
    states.set(
      reference.uid,
      knownState(lookup, object, reference) ?? (await liveState(lookup, object, reference)),
    );
  }
  return states;
}

/** Undefined unless the graph shows the very owner, where the reference says it is. */
export function knownState(
  lookup: Pick<OwnerLookup, 'graph'>,
  object: GraphObject,
  reference: OwnerReference,
): OwnerState | undefined {
  const owner = lookup.graph.get(reference.uid);
  if (owner === undefined) return undefined;
  const isThere =
    owner.name === reference.name &&
    owner.resource.kind === reference.kind &&
    owner.resource.group === groupOf(reference) &&
    (owner.namespace === '' || owner.namespace === object.namespace);
  if (!isThere) return undefined;
  return waitsForDependents(owner) ? 'waiting' : 'present';
}

async function liveState(
  lookup: OwnerLookup,
  object: GraphObject,
  reference: OwnerReference,
): Promise<OwnerState> {
  const resource = lookup.resourceOf(groupOf(reference), reference.kind);
  if (resource === undefined || isOutOfScope(object, resource.namespaced)) return 'unknown';
  const key = { name: reference.name, ...(resource.namespaced ? { namespace: object.namespace } : {}) };
  try {
    const live = graphObject(resource, await lookup.client.get(resource, key));
    if (live.uid !== reference.uid) return 'absent';
    return waitsForDependents(live) ? 'waiting' : 'present';
  } catch (error) {
    if (isNotFound(error)) return 'absent';
    throw error;
  }
}

export function groupOf(reference: OwnerReference): string {
  const slash = reference.apiVersion.indexOf('/');
  return slash < 0 ? '' : reference.apiVersion.slice(0, slash);
}
