import type { ConfigMap } from '../../kube/types/config.ts';
import type { Found } from './check.ts';

export interface KubeProxySettings {
  readonly object: NonNullable<Found['object']>;
  /** What runs: nothing written means iptables on Linux. */
  readonly mode: string;
  readonly written: string;
  readonly nodePortAddresses: readonly string[];
  readonly clusterCidrs: readonly string[];
  /** How it knows what comes from pods: nothing written means ClusterCIDR. */
  readonly detectLocalMode: string;
}

/**
 * The settings that kubeadm and its kin keep in the ConfigMap kube-proxy (KubeProxyConfiguration, as YAML in a string).
 * Only flat keys are wanted, so lines are read, not the language: a file that is cut off or has templating left in still
 * tells what it tells.
 */
export function readKubeProxy(configMaps: readonly ConfigMap[]): KubeProxySettings | undefined {
  const map = configMaps.find(
    ({ data, metadata }) => metadata.name.startsWith('kube-proxy') && settingsOf(data) !== undefined,
  );
  const text = settingsOf(map?.data);
  if (map === undefined || text === undefined) return undefined;
  const written = scalarOf(text, 'mode');
  return {
    object: { kind: 'ConfigMap', metadata: map.metadata },
    mode: written === '' ? 'iptables' : written,
    written,
    nodePortAddresses: listOf(text, 'nodePortAddresses'),
    detectLocalMode: scalarOf(text, 'detectLocalMode') || 'ClusterCIDR',
    clusterCidrs: scalarOf(text, 'clusterCIDR')
      .split(',')
      .filter(part => part !== ''),
  };
}

const settingsOf = (data: ConfigMap['data'] = {}): string | undefined =>
  data['config.conf'] ?? Object.values(data).find(text => text.includes('KubeProxyConfiguration'));

const unquoted = (text: string): string =>
  text
    .replace(/\s#.*$/, '')
    .trim()
    .replaceAll(/^["']|["']$/g, '');

function scalarOf(text: string, key: string): string {
  const line = text.split('\n').find(one => one.startsWith(`${key}:`));
  const value = unquoted(line?.slice(key.length + 1) ?? '');
  return value === 'null' ? '' : value;
}

function listOf(text: string, key: string): readonly string[] {
  const lines = text.split('\n');
  const at = lines.findIndex(line => line.startsWith(`${key}:`));
  const inline = /\[(.*)\]/.exec(lines[at] ?? '')?.[1];
  if (at < 0) return [];
  if (inline !== undefined) return inline.split(',').map(unquoted).filter(Boolean);
  const rest = lines.slice(at + 1);
  const end = rest.findIndex(line => !/^\s*-/.test(line));
  return (end < 0 ? rest : rest.slice(0, end)).map(line => unquoted(line.replace(/^\s*-/, '')));
}
