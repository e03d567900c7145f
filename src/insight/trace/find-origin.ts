import { formatAddress } from '../../base/ip.ts';
import { addressesOf } from './addresses.ts';
import type { TracedCluster } from './cluster.ts';
import type { OriginHop, Place } from './hops.ts';
import type { Origin } from './request.ts';

/** Where the request begins: with no addresses where nothing can be sent from there. */
export function findOrigin(cluster: TracedCluster, origin: Origin): OriginHop {
  switch (origin.kind) {
    case 'world':
      return {
        hop: 'origin',
        kind: 'world',
        addresses: cluster.objects.facts.world.map(formatAddress),
        sentence: 'a client outside the cluster',
      };
    case 'node':
      return nodeOrigin(cluster, origin.name);
    case 'pod':
      return podOrigin(cluster, `${origin.namespace}/${origin.name}`);
    default:
      return origin satisfies never;
  }
}

function nodeOrigin(cluster: TracedCluster, name: string): OriginHop {
  const network = cluster.nodes.get(name);
  return {
    hop: 'origin',
    kind: 'node',
    object: `Node/${name}`,
    node: name,
    addresses: (network?.addresses ?? []).map(formatAddress),
    sentence:
      network === undefined
        ? `there is no node ${name}`
        : network.addresses.length === 0
          ? `${name} has no address yet`
          : `a process in the network of ${name}`,
  };
}

function podOrigin(cluster: TracedCluster, key: string): OriginHop {
  const pod = cluster.pods.get(key);
  const base = { hop: 'origin', kind: 'pod', object: `Pod/${key}` } as const;
  if (pod === undefined) return { ...base, addresses: [], sentence: `there is no pod ${key}` };
  const { hostNetwork = false, nodeName } = pod.spec;
  const { phase = 'Pending' } = pod.status ?? {};
  const addresses = addressesOf(pod);
  const node = nodeName === undefined || nodeName === '' ? {} : { node: nodeName };
  if (phase === 'Succeeded' || phase === 'Failed')
    return { ...base, ...node, addresses: [], sentence: `${key} has ended (${phase})` };
  if (addresses.length === 0)
    return { ...base, ...node, addresses, sentence: `${key} has no address yet (${phase})` };
  const where = nodeName === undefined ? '' : ` on ${nodeName}`;
  return {
    ...base,
    ...node,
    addresses,
    sentence: `a process in ${key}${where}${hostNetwork ? ", in the node's network" : ''}`,
  };
}

/** The origin as an end of connections to an address; undefined where it has none of that family. */
export function placeOfOrigin(cluster: TracedCluster, origin: OriginHop, to: string): Place | undefined {
  const address = origin.addresses.find(own => own.includes(':') === to.includes(':'));
  if (address === undefined) return undefined;
  const pod = cluster.policy.podsByAddress.get(address);
  return {
    address,
    ...(pod === undefined ? {} : { pod: pod.key }),
    ...(origin.node === undefined ? {} : { node: origin.node }),
  };
}
