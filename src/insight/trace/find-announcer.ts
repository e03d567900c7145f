import { contains, formatAddress, parseAddress } from '../../base/ip.ts';
import { announcerOf, readCandidate } from '../../services/index.ts';
import type { TracedCluster } from './cluster.ts';

/** The node that answers for a load balancer's address on its link; undefined for other addresses. */
export function announcerFor({ objects, services }: TracedCluster, text: string): string | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  const frontends = [...services.frontends.values()].filter(
    frontend =>
      frontend.exposure.of === 'load-balancer' && formatAddress(frontend.address) === formatAddress(address),
  );
  if (frontends.length === 0) return undefined;
  const candidates = objects.nodes.flatMap(node => readCandidate(node) ?? []);
  const link = objects.facts.links
    .flatMap(({ prefixes }) => prefixes)
    .find(prefix => contains(prefix, address));
  // Where the links are not known, the nodes' own are taken to be one.
  const whole = { family: address.family, value: 0n, length: 0 } as const;
  return announcerOf(address, frontends, candidates, link ?? whole);
}
