import { contains, formatAddress, parseAddress } from '../base/ip.ts';
import type { Address, Prefix } from '../base/ip.ts';
import type { Node } from '../kube/types/node.ts';
import type { Service } from '../kube/types/service.ts';
import { hashOf } from './compile-hash.ts';
import type { Endpoint, Frontend } from './model.ts';

/** Services of this class, and those without one, have their addresses from us and announced by us. */
export const LOAD_BALANCER_CLASS = 'fairlead.dev/load-balancer';
/** A node with this label takes no part in load balancing from outside (core/v1 LabelNodeExcludeBalancers). */
const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';

export function isBalancedByUs({ spec }: Service): boolean {
  if (spec.type !== 'LoadBalancer') return false;
  return (spec.loadBalancerClass ?? LOAD_BALANCER_CLASS) === LOAD_BALANCER_CLASS;
}

/** What counts of a node when one is chosen. */
export interface Candidate {
  readonly name: string;
  readonly ready: boolean;
  readonly addresses: readonly Address[];
}

/** Undefined for a node that takes no part. */
export function readCandidate({ metadata, status }: Node): Candidate | undefined {
  if (EXCLUDED in (metadata.labels ?? {})) return undefined;
  return {
    name: metadata.name,
    ready: status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    addresses: (status?.addresses ?? []).flatMap(({ type, address }) =>
      type === 'InternalIP' ? (parseAddress(address) ?? []) : [],
    ),
  };
}

/**
 * The one node that answers ARP and neighbour discovery for a load balancer's address: the same everywhere, from the
 * objects alone. Of the nodes on the address's link those are taken that can serve its clients best; among these a hash
 * of address and node decides, so that each address stays where it is when another node comes or goes. Undefined where no
 * node is on the link, and for an address that is a node's own: the node answers for it anyway.
 *
 * @param frontends - all of the address.
 * @param link - the prefix of the link that the address is on.
 */
export function announcerOf(
  address: Address,
  frontends: readonly Frontend[],
  candidates: readonly Candidate[],
  link: Prefix,
): string | undefined {
  if (
    candidates.some(({ addresses }) => addresses.some(own => formatAddress(own) === formatAddress(address)))
  )
    return undefined;
  const onLink = candidates.filter(({ addresses }) => addresses.some(own => contains(link, own)));
  const ready = onLink.filter(candidate => candidate.ready);
  // Where no node says that it is ready, what was announced is not taken away.
  const able = serving(frontends, ready.length > 0 ? ready : onLink);
  const key = formatAddress(address);
  const ranked = able
    .map(({ name }) => ({ name, rank: hashOf(`${key} ${name}`) }))
    .toSorted((a, b) => b.rank - a.rank || (a.name < b.name ? -1 : 1));
  return ranked[0]?.name;
}

/** With the policy Local, those that have endpoints of the most ports; where no node has any, all, to refuse. */
function serving(frontends: readonly Frontend[], nodes: readonly Candidate[]): readonly Candidate[] {
  const local = frontends.filter(
    ({ exposure }) => exposure.of === 'load-balancer' && exposure.externalPolicy === 'Local',
  );
  for (const isUsable of [isReady, isDraining]) {
    const places = local.map(
      ({ endpoints }) => new Set(endpoints.filter(isUsable).map(({ nodeName }) => nodeName)),
    );
    const scores = nodes.map(node => ({ node, score: places.filter(names => names.has(node.name)).length }));
    const best = Math.max(0, ...scores.map(({ score }) => score));
    if (best > 0) return scores.filter(({ score }) => score === best).map(({ node }) => node);
  }
  return nodes;
}

const isReady = ({ ready }: Endpoint): boolean => ready;
const isDraining = ({ serving, terminating }: Endpoint): boolean => serving && terminating;
