import { isNotFound } from '../../../kube/api-error.ts';
import type { Change } from '../../../kube/informer.ts';
import type { ObjectKey } from '../../../kube/resources.ts';
import type { KubeObject } from '../../../kube/types/meta.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { discover } from '../discovery.ts';
import type { DiscoveredResource } from '../discovery.ts';
import { releasePatch } from '../ownership.ts';
import { blockers, collect, isOutOfScope } from './decide.ts';
import {
  FOREGROUND_FINALIZER,
  ORPHAN_FINALIZER,
  OwnerGraph,
  graphObject,
  leavesOrphans,
  waitsForDependents,
} from './graph.ts';
import type { GraphObject } from './graph.ts';
import { Monitors } from './monitors.ts';
import type { Watched } from './monitors.ts';
import { groupOf, knownState, ownerStates } from './owners.ts';

const REDISCOVER = '';
/** Kinds that come and go (CustomResourceDefinitions) are noticed this soon. */
const REDISCOVER_MILLISECONDS = 30_000;

/**
 * Deletes what its owners have left behind, and sees foreground and orphaning deletions through. Before anything is
 * deleted, the API has confirmed both the object and the absence of its owners: caches may be late.
 */
export function startGarbageCollector(context: ControllerContext): Controller {
  const { client, clock, informers, log } = context;
  const events = context.events.of('garbage-collector-controller');
  const graph = new OwnerGraph();
  const monitors = new Monitors({
    client,
    clock,
    log,
    shared: new Map<string, Watched>([
      ['pods', informers.pods],
      ['nodes', informers.nodes],
      ['namespaces', informers.namespaces],
      ['replicasets.apps', informers.replicaSets],
      ['deployments.apps', informers.deployments],
    ]),
    onChange: changed,
  });
  const lookup = {
    client,
    graph,
    resourceOf: (group: string, kind: string) => monitors.resourceOf(group, kind),
  };
  const queue = controllerQueue(context, 'garbage-collector', handle, 8);
  /** What to look at once the graph is full: until then, an owner that is missing from it says nothing. */
  let early: Set<string> | undefined = new Set<string>();
  queue.add(REDISCOVER);

  function changed(resource: DiscoveredResource, { before, after }: Change<KubeObject>): void {
    const old = before === undefined ? undefined : graphObject(resource, before);
    const now = after === undefined ? undefined : graphObject(resource, after);
    const touched = new Set<string>();
    if (now !== undefined) {
      graph.put(now);
      if (now.owners.length > 0 || waitsForDependents(now) || leavesOrphans(now)) touched.add(now.uid);
    } else if (old !== undefined) {
      for (const dependent of graph.dependentsOf(old.uid)) touched.add(dependent.uid);
      graph.remove(old.uid);
      queue.forget(old.uid);
    }
    for (const { uid } of [...(old?.owners ?? []), ...(now?.owners ?? [])]) {
      const owner = graph.get(uid);
      if (owner !== undefined && waitsForDependents(owner)) touched.add(uid);
    }
    for (const uid of touched) enqueue(uid);
  }

  function enqueue(uid: string): void {
    if (early === undefined) queue.add(uid);
    else early.add(uid);
  }

  async function handle(uid: string): Promise<void> {
    if (uid === REDISCOVER) {
      await followKinds();
      queue.addAfter(REDISCOVER, REDISCOVER_MILLISECONDS);
      return;
    }
    const object = graph.get(uid);
    if (object === undefined) return;
    if (leavesOrphans(object)) await orphan(object);
    else if (waitsForDependents(object)) await deleteDependentsFirst(object);
    const settled = object.owners.every(owner => knownState(lookup, object, owner) === 'present');
    if (!settled) await collectIfUnowned(object);
  }

  async function followKinds(): Promise<void> {
    const { resources } = await discover(client);
    await monitors.follow(resources.filter(isOwnable));
    const waiting = early ?? [];
    early = undefined;
    for (const uid of waiting) queue.add(uid);
  }

  async function collectIfUnowned(known: GraphObject): Promise<void> {
    const live = await read(known);
    if (live === undefined) return;
    const object = graphObject(known.resource, live);
    reportInvalid(object, live);
    const states = await ownerStates(lookup, object);
    const stateOf = (owner: { readonly uid: string }) => states.get(owner.uid) ?? 'unknown';
    const verdict = collect(object, stateOf, graph.dependentsOf(object.uid));
    if (verdict.kind === 'strip') await patch(object, releasePatch(live, verdict.uids));
    if (verdict.kind === 'delete') {
      const { resourceVersion, uid } = live.metadata;
      await ignoreAbsence(
        client.delete(object.resource, keyOf(object), {
          propagationPolicy: verdict.propagationPolicy,
          preconditions: {
            ...(uid === undefined ? {} : { uid }),
            ...(resourceVersion === undefined ? {} : { resourceVersion }),
          },
        }),
      );
    }
  }

  async function deleteDependentsFirst(object: GraphObject): Promise<void> {
    const dependents = graph.dependentsOf(object.uid);
    if (blockers(object, dependents).length === 0) {
      await removeFinalizer(object, FOREGROUND_FINALIZER);
      return;
    }
    for (const dependent of dependents) if (!dependent.deleting) queue.add(dependent.uid);
  }

  async function orphan(object: GraphObject): Promise<void> {
    for (const dependent of graph.dependentsOf(object.uid)) {
      const live = await read(dependent);
      if (live !== undefined) await patch(dependent, releasePatch(live, new Set([object.uid])));
    }
    await removeFinalizer(object, ORPHAN_FINALIZER);
  }

  async function removeFinalizer(object: GraphObject, finalizer: string): Promise<void> {
    const live = await read(object);
    if (live === undefined) return;
    const { resourceVersion, uid } = live.metadata;
    const finalizers = (live.metadata.finalizers ?? []).filter(each => each !== finalizer);
    await patch(object, { metadata: { resourceVersion, uid, finalizers } });
  }

  /** The object as the API has it; undefined if it, or this very one, is gone. */
  async function read(object: GraphObject): Promise<KubeObject | undefined> {
    try {
      const live: KubeObject = await client.get(object.resource, keyOf(object));
      return live.metadata.uid === object.uid ? live : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async function patch(object: GraphObject, change: object): Promise<void> {
    await ignoreAbsence(client.patch(object.resource, keyOf(object), change, { type: 'merge' }));
  }

  function reportInvalid(object: GraphObject, live: KubeObject): void {
    for (const reference of object.owners) {
      const resource = monitors.resourceOf(groupOf(reference), reference.kind);
      const elsewhere = graph.get(reference.uid);
      const invalid =
        (resource !== undefined && isOutOfScope(object, resource.namespaced)) ||
        (elsewhere !== undefined && elsewhere.namespace !== '' && elsewhere.namespace !== object.namespace);
      if (!invalid) continue;
      const owner = `${reference.kind} ${reference.name}, uid ${reference.uid}`;
      const problem =
        object.namespace === ''
          ? 'a cluster-scoped object cannot be owned by a namespaced one'
          : `there is none in namespace ${object.namespace}`;
      events.warning(live, 'OwnerRefInvalidNamespace', `Invalid owner (${owner}): ${problem}`);
    }
  }

  return {
    name: 'garbage-collector',
    close: async () => {
      await queue.close();
      monitors.stop();
    },
  };
}

/** Events belong to no one and are many; they expire by themselves. */
function isOwnable(resource: DiscoveredResource): boolean {
  return resource.plural !== 'events' && resource.verbs.includes('watch');
}

function keyOf(object: GraphObject): ObjectKey {
  return object.namespace === '' ? { name: object.name } : { namespace: object.namespace, name: object.name };
}

async function ignoreAbsence(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
