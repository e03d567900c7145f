import type { ConfigMap } from '../../../kube/types/config.ts';
import type { Container } from '../../../kube/types/container.ts';
import type { LabelSelector } from '../../../kube/types/meta.ts';
import type { Pod } from '../../../kube/types/pod.ts';

/** Pods that are made alike: what a policy selects. */
export interface Workload {
  /** `namespace/name` */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  /** Selects its pods; of pods of other workloads only those that carry the same labels. */
  readonly selector: LabelSelector;
  readonly pods: readonly Pod[];
  readonly serviceAccount: string;
}

/** Labels that controllers give each pod or each revision: a policy that names them ends with the next rollout. */
const passing: ReadonlySet<string> = new Set([
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'batch.kubernetes.io/controller-uid',
  'batch.kubernetes.io/job-completion-index',
  'controller-uid',
  'job-name',
  'batch.kubernetes.io/job-name',
]);
/** Version and tool labels change with a release, and say nothing of who it is. */
const changing: ReadonlySet<string> = new Set([
  'app.kubernetes.io/version',
  'app.kubernetes.io/managed-by',
  'helm.sh/chart',
  'version',
]);

/** The pods that policies apply to, by the labels that last. Pods without such labels are told apart by nothing. */
export function workloadsOf(pods: readonly Pod[]): readonly Workload[] {
  const own = pods.filter(
    ({ spec, status }) =>
      spec.hostNetwork !== true && status?.phase !== 'Succeeded' && status?.phase !== 'Failed',
  );
  const groups = Map.groupBy(own, pod => `${namespaceOf(pod)}\0${JSON.stringify(lastingLabels(pod))}`);
  return [...groups.values()]
    .flatMap((group): Workload[] => {
      const [first] = group;
      if (first === undefined) return [];
      const namespace = namespaceOf(first);
      const name = nameOf(first);
      return [
        {
          key: `${namespace}/${name}`,
          namespace,
          name,
          selector: { matchLabels: Object.fromEntries(lastingLabels(first)) },
          pods: group,
          serviceAccount: first.spec.serviceAccountName ?? 'default',
        },
      ];
    })
    .toSorted((one, other) => (one.key < other.key ? -1 : 1));
}

const namespaceOf = ({ metadata }: Pod): string => metadata.namespace ?? 'default';

const lastingLabels = ({ metadata }: Pod): readonly (readonly [string, string])[] =>
  Object.entries(metadata.labels ?? {})
    .filter(([key]) => !passing.has(key) && !changing.has(key))
    .toSorted(([one], [other]) => (one < other ? -1 : 1));

/** As people call it: the controller’s name without what it adds for a revision. */
function nameOf({ metadata }: Pod): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const hash = metadata.labels?.['pod-template-hash'];
  const name = owner?.name ?? metadata.name;
  return hash !== undefined && name.endsWith(`-${hash}`) ? name.slice(0, -hash.length - 1) : name;
}

/** A text that a workload is started with, and where it stands. */
export interface StartText {
  readonly text: string;
  /** `env UPSTREAM of container web` */
  readonly place: string;
  /** What it is called, where it has a name. */
  readonly variable?: string;
}

/** Everything that a workload’s program is told at its start: arguments, environment, and ConfigMaps that it reads. */
export function startTexts(
  { pods, namespace }: Workload,
  configMaps: ReadonlyMap<string, ConfigMap>,
): readonly StartText[] {
  const [pod] = pods;
  if (pod === undefined) return [];
  const mapOf = (name: string | undefined) => configMaps.get(`${namespace}/${name ?? ''}`);
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const mounted = (pod.spec.volumes ?? []).flatMap(({ configMap, projected }) => [
    configMap?.name,
    ...(projected?.sources ?? []).map(source => source.configMap?.name),
  ]);
  return [
    ...containers.flatMap(container => ofContainer(container, mapOf)),
    ...[...new Set(mounted)].flatMap(name =>
      Object.entries(mapOf(name)?.data ?? {}).map(([key, text]) => ({
        text,
        place: `${key} of ConfigMap ${name ?? ''}`,
        variable: key,
      })),
    ),
  ];
}

function ofContainer(
  { args = [], command = [], env = [], envFrom = [], name }: Container,
  mapOf: (name: string | undefined) => ConfigMap | undefined,
): readonly StartText[] {
  return [
    ...[...command, ...args].map(text => ({ text, place: `an argument of container ${name}` })),
    ...env.flatMap(({ name: variable, value, valueFrom }) => {
      const reference = valueFrom?.configMapKeyRef;
      const text = value ?? mapOf(reference?.name)?.data?.[reference?.key ?? ''];
      return text === undefined ? [] : [{ text, place: `env ${variable} of container ${name}`, variable }];
    }),
    ...envFrom.flatMap(({ configMapRef }) =>
      Object.entries(mapOf(configMapRef?.name)?.data ?? {}).map(([key, text]) => ({
        text,
        place: `${key} of ConfigMap ${configMapRef?.name ?? ''}, an environment of container ${name}`,
        variable: key,
      })),
    ),
  ];
}
