import { isAlreadyExists } from '../../../kube/api-error.ts';
import { PERSISTENT_VOLUME_CLAIMS, keyOf } from '../../../kube/resources.ts';
import type { PersistentVolumeClaim, Pod } from '../../../kube/types/core.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { isTerminated } from '../pod-state.ts';
import { PROVISIONER, ephemeralClaims, stepOf } from './decide.ts';

/**
 * Gives every claim a volume at once, and holds a claim that is deleted until no pod uses it. The volume is a directory
 * that the runtime makes and removes; there are no PersistentVolumes.
 */
export function startClaims(context: ControllerContext): Controller {
  const { client, informers } = context;
  const { claims, pods } = informers;
  const events = context.events.of(PROVISIONER);
  const queue = controllerQueue(context, 'claims', synchronize, 4);
  const podQueue = controllerQueue(context, 'ephemeral-volumes', makeClaims, 2);

  const claimsOf = (pod: Pod | undefined): readonly string[] => {
    const volumes = pod?.spec.volumes ?? [];
    if (!volumes.some(volume => volume.persistentVolumeClaim ?? volume.ephemeral)) return [];
    return claims.cache.by('namespace', pod?.metadata.namespace ?? '').map(keyOf);
  };

  /** Pods that wait for a claim of their own by the name of one that is gone. */
  const podsOf = ({ metadata }: PersistentVolumeClaim): readonly string[] =>
    pods.cache
      .by('namespace', metadata.namespace ?? '')
      .filter(pod => ephemeralClaims(pod).some(claim => claim.metadata.name === metadata.name))
      .map(keyOf);

  const stop = [
    claims.onChange(({ before, after }) => {
      if (after !== undefined) queue.add(keyOf(after));
      else if (before !== undefined) for (const pod of podsOf(before)) podQueue.add(pod);
    }),
    pods.onChange(({ before, after }) => {
      if (after === undefined || isTerminated(after))
        for (const claim of claimsOf(after ?? before)) queue.add(claim);
      else if (after.spec.volumes?.some(volume => volume.ephemeral) === true) podQueue.add(keyOf(after));
      else if (before === undefined) for (const claim of claimsOf(after)) queue.add(claim);
    }),
  ];

  async function synchronize(key: string): Promise<void> {
    const claim = claims.cache.get(key);
    if (claim === undefined) return;
    const step = stepOf(claim, pods.cache.by('namespace', claim.metadata.namespace ?? ''));
    switch (step.do) {
      case 'nothing':
        return;
      case 'refuse':
        events.warning(claim, 'ProvisioningFailed', `${step.why}: a claim gets a directory of this machine.`);
        return;
      case 'let-go':
        await client.update(PERSISTENT_VOLUME_CLAIMS, step.claim);
        return;
      case 'name': {
        const named = await client.update(PERSISTENT_VOLUME_CLAIMS, step.claim);
        const next = stepOf(named, []);
        if (next.do !== 'bind') return;
        await client.update(PERSISTENT_VOLUME_CLAIMS, next.claim, { subresource: 'status' });
        events.normal(
          claim,
          'ProvisioningSucceeded',
          'The volume is a directory of this machine; its size is not limited.',
        );
        return;
      }
      case 'bind':
        await client.update(PERSISTENT_VOLUME_CLAIMS, step.claim, { subresource: 'status' });
        return;
    }
  }

  async function makeClaims(key: string): Promise<void> {
    const pod = pods.cache.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    for (const claim of ephemeralClaims(pod)) {
      if (claims.cache.get(keyOf(claim)) !== undefined) continue;
      try {
        await client.create(PERSISTENT_VOLUME_CLAIMS, claim);
      } catch (error) {
        if (!isAlreadyExists(error)) throw error; // the cache was behind
      }
    }
  }

  return {
    name: 'claims',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
      await podQueue.close();
    },
  };
}
