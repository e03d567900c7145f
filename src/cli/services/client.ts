import { FairleadError } from '../../base/errors.ts';
import { parseAddress } from '../../base/ip.ts';
import type { Address, Family } from '../../base/ip.ts';
import type { Node } from '../../kube/types/node.ts';
import { nodeAddressesOf } from '../../services/index.ts';
import type { ServiceObjects } from './read-objects.ts';

/** Who asks, found among the objects. */
export interface Asker {
  readonly words: string;
  readonly place: 'pod' | 'node' | 'world';
  /** Whose rules translate. */
  readonly node: Node | undefined;
  readonly address: (family: Family) => Address | undefined;
}

const ZONE = 'topology.kubernetes.io/zone';
export const zoneOf = (node: Node | undefined): string | undefined => node?.metadata.labels?.[ZONE];

/**
 * `NAMESPACE/POD`, `node/NAME`, or `world`: somebody who reaches `entry`, or the first node, by a link. Throws
 * `services/no-such-client` with what there is.
 */
export function findAsker(objects: ServiceObjects, from: string, entry: string | undefined): Asker {
  const { nodes, pods } = objects;
  const nodeNamed = (name: string): Node => {
    const found = nodes.find(({ metadata }) => metadata.name === name);
    if (found === undefined)
      throw unknown(
        'node',
        name,
        nodes.map(({ metadata }) => metadata.name),
      );
    return found;
  };
  const inWords = (node: Node | undefined) => {
    const zone = zoneOf(node);
    return `${node?.metadata.name ?? 'no node'}${zone === undefined ? '' : `, zone ${zone}`}`;
  };
  if (from === 'world') {
    const node = entry === undefined ? nodes.toSorted(byName)[0] : nodeNamed(entry);
    return { words: `a client outside, by ${inWords(node)}`, place: 'world', node, address: () => undefined };
  }
  if (from.startsWith('node/')) {
    const node = nodeNamed(from.slice('node/'.length));
    const own = nodeAddressesOf(node);
    return {
      words: `the node ${inWords(node)}`,
      place: 'node',
      node,
      address: family => own.find(address => address.family === family),
    };
  }
  const pod = pods.find(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}` === from);
  if (pod === undefined)
    throw unknown(
      'pod',
      from,
      pods.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`),
    );
  const node = nodes.find(({ metadata }) => metadata.name === pod.spec.nodeName);
  const addresses = (pod.status?.podIPs ?? []).flatMap(({ ip }) => parseAddress(ip) ?? []);
  // A pod in the node's network asks as the node.
  const place = pod.spec.hostNetwork === true ? 'node' : 'pod';
  return {
    words: `the pod ${from} of ${inWords(node)}`,
    place,
    node,
    address: family => addresses.find(address => address.family === family),
  };
}

const byName = (a: Node, b: Node): number => (a.metadata.name < b.metadata.name ? -1 : 1);

function unknown(kind: 'pod' | 'node', name: string, known: readonly string[]): FairleadError {
  const some = known.slice(0, 8).join(', ');
  return new FairleadError('services/no-such-client', `There is no ${kind} ${name}.`, {
    field: '--from',
    hint:
      known.length === 0
        ? 'NAMESPACE/POD, node/NAME, or world'
        : `One of ${some}${known.length > 8 ? ', …' : ''}`,
  });
}
