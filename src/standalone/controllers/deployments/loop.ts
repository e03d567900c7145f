import { isDeepStrictEqual } from 'node:util';
import { sentenceOf } from '../../../base/errors.ts';
import { isAlreadyExists } from '../../../kube/api-error.ts';
import { DEPLOYMENTS, REPLICA_SETS, keyOf, parseKey } from '../../../kube/resources.ts';
import { matchesSelector } from '../../../kube/selector.ts';
import type { Deployment, ReplicaSet } from '../../../kube/types/apps.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { claimDependents } from '../claiming.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { orphanIndex } from '../informers.ts';
import { controllerOf, ownersConcerned } from '../ownership.ts';
import { PendingWrites } from '../pending-writes.ts';
import { isTerminated } from '../pod-state.ts';
import { plan } from './decide.ts';
import type { Write } from './decide.ts';
import { REVISION } from './revision.ts';
import type { Progress } from './status.ts';
import { replicasOf } from './strategy.ts';
import { sameTemplate } from './template.ts';

const TYPE = { apiVersion: 'apps/v1', kind: 'Deployment' };

/** Rolls each Deployment's template out through its ReplicaSets. */
export function startDeployments(context: ControllerContext): Controller {
  const { client, clock, informers } = context;
  const { deployments, pods, replicaSets } = informers;
  const events = context.events.of('deployment-controller');
  const pending = new PendingWrites(clock);
  const queue = controllerQueue(context, 'deployments', synchronize, 5);

  const deploymentsOf = (set: ReplicaSet | undefined): readonly string[] =>
    ownersConcerned(deployments.cache, TYPE.kind, set);

  const stop = [
    deployments.onChange(({ before, after }) => {
      const deployment = after ?? before;
      if (deployment !== undefined) queue.add(keyOf(deployment));
    }),
    replicaSets.onChange(({ before, after }) => {
      for (const key of new Set([...deploymentsOf(before), ...deploymentsOf(after)])) queue.add(key);
    }),
    pods.onChange(({ before, after }) => {
      // Recreate waits for the end of old pods; everything else shows in the status of their set.
      if (before === undefined || (after !== undefined && !isTerminated(after))) return;
      const set = setOf(before);
      for (const key of deploymentsOf(set)) queue.add(key);
    }),
  ];

  async function synchronize(key: string): Promise<void> {
    const deployment = deployments.cache.get(key);
    if (deployment === undefined) {
      pending.forget(key);
      return;
    }
    const wait = pending.unseen(key, set => replicaSets.cache.get(set)?.metadata.resourceVersion);
    if (wait !== undefined) {
      queue.addAfter(key, wait); // the set's own change comes first, normally
      return;
    }
    const next = plan({
      deployment,
      sets: await claimSets(deployment),
      hasRunningPods: set =>
        pods.cache.by('controller', set.metadata.uid ?? '').some(pod => !isTerminated(pod)),
      now: clock.now(),
    });
    let progress: Progress | undefined;
    let latest = deployment;
    try {
      for (const write of next.writes) progress = (await execute(deployment, key, write)) ?? progress;
      if (next.revision !== undefined) latest = await annotate(deployment, next.revision);
    } catch (error) {
      if (next.writes.some(write => write.do === 'create')) {
        progress = { kind: 'create-failed', message: sentenceOf(error) };
        await writeStatus(latest, next.status(progress));
      }
      throw error;
    }
    await writeStatus(latest, next.status(progress));
    if (next.again !== undefined) queue.addAfter(key, next.again);
  }

  async function claimSets(deployment: Deployment): Promise<readonly ReplicaSet[]> {
    const candidates = [
      ...replicaSets.cache.by('controller', deployment.metadata.uid ?? ''),
      ...replicaSets.cache.by('controller', orphanIndex(deployment.metadata.namespace ?? '')),
    ];
    return claimDependents({
      client,
      owner: deployment,
      ownerResource: DEPLOYMENTS,
      ownerType: TYPE,
      dependents: REPLICA_SETS,
      candidates,
      matches: set => matchesSelector(deployment.spec.selector, set.metadata.labels ?? {}),
    });
  }

  async function execute(deployment: Deployment, key: string, write: Write): Promise<Progress | undefined> {
    const name = write.set.metadata.name;
    switch (write.do) {
      case 'create':
        return createSet(deployment, key, write.set);
      case 'update':
        pending.wrote(key, write.set, await client.update(REPLICA_SETS, write.set));
        return undefined;
      case 'scale': {
        pending.wrote(key, write.set, await client.update(REPLICA_SETS, write.set));
        const to = replicasOf(write.set);
        if (to !== write.from) scaled(deployment, name, write.from, to);
        return undefined;
      }
      case 'delete': {
        const preconditions = write.set.metadata.uid === undefined ? {} : { uid: write.set.metadata.uid };
        await client.delete(REPLICA_SETS, parseKey(keyOf(write.set)), {
          propagationPolicy: 'Background',
          preconditions,
        });
        return undefined;
      }
      default:
        return write satisfies never;
    }
  }

  async function createSet(
    deployment: Deployment,
    key: string,
    set: ReplicaSet,
  ): Promise<Progress | undefined> {
    const { name } = set.metadata;
    try {
      pending.wrote(key, undefined, await client.create(REPLICA_SETS, set));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return { kind: 'collided', count: await countCollision(deployment, set) };
    }
    if (replicasOf(set) > 0) scaled(deployment, name, 0, replicasOf(set));
    return { kind: 'created', set: name };
  }

  /**
   * The name is taken: by our own earlier request, which the cache will show, or by a stranger. Then the hash has to
   * change, and the change of the count brings the Deployment back.
   */
  async function countCollision(deployment: Deployment, set: ReplicaSet): Promise<number> {
    const other = await client.get(REPLICA_SETS, parseKey(keyOf(set)));
    const ours = controllerOf(other)?.uid === deployment.metadata.uid;
    const { template } = other.spec;
    const count = deployment.status?.collisionCount ?? 0;
    return ours && template !== undefined && sameTemplate(template, deployment.spec.template)
      ? count
      : count + 1;
  }

  function scaled(deployment: Deployment, set: string, from: number, to: number): void {
    const way = to > from ? 'up' : 'down';
    events.normal(deployment, 'ScalingReplicaSet', `Scaled ${way} replica set ${set} from ${from} to ${to}`);
  }

  async function annotate(deployment: Deployment, revision: number): Promise<Deployment> {
    const patch = { metadata: { annotations: { [REVISION]: String(revision) } } };
    return client.patch(DEPLOYMENTS, parseKey(keyOf(deployment)), patch, { type: 'merge' });
  }

  async function writeStatus(deployment: Deployment, status: Deployment['status']): Promise<void> {
    if (status === undefined || isDeepStrictEqual(status, deployment.status)) return;
    await client.update(DEPLOYMENTS, { ...deployment, status }, { subresource: 'status' });
  }

  function setOf(pod: Pod): ReplicaSet | undefined {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return undefined;
    return replicaSets.cache.get(`${pod.metadata.namespace ?? ''}/${owner.name}`);
  }

  return {
    name: 'deployments',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}
