import { formatAddress, parseAddress } from '../../base/ip.ts';
import type { Address, Family } from '../../base/ip.ts';
import type { LoadBalancerIngress, Service } from '../../kube/types/service.ts';
import { isBalancedByUs } from '../../services/index.ts';

/** Addresses that a Service asks for, at most one a family, separated by commas. */
export const ADDRESSES_ANNOTATION = 'fairlead.dev/load-balancer-addresses';

/** What a Service wants of us; undefined where it is no load balancer, or another's. */
export interface Wishes {
  /** In the order of `spec.ipFamilies`. */
  readonly families: readonly Family[];
  readonly asked: ReadonlyMap<Family, Address>;
  /** What is wrong with what it asks for, in words. */
  readonly problems: readonly string[];
}

export function readWishes(service: Service): Wishes | undefined {
  if (!isBalancedByUs(service)) return undefined;
  const { metadata, spec } = service;
  const families = (spec.ipFamilies ?? ['IPv4']).map((name): Family => (name === 'IPv6' ? 6 : 4));
  const asked = new Map<Family, Address>();
  const problems: string[] = [];
  const annotation = metadata.annotations?.[ADDRESSES_ANNOTATION];
  const [field, written] =
    annotation === undefined
      ? ['spec.loadBalancerIP', spec.loadBalancerIP ?? '']
      : [`the annotation ${ADDRESSES_ANNOTATION}`, annotation];
  for (const text of written.split(',').map(part => part.trim())) {
    if (text === '') continue;
    const address = parseAddress(text);
    if (address === undefined) problems.push(`"${text.slice(0, 80)}" of ${field} is no address`);
    else if (!families.includes(address.family))
      problems.push(`${text} of ${field} is of a family that the Service does not have`);
    else if (asked.has(address.family))
      problems.push(`${text} of ${field} is a second IPv${address.family} address; only the first counts`);
    else asked.set(address.family, address);
  }
  return { families, asked, problems };
}

/** As core/v1 LoadBalancerStatus has them: `VIP` lets the cluster's own clients take the short way. */
export const ingressOf = (addresses: readonly Address[]): readonly LoadBalancerIngress[] =>
  addresses.map(address => ({ ip: formatAddress(address), ipMode: 'VIP' }));

export function addressesOf(service: Service): readonly Address[] {
  return (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip = '' }) => parseAddress(ip) ?? []);
}
