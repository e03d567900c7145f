import type { DaemonSet, Deployment } from '../../kube/types/apps.ts';

export interface FoundController {
  readonly flags: readonly string[];
  /** `namespace/name` of its settings. */
  readonly configMap: string | undefined;
}

/** The flags of the controller's container, or those that a person gives; and the ConfigMap that they name. */
export function findController(
  workloads: readonly (Deployment | DaemonSet)[],
  given: readonly string[],
): FoundController {
  const flags = given.length > 0 ? given.map(flag => `--${flag.replace(/^--?/, '')}`) : found(workloads);
  const named = flags.find(flag => flag.startsWith('--configmap='))?.slice('--configmap='.length);
  return { flags, configMap: named };
}

function found(workloads: readonly (Deployment | DaemonSet)[]): readonly string[] {
  for (const { metadata, spec } of workloads)
    for (const container of spec?.template?.spec?.containers ?? []) {
      const args = [...(container.command ?? []), ...(container.args ?? [])];
      const isController =
        /ingress-nginx\/controller|nginx-ingress-controller/.test(container.image ?? '') ||
        args.some(argument => argument.endsWith('/nginx-ingress-controller'));
      if (!isController) continue;
      const own = metadata.namespace ?? 'default';
      return args.map(argument => argument.replaceAll('$(POD_NAMESPACE)', own));
    }
  return [];
}
