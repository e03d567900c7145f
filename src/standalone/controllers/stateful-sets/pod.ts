import type { ControllerRevision, PodTemplateSpec, StatefulSet } from '../../../kube/types/apps.ts';
import type { PersistentVolumeClaimTemplate, Pod, Volume } from '../../../kube/types/core.ts';
import { podFromTemplate } from '../pod-from-template.ts';
import { REVISION_HASH_LABEL, templateOf } from '../revisions/revision.ts';

export const STATEFUL_SET_TYPE = { apiVersion: 'apps/v1', kind: 'StatefulSet' };

/** The number at the end of a pod's name; undefined for a name that is not the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const { name } = pod.metadata;
  if (!name.startsWith(`${set.metadata.name}-`)) return undefined;
  const digits = name.slice(set.metadata.name.length + 1);
  return /^(0|[1-9]\d{0,9})$/.test(digits) ? Number(digits) : undefined;
}

/** The pod of a place, with what makes it recognisable in it: name, host name, subdomain and labels. */
export function podOf(set: StatefulSet, ordinal: number, revision: ControllerRevision): Pod {
  const name = `${set.metadata.name}-${ordinal}`;
  const template = templateOf(revision) ?? set.spec.template;
  return podFromTemplate({
    owner: set,
    ownerType: STATEFUL_SET_TYPE,
    template: placed(set, template, name),
    name,
    labels: {
      'statefulset.kubernetes.io/pod-name': name,
      'apps.kubernetes.io/pod-index': String(ordinal),
      [REVISION_HASH_LABEL]: revision.metadata.name,
    },
  });
}

function placed(set: StatefulSet, template: PodTemplateSpec, name: string): PodTemplateSpec {
  const { serviceName, volumeClaimTemplates = [] } = set.spec;
  const claims = claimVolumes(volumeClaimTemplates, name);
  const claimed = new Set(claims.map(volume => volume.name));
  const volumes = [...(template.spec.volumes ?? []).filter(volume => !claimed.has(volume.name)), ...claims];
  return {
    ...template,
    spec: {
      ...template.spec,
      hostname: name,
      ...(serviceName === undefined || serviceName === '' ? {} : { subdomain: serviceName }),
      ...(volumes.length === 0 ? {} : { volumes }),
    },
  };
}

function claimVolumes(templates: readonly PersistentVolumeClaimTemplate[], pod: string): readonly Volume[] {
  return templates.flatMap(({ metadata }) => {
    const name = metadata?.name ?? '';
    return name === '' ? [] : [{ name, persistentVolumeClaim: { claimName: `${name}-${pod}` } }];
  });
}
