import type { Pod } from '../../../kube/types/core.ts';

export interface ResolverInput {
  readonly pod: Pod;
  /** Of the cluster's DNS, the primary family first. */
  readonly dnsAddresses: readonly string[];
  readonly clusterDomain: string;
  /** The node's own resolv.conf. */
  readonly nodeConfiguration: string;
}

interface Resolver {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** The pod's /etc/resolv.conf by dnsPolicy and dnsConfig (core/v1 PodSpec). */
export function resolvConf(input: ResolverInput): string {
  const base = byPolicy(input);
  const config = input.pod.spec.dnsConfig;
  const options = new Map(base.options.map(option => [nameOf(option), option]));
  for (const { name = '', value } of config?.options ?? []) {
    options.set(name, value === undefined || value === '' ? name : `${name}:${value}`);
  }
  // resolv.conf(5) reads three name servers; the API allows 32 search paths.
  const nameservers = unique([...base.nameservers, ...(config?.nameservers ?? [])]).slice(0, 3);
  const searches = unique([...base.searches, ...(config?.searches ?? [])]).slice(0, 32);
  const lines = [
    ...(searches.length === 0 ? [] : [`search ${searches.join(' ')}`]),
    ...nameservers.map(address => `nameserver ${address}`),
    ...(options.size === 0 ? [] : [`options ${[...options.values()].join(' ')}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function byPolicy(input: ResolverInput): Resolver {
  const { dnsPolicy = 'ClusterFirst', hostNetwork = false } = input.pod.spec;
  if (dnsPolicy === 'None') return { nameservers: [], searches: [], options: [] };
  const isCluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork);
  if (!isCluster) return parse(input.nodeConfiguration);
  const { clusterDomain, pod } = input;
  const searches = [`${pod.metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
  return { nameservers: input.dnsAddresses, searches, options: ['ndots:5'] };
}

function parse(text: string): Resolver {
  const words = text
    .split('\n')
    .map(line =>
      line
        .replace(/[#;].*$/, '')
        .trim()
        .split(/\s+/),
    )
    .filter(([keyword]) => keyword !== '');
  const values = (keyword: string) => words.filter(([first]) => first === keyword).map(([, ...rest]) => rest);
  return {
    nameservers: values('nameserver').flatMap(rest => rest.slice(0, 1)),
    searches: values('search').at(-1) ?? [],
    options: values('options').flat(),
  };
}

function nameOf(option: string): string {
  return option.split(':')[0] ?? option;
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
