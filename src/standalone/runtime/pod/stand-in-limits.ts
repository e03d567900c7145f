import { FairleadError } from '../../../base/errors.ts';
import type { Pod } from '../../../kube/types/core.ts';

/**
 * Throws for a pod that asks for what this runtime cannot give and that could not be left out unseen: a stand-in is
 * stricter than the original, never laxer.
 */
export function refuseWhatIsNotOffered(pod: Pod): void {
  const [first] = refusals(pod);
  if (first === undefined) return;
  throw new FairleadError(
    'runtime/not-offered',
    `${first.field} is not offered by this cluster: ${first.why}`,
    {
      object: `Pod/${pod.metadata.namespace}/${pod.metadata.name}`,
      field: first.field,
      hint: `Remove ${first.field} from the pod.`,
    },
  );
}

interface Refusal {
  readonly field: string;
  readonly why: string;
}

function refusals(pod: Pod): readonly Refusal[] {
  const { spec } = pod;
  const wanted: readonly (readonly [boolean, string, string])[] = [
    [spec.hostPID === true, 'spec.hostPID', 'the processes of a node are those of this machine'],
    [spec.hostIPC === true, 'spec.hostIPC', "a node's IPC objects are those of this machine"],
    [
      spec.shareProcessNamespace === true,
      'spec.shareProcessNamespace',
      'each container has its own processes',
    ],
    [spec.hostUsers === false, 'spec.hostUsers', 'containers have the user ids of this machine'],
    [
      ![undefined, ''].includes(spec.runtimeClassName),
      'spec.runtimeClassName',
      'there is one runtime, which starts programs of this machine',
    ],
    ...profiles(pod).map(
      ({ field, type }) =>
        [
          type === 'Localhost',
          field,
          'profiles of a node are not loaded; use RuntimeDefault or Unconfined',
        ] as const,
    ),
  ];
  return wanted.flatMap(([isWanted, field, why]) => (isWanted ? [{ field, why }] : []));
}

/** What the pod asks for that it runs without: one sentence each, for people to see once. */
export function notEnforced(pod: Pod): readonly string[] {
  const { spec } = pod;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const limited = ['cpu', 'memory'].filter(name =>
    containers.some(container => container.resources?.limits?.[name] !== undefined),
  );
  const volumes = spec.volumes ?? [];
  const bounded = volumes.filter(
    ({ emptyDir }) => emptyDir?.sizeLimit !== undefined && emptyDir.medium !== 'Memory',
  );
  const ofNode = volumes.filter(volume => volume.hostPath !== undefined);
  const confined = profiles(pod).filter(profile => profile.type === 'RuntimeDefault');
  const names = (list: readonly { readonly name: string }[]) => list.map(each => each.name).join(', ');
  return [
    ...(limited.length === 0 ? [] : [`limits of ${limited.join(' and ')} are not enforced`]),
    ...(bounded.length === 0 ? [] : [`sizeLimit of the volume ${names(bounded)} is not enforced`]),
    ...(ofNode.length === 0
      ? []
      : [`the hostPath of the volume ${names(ofNode)} is the node's own, not that of this machine`]),
    ...(confined.length === 0 ? [] : [`${confined.map(each => each.field).join(', ')} is not applied`]),
  ];
}

/** The seccomp and AppArmor profiles that a pod names, with their fields. */
function profiles(pod: Pod): readonly { readonly field: string; readonly type: string }[] {
  const { spec } = pod;
  const at = (list: string, containers: typeof spec.containers | undefined) =>
    (containers ?? []).map(
      (container, index) => [`spec.${list}[${index}]`, container.securityContext] as const,
    );
  const contexts = [
    ['spec', spec.securityContext] as const,
    ...at('initContainers', spec.initContainers),
    ...at('containers', spec.containers),
  ];
  return contexts.flatMap(([path, context]) =>
    (['seccompProfile', 'appArmorProfile'] as const).flatMap(name => {
      const type = context?.[name]?.type;
      return type === undefined ? [] : [{ field: `${path}.securityContext.${name}`, type }];
    }),
  );
}
