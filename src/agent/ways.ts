import { formatAddress, formatPrefix } from '../base/ip.ts';
import type { Cache } from '../kube/informer.ts';
import type { Node } from '../kube/types/node.ts';
import { readNode } from '../pods/index.ts';
import type { NetworkProgram } from '../pods/index.ts';
import type { AgentStatus } from './status.ts';

/** How each peer's pods are reached, read from the program that is in force. */
export function waysOf(
  nodes: Cache<Node>,
  self: string,
  program: NetworkProgram | undefined,
): AgentStatus['peers'] {
  if (program === undefined) return [];
  return nodes.list().flatMap(node => {
    const { network } = readNode(node);
    if (network.name === self) return [];
    return network.podPrefixes.map(prefix => {
      const name = formatPrefix(prefix);
      const route = program.routes.get(name);
      const via = route?.via === undefined ? '' : ` via ${formatAddress(route.via)}`;
      const isTunnel = route !== undefined && route.device === program.vxlan?.name;
      const way =
        route === undefined ? 'none' : isTunnel ? `vxlan ${route.device}` : `direct ${route.device}${via}`;
      return { node: network.name, prefix: name, way };
    });
  });
}
