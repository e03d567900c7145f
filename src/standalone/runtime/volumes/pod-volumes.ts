import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError, sentenceOf } from '../../../base/errors.ts';
import { mountFileSystem, mountsBelow, unmount } from '../../../kernel/mount/index.ts';
import { parseQuantity } from '../../../kube/quantity.ts';
import type { Container, EmptyDirVolumeSource, Pod, Volume } from '../../../kube/types/core.ts';
import type { Objects } from '../container/environment.ts';
import type { VolumeMountPlan } from '../container/root.ts';
import { expand } from '../container/expand.ts';
import { writeAtomically } from './atomic-directory.ts';
import { claimDirectory, claimNameOf, makeClaimDirectory } from './claims.ts';
import { pathInNode, prepareHostPath } from './host-path.ts';
import { hasPayload, payloadOf, type PayloadSources } from './payload.ts';

/** Where the volumes of a pod are. */
export interface VolumePlaces {
  /** The pod's own directory. */
  readonly pod: string;
  /** What the node has by hostPath. */
  readonly node: string;
  /** Files of claims. */
  readonly claims: string;
}

/** What an emptyDir in memory holds where it names no limit. */
const MEMORY_BYTES = 256 << 20;

/** The directory of a volume that is the pod's own. */
function volumeDirectory(places: VolumePlaces, volume: string): string {
  return join(places.pod, 'volumes', volume);
}

/**
 * Makes the pod's volumes, or brings their content up to date; may be repeated. Throws
 * `MountVolume.SetUp failed for volume "x" : …` for the first one that cannot be.
 */
export async function setUpVolumes(pod: Pod, places: VolumePlaces, sources: PayloadSources): Promise<void> {
  for (const volume of pod.spec.volumes ?? []) {
    try {
      await setUp(volume, pod, places, sources);
    } catch (cause) {
      throw new FairleadError(
        'runtime/volume',
        `MountVolume.SetUp failed for volume "${volume.name}" : ${sentenceOf(cause)}`,
        { object: `Pod/${pod.metadata.namespace}/${pod.metadata.name}`, field: 'spec.volumes', cause },
      );
    }
  }
}

/** Ends what is mounted of a pod's volumes, so that its directory can be removed. */
export function unmountVolumes(podDirectory: string): void {
  for (const path of mountsBelow(join(podDirectory, 'volumes'))) unmount(path);
}

/** Whether a change of the API's objects can change what is in the pod's volumes. */
export function hasChangingVolumes(pod: Pod): boolean {
  return (pod.spec.volumes ?? []).some(hasPayload);
}

async function setUp(volume: Volume, pod: Pod, places: VolumePlaces, sources: PayloadSources): Promise<void> {
  const group = pod.spec.securityContext?.fsGroup;
  const directory = volumeDirectory(places, volume.name);
  if (volume.emptyDir !== undefined) {
    makeEmptyDirectory(directory, volume.emptyDir, group);
    return;
  }
  if (volume.hostPath !== undefined) {
    prepareHostPath(places.node, volume.hostPath);
    return;
  }
  const claim = claimNameOf(pod, volume);
  if (claim !== undefined) {
    const found = sources.objects.claim(pod.metadata.namespace ?? '', claim);
    makeClaimDirectory(claimDirectory(places.claims, { pod, volume, name: claim }, found), group);
    return;
  }
  if (!hasPayload(volume)) throw notOffered(volume);
  const payload = await payloadOf(volume, sources);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  writeAtomically(directory, payload, group);
}

