import type { ConfigMap } from '../../kube/types/config.ts';
import type { Found } from './check.ts';

export interface Corefile {
  readonly object: NonNullable<Found['object']>;
  /** Of all server blocks, in their order; what a directive has in its own braces is left out. */
  readonly directives: readonly { readonly name: string; readonly words: readonly string[] }[];
}

/** The Corefile of the cluster's CoreDNS, where a ConfigMap of kube-system has one. */
export function readCorefile(configMaps: readonly ConfigMap[]): Corefile | undefined {
  const map =
    configMaps.find(
      ({ data, metadata }) => metadata.name === 'coredns' && data?.['Corefile'] !== undefined,
    ) ?? configMaps.find(({ data }) => data?.['Corefile'] !== undefined);
  const text = map?.data?.['Corefile'];
  if (map === undefined || text === undefined) return undefined;
  const directives: { name: string; words: readonly string[] }[] = [];
  let depth = 0;
  for (const line of text.split('\n')) {
    const words = line
      .replace(/(^|\s)#.*$/, '')
      .trim()
      .split(/\s+/)
      .filter(word => word !== '');
    const opens = words.at(-1) === '{';
    const closes = words[0] === '}';
    const [name, ...rest] = words.filter(word => word !== '{' && word !== '}');
    if (depth === 1 && name !== undefined) directives.push({ name, words: rest });
    if (opens) depth++;
    if (closes) depth = Math.max(0, depth - 1);
  }
  return { object: { kind: 'ConfigMap', metadata: map.metadata }, directives };
}
