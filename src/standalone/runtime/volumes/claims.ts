import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError } from '../../../base/errors.ts';
import type { PersistentVolumeClaim, Pod, Volume } from '../../../kube/types/core.ts';

/** The name of the claim behind a volume; an ephemeral volume has one that is named after pod and volume. */
export function claimNameOf(pod: Pod, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim !== undefined) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`;
}

/** The directory of a claim. Throws the sentence of a node while there is no such claim, or no volume for it. */
export function claimDirectory(
  root: string,
  { pod, volume, name }: { readonly pod: Pod; readonly volume: Volume; readonly name: string },
  claim: PersistentVolumeClaim | undefined,
): string {
  if (claim === undefined)
    throw new FairleadError('runtime/claim', `persistentvolumeclaim "${name}" not found`);
  const isOwn = claim.metadata.ownerReferences?.some(owner => owner.uid === pod.metadata.uid) === true;
  if (volume.ephemeral !== undefined && !isOwn)
    throw new FairleadError(
      'runtime/claim',
      `PVC ${pod.metadata.namespace}/${name} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`,
    );
  const { uid = '', deletionTimestamp } = claim.metadata;
  if (deletionTimestamp !== undefined)
    throw new FairleadError('runtime/claim', `persistentvolumeclaim "${name}" is being deleted`);
  if (claim.status?.phase !== 'Bound' || !/^[0-9a-z-]{1,64}$/.test(uid))
    throw new FairleadError('runtime/claim', `PVC ${name} is not bound yet`);
  return join(root, uid);
}

/** Made once, and kept: for any user, as long as no group owns it. */
export function makeClaimDirectory(directory: string, group: number | undefined): void {
  if (mkdirSync(directory, { recursive: true, mode: 0o777 }) !== undefined) chmodSync(directory, 0o777);
  if (group === undefined) return;
  chownSync(directory, 0, group);
  chmodSync(directory, 0o2777);
}

/** Removes the files of claims that are gone; returns the uids. */
export function reclaim(root: string, known: ReadonlySet<string>): readonly string[] {
  let found: readonly string[];
  try {
    found = readdirSync(root);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const gone = found.filter(uid => !known.has(uid));
  for (const uid of gone) rmSync(join(root, uid), { recursive: true, force: true });
  return gone;
}