function makeEmptyDirectory(
  directory: string,
  { medium, sizeLimit }: EmptyDirVolumeSource,
  group: number | undefined,
): void {
  if (medium?.startsWith('HugePages') === true)
    throw new FairleadError('runtime/volume-kind', `an emptyDir of ${medium} is not offered by this cluster`);
  const isNew = mkdirSync(directory, { recursive: true, mode: 0o777 }) !== undefined;
  // Mounted is not the same as made: the runtime may have died in between.
  if (medium === 'Memory' && mountsBelow(directory).length === 0) {
    mountFileSystem('tmpfs', directory, `size=${memoryBytes(sizeLimit)},mode=0777`);
  } else if (!isNew) return;
  if (group !== undefined) chownSync(directory, 0, group);
  chmodSync(directory, group === undefined ? 0o777 : 0o2777);
}

/** A limit below one byte is one: to the kernel, a size of 0 is none at all (tmpfs(5)). */
export function memoryBytes(sizeLimit: string | number | undefined): bigint {
  const limit = parseQuantity(sizeLimit ?? '');
  if (limit === undefined || limit <= 0n) return BigInt(MEMORY_BYTES);
  return (limit + BILLION - 1n) / BILLION;
}

/** `parseQuantity` counts in billionths. */
const BILLION = 1_000_000_000n;

function notOffered(volume: Volume): FairleadError {
  const kind = Object.keys(volume).find(key => key !== 'name') ?? 'nothing';
  return new FairleadError(
    'runtime/volume-kind',
    `volumes of the kind ${kind} are not offered by this cluster`,
    {
      hint: 'Use emptyDir, configMap, secret, downwardAPI, projected, hostPath, persistentVolumeClaim or ephemeral.',
    },
  );
}

/** Where a container's mounts come from, with `subPathExpr` put in. Throws for a mount that names no volume. */
export function volumeMounts(
  pod: Pod,
  container: Container,
  places: VolumePlaces,
  objects: Objects,
  environment: ReadonlyMap<string, string>,
): readonly VolumeMountPlan[] {
  return (container.volumeMounts ?? []).map(mount => {
    const volume = pod.spec.volumes?.find(each => each.name === mount.name);
    if (volume === undefined) {
      throw new FairleadError(
        'runtime/volume-mount',
        `the mount ${mount.mountPath} names no volume of the pod: ${mount.name}`,
      );
    }
    const subPath =
      mount.subPathExpr === undefined || mount.subPathExpr === ''
        ? (mount.subPath ?? '')
        : expand(mount.subPathExpr, name => environment.get(name));
    if (subPath.startsWith('/') || subPath.split('/').includes('..')) {
      throw new FairleadError(
        'runtime/volume-mount',
        `the subPath "${subPath}" leads out of the volume ${mount.name}`,
      );
    }
    const { source, inside } = sourceOf(pod, volume, places, objects);
    const path = [inside, subPath].filter(part => part !== '').join('/');
    return {
      source,
      target: absolute(mount.mountPath),
      readOnly:
        mount.readOnly === true || hasPayload(volume) || volume.persistentVolumeClaim?.readOnly === true,
      ...(path === '' ? {} : { inside: path }),
    };
  });
}

function sourceOf(
  pod: Pod,
  volume: Volume,
  places: VolumePlaces,
  objects: Objects,
): { readonly source: string; readonly inside: string } {
  // Found beneath the node's files by the launcher, which follows no link out of them.
  if (volume.hostPath !== undefined) return { source: places.node, inside: pathInNode(volume.hostPath) };
  const claim = claimNameOf(pod, volume);
  if (claim === undefined) return { source: volumeDirectory(places, volume.name), inside: '' };
  const found = objects.claim(pod.metadata.namespace ?? '', claim);
  // A claim that is deleted stays with the pods that have it.
  const uid = found?.metadata.uid ?? '';
  if (uid === '') throw new FairleadError('runtime/claim', `persistentvolumeclaim "${claim}" not found`);
  return { source: join(places.claims, uid), inside: '' };
}

/** mountPath may be relative to the root and end with a slash. */
function absolute(path: string): string {
  const clean = path.replace(/\/+$/, '').replace(/\/{2,}/g, '/');
  return clean.startsWith('/') ? clean : `/${clean}`;
}
