import { formatAddress, formatPrefix } from '../base/ip.ts';
import type { Change } from '../kube/cache.ts';
import type { Cache } from '../kube/informer.ts';
import type { Node } from '../kube/types/node.ts';
import { readNode } from '../pods/index.ts';
import type { NodeNetwork, Problem } from '../pods/index.ts';

export interface NodesView {
  /** Undefined while the API has no such Node, or it has no pod prefixes. */
  readonly self: NodeNetwork | undefined;
  readonly peers: readonly NodeNetwork[];
  readonly problems: readonly Problem[];
}

export function viewOfNodes(cache: Cache<Node>, name: string): NodesView {
  const read = cache.list().map(readNode);
  const own = read.find(({ network }) => network.name === name)?.network;
  return {
    self: own !== undefined && own.podPrefixes.length > 0 ? own : undefined,
    peers: read.map(({ network }) => network).filter(network => network.name !== name),
    problems: read.flatMap(({ problems }) => problems),
  };
}

/** Whether a change of a Node object means anything to the data path: most are heartbeats. */
export function changesNetwork({ before, after }: Change<Node>): boolean {
  return textOf(before) !== textOf(after);
}

function textOf(node: Node | undefined): string {
  if (node === undefined) return '';
  const { network, problems } = readNode(node);
  return JSON.stringify([
    network.podPrefixes.map(formatPrefix),
    network.addresses.map(formatAddress),
    problems,
  ]);
}
