import type { ConfigMap } from '../../../kube/types/config.ts';

/** What of KubeProxyConfiguration changes with the mode; absent values are the defaults. */
export interface ProxySettings {
  /** `namespace/name` of the ConfigMap. */
  readonly source: string;
  readonly mode: string;
  /** By path: `ipvs.scheduler`, `iptables.localhostNodePorts`, `nodePortAddresses`; lists by commas. */
  readonly values: ReadonlyMap<string, string>;
}

/**
 * The settings as lines of `key: value` in their nesting: a file that is cut off or has templating left in still tells
 * what it tells. undefined: there is no ConfigMap of kube-proxy.
 */
export function readProxySettings(configMaps: readonly ConfigMap[]): ProxySettings | undefined {
  for (const { data, metadata } of configMaps) {
    if (!metadata.name.startsWith('kube-proxy')) continue;
    const text =
      data?.['config.conf'] ?? Object.values(data ?? {}).find(one => one.includes('KubeProxyConfiguration'));
    if (text === undefined) continue;
    const values = nestedValues(text);
    const written = values.get('mode') ?? '';
    return {
      source: `${metadata.namespace ?? 'default'}/${metadata.name}`,
      mode: written === '' ? 'iptables' : written,
      values,
    };
  }
  return undefined;
}

function nestedValues(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const parents: { readonly indent: number; readonly key: string }[] = [];
  for (const line of text.split('\n')) {
    const item = /^\s*-\s*(.*)$/.exec(line);
    const parent = parents.map(({ key }) => key).join('.');
    if (item !== null) {
      const before = values.get(parent) ?? '';
      values.set(parent, [before, unquoted(item[1] ?? '')].filter(Boolean).join(','));
      continue;
    }
    const match = /^(\s*)([A-Za-z][\w-]*):(.*)$/.exec(line);
    if (match === null) continue;
    const [, blanks = '', key = '', rest = ''] = match;
    while ((parents.at(-1)?.indent ?? -1) >= blanks.length) parents.pop();
    parents.push({ indent: blanks.length, key });
    const value = unquoted(rest);
    const list = /^\[(.*)\]$/.exec(value)?.[1];
    const plain = list === undefined ? value : list.split(',').map(unquoted).filter(Boolean).join(',');
    if (plain !== '' && plain !== 'null') values.set(parents.map(one => one.key).join('.'), plain);
  }
  return values;
}

const unquoted = (text: string): string =>
  text
    .replace(/\s#.*$/, '')
    .trim()
    .replaceAll(/^["']|["']$/g, '');
