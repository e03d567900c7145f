import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError, sentenceOf } from '../../../base/errors.ts';
import type { Container, Pod, Volume } from '../../../kube/types/core.ts';
import type { VolumeMountPlan } from '../container/root.ts';
import { expand } from '../container/expand.ts';
import { writeAtomically } from './atomic-directory.ts';
import { hasPayload, payloadOf, type PayloadSources } from './payload.ts';

/** The directory that a pod's volume is mounted from. */
function volumeDirectory(podDirectory: string, volume: string): string {
  return join(podDirectory, 'volumes', volume);
}

/**
 * Makes the pod's volumes, or brings their content up to date; may be repeated. Throws
 * `MountVolume.SetUp failed for volume "x" : …` for the first one that cannot be.
 */
export async function setUpVolumes(pod: Pod, podDirectory: string, sources: PayloadSources): Promise<void> {
  for (const volume of pod.spec.volumes ?? []) {
    try {
      await setUp(volume, pod, volumeDirectory(podDirectory, volume.name), sources);
    } catch (cause) {
      throw new FairleadError(
        'runtime/volume',
        `MountVolume.SetUp failed for volume "${volume.name}" : ${sentenceOf(cause)}`,
        { object: `Pod/${pod.metadata.namespace}/${pod.metadata.name}`, field: 'spec.volumes', cause },
      );
    }
  }
}

/** Whether a change of the API's objects can change what is in the pod's volumes. */
export function hasChangingVolumes(pod: Pod): boolean {
  return (pod.spec.volumes ?? []).some(hasPayload);
}

async function setUp(volume: Volume, pod: Pod, directory: string, sources: PayloadSources): Promise<void> {
  const group = pod.spec.securityContext?.fsGroup;
  if (volume.emptyDir !== undefined) {
    if (mkdirSync(directory, { recursive: true, mode: 0o777 }) === undefined) return;
    if (group !== undefined) chownSync(directory, 0, group);
    chmodSync(directory, group === undefined ? 0o777 : 0o2777);
    return;
  }
  if (!hasPayload(volume)) throw notOffered(volume);
  const payload = await payloadOf(volume, sources);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  writeAtomically(directory, payload, group);
}

function notOffered(volume: Volume): FairleadError {
  const kind = Object.keys(volume).find(key => key !== 'name') ?? 'nothing';
  return new FairleadError(
    'runtime/volume-kind',
    `volumes of the kind ${kind} are not offered by this cluster`,
    {
      hint: 'Use emptyDir, configMap, secret, downwardAPI or projected.',
    },
  );
}

/** Where a container's mounts come from, with `subPathExpr` put in. Throws for a mount that names no volume. */
export function volumeMounts(
  pod: Pod,
  container: Container,
  podDirectory: string,
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
    const inside =
      mount.subPathExpr === undefined || mount.subPathExpr === ''
        ? (mount.subPath ?? '')
        : expand(mount.subPathExpr, name => environment.get(name));
    if (inside.startsWith('/') || inside.split('/').includes('..')) {
      throw new FairleadError(
        'runtime/volume-mount',
        `the subPath "${inside}" leads out of the volume ${mount.name}`,
      );
    }
    return {
      source: volumeDirectory(podDirectory, volume.name),
      target: absolute(mount.mountPath),
      readOnly: mount.readOnly === true || hasPayload(volume),
      ...(inside === '' ? {} : { inside }),
    };
  });
}

/** mountPath may be relative to the root and end with a slash. */
function absolute(path: string): string {
  const clean = path.replace(/\/+$/, '').replace(/\/{2,}/g, '/');
  return clean.startsWith('/') ? clean : `/${clean}`;
}
