import { contains, formatAddress, parseAddress } from '../../base/ip.ts';
import type { Protocol } from '../../kube/types/scalars.ts';
import { announcerOf, readCandidate } from '../../services/index.ts';
import type { TracedCluster } from './cluster.ts';
import type { OriginHop } from './hops.ts';

/** Whose rules translate a Service's address, and whom these take the client for. */
export interface Translator {
  readonly node: string;
  readonly place: 'pod' | 'node' | 'world';
}

/** Undefined where no node lets the client in. */
export function translatorFor(
  cluster: TracedCluster,
  origin: OriginHop,
  at: { readonly address: string; readonly protocol: Protocol; readonly port: number },
): Translator | undefined {
  const exposure = cluster.services.frontends.get(`${at.address} ${at.protocol} ${at.port}`)?.exposure.of;
  const owner = cluster.nodesByAddress.get(at.address);
  // A node port is translated by the node that has the address; other nodes send it there as it is.
  if (exposure === 'node-port' && owner !== undefined && owner !== origin.node)
    return { node: owner, place: 'world' };
  if (origin.kind !== 'world') return { node: origin.node ?? '', place: origin.kind };
  const entry = announcerFor(cluster, at.address) ?? (exposure === 'cluster' ? undefined : owner);
  return entry === undefined ? undefined : { node: entry, place: 'world' };
}

/** The node that answers for a load balancer's address on its link; undefined for other addresses. */
function announcerFor({ objects, services }: TracedCluster, text: string): string | undefined {
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
