import { FairleadError } from '../../../base/errors.ts';
import type { HostAlias, Pod } from '../../../kube/types/core.ts';

/** A pod's host name: spec.hostname or its name, cut to the 63 bytes of a label (RFC 1123). */
export function hostnameOf(pod: Pod): string {
  return (pod.spec.hostname ?? pod.metadata.name).slice(0, 63).replace(/[-.]+$/, '');
}

/** The name within its subdomain's headless Service; undefined without `subdomain`. */
function domainOf(pod: Pod, clusterDomain: string): string | undefined {
  const { subdomain } = pod.spec;
  if (subdomain === undefined || subdomain === '') return undefined;
  return `${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}`;
}

/** What the kernel takes (sethostname(2)). */
const longestHostname = 64;

/** The name that `hostname` prints: with its domain where the pod asks for that (core/v1 PodSpec.setHostnameAsFQDN). */
export function kernelHostname(pod: Pod, clusterDomain: string): string {
  const domain = pod.spec.setHostnameAsFQDN === true ? domainOf(pod, clusterDomain) : undefined;
  if (domain === undefined) return hostnameOf(pod);
  const full = `${hostnameOf(pod)}.${domain}`;
  if (full.length <= longestHostname) return full;
  const sentence = `the pod's full name ${full} has ${full.length} characters; a host name has at most ${longestHostname}`;
  throw new FairleadError('runtime/hostname-too-long', sentence, {
    object: `Pod/${pod.metadata.namespace ?? ''}/${pod.metadata.name}`,
    field: 'spec.setHostnameAsFQDN',
    hint: 'Shorten spec.hostname or spec.subdomain, or leave setHostnameAsFQDN away.',
  });
}

/** /etc/hosts as the kubelet writes it for pods with a network of their own. */
export function hostsFile(pod: Pod, addresses: readonly string[], clusterDomain: string): string {
  const hostname = hostnameOf(pod);
  const domain = domainOf(pod, clusterDomain);
  const names = domain === undefined ? hostname : `${hostname}.${domain}\t${hostname}`;
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...addresses.map(address => `${address}\t${names}`),
  ];
  return `${lines.join('\n')}\n${aliasLines(pod.spec.hostAliases)}`;
}

/** For pods on the node's network: the node's own file, and the aliases. */
export function hostNetworkHostsFile(pod: Pod, nodeFile: string): string {
  return `# Kubernetes-managed hosts file (host network).\n${nodeFile}${aliasLines(pod.spec.hostAliases)}`;
}

function aliasLines(aliases: readonly HostAlias[] | undefined): string {
  if (aliases === undefined || aliases.length === 0) return '';
  const lines = aliases.map(alias => `${alias.ip}\t${(alias.hostnames ?? []).join('\t')}`);
  return `\n# Entries added by HostAliases.\n${lines.join('\n')}\n`;
}
