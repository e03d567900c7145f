import type { DaemonSet } from '../../kube/types/apps.ts';
import { networkPlugins, policyEngines } from './network-plugins.ts';
import type { NetworkPlugin } from './network-plugins.ts';

export interface InstalledPlugin {
  readonly plugin: NetworkPlugin;
  readonly daemonSet: DaemonSet;
  /** The tag of its image; empty where it has none. */
  readonly version: string;
}

const imagesOf = ({ spec }: DaemonSet): readonly string[] =>
  spec.template.spec.containers.flatMap(({ image }) => image ?? []);

/** Which network plugins run on nodes, by the DaemonSets that bring them. */
export function installedPlugins(daemonSets: readonly DaemonSet[]): readonly InstalledPlugin[] {
  return daemonSets.flatMap(daemonSet => {
    for (const image of imagesOf(daemonSet)) {
      const plugin = networkPlugins.find(one => one.image.test(image));
      if (plugin !== undefined)
        return [{ plugin: asSwitched(plugin, daemonSet), daemonSet, version: versionOf(image) }];
    }
    return [];
  });
}

/** A plugin without what its own options switch off. */
function asSwitched({ off, ...plugin }: NetworkPlugin, { spec }: DaemonSet): NetworkPlugin {
  const words = new Set(
    spec.template.spec.containers.flatMap(({ args = [], command = [] }) => [...command, ...args]),
  );
  const { replacesProxy, ...rest } = plugin;
  return {
    ...rest,
    enforces: plugin.enforces && !(off !== undefined && words.has(off.enforces)),
    ...(replacesProxy === undefined || (off !== undefined && words.has(off.replacesProxy))
      ? {}
      : { replacesProxy }),
  };
}

/** A product that enforces NetworkPolicies for plugins that do not, by name. */
export function installedPolicyEngine(daemonSets: readonly DaemonSet[]): string | undefined {
  const images = daemonSets.flatMap(imagesOf);
  return policyEngines.find(({ image }) => images.some(one => image.test(one)))?.name;
}

function versionOf(image: string): string {
  const name = image.split('@')[0] ?? image;
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(colon + 1) : '';
}
