import type { Pod } from '../../kube/types/pod.ts';
import type { Resolver } from './hops.ts';

export interface ResolverOptions {
  readonly clusterDomain: string;
  readonly dnsAddresses: readonly string[];
}

/** resolv.conf(5) reads that many name servers. */
const mostNameservers = 3;

/**
 * The pod's /etc/resolv.conf by `dnsPolicy` and `dnsConfig` (core/v1 PodSpec). With the policy `Default` it is the node's
 * own, which the API does not tell: then the lists hold what `dnsConfig` adds.
 */
export function resolverOf(pod: Pod, { clusterDomain, dnsAddresses }: ResolverOptions): Resolver {
  const { dnsConfig, dnsPolicy = 'ClusterFirst', hostNetwork = false } = pod.spec;
  const policy = dnsPolicy === 'ClusterFirst' && hostNetwork ? 'Default' : dnsPolicy;
  const isCluster = policy === 'ClusterFirst' || policy === 'ClusterFirstWithHostNet';
  const namespace = pod.metadata.namespace ?? '';
  const own = isCluster ? [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain] : [];
  const set = dnsConfig?.options?.find(option => option.name === 'ndots')?.value;
  const ndots = Number(set ?? (isCluster ? 5 : 1));
  return {
    policy,
    nameservers: unique([...(isCluster ? dnsAddresses : []), ...(dnsConfig?.nameservers ?? [])]).slice(
      0,
      mostNameservers,
    ),
    searches: unique([...own, ...(dnsConfig?.searches ?? [])]),
    // resolv.conf(5) caps it at 15.
    ndots: Number.isInteger(ndots) && ndots >= 0 ? Math.min(ndots, 15) : 1,
  };
}

/** What a resolver asks for, in order, until a name has addresses (resolv.conf(5), `search` and `ndots`). */
export function candidatesOf(name: string, { searches, ndots }: Resolver): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const searched = searches.map(domain => `${name}.${domain.replace(/\.$/, '')}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}

const unique = (values: readonly string[]): readonly string[] => [...new Set(values)];
