import { FairleadError } from '../../base/errors.ts';
import { closestOf } from '../../base/closest.ts';
import { parseAddress } from '../../base/ip.ts';
import type { Address } from '../../base/ip.ts';
import type { Flow, PolicyModel, PolicyPod } from '../../policy/index.ts';

/** Someone who sends or is reached. */
export interface End {
  /** `namespace/name`, `node/name`, `world` or an address. */
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly pod?: PolicyPod;
}

/** Outside the cluster, where no ipBlock of a person is: for documentation (RFC 5737, RFC 3849). */
export const world: End = {
  name: 'world',
  addresses: ['192.0.2.1', '2001:db8::1'].flatMap(text => parseAddress(text) ?? []),
};

/** A node, with all of its addresses; they are none where there is no such node. */
export function nodeEnd(model: PolicyModel, name: string): End {
  const texts = [...model.nodesByAddress].filter(([, node]) => node === name).map(([address]) => address);
  return { name: `node/${name}`, addresses: texts.flatMap(text => parseAddress(text) ?? []) };
}

/** `world`, `node/NAME`, `NAMESPACE/POD` (also `pod/NAMESPACE/POD`) or an address. Throws what is not there. */
export function findEnd(model: PolicyModel, word: string): End {
  if (word === 'world') return world;
  const address = parseAddress(word);
  if (address !== undefined) return { name: word, addresses: [address] };
  const key = word.replace(/^pod\//, '');
  const pod = model.pods.get(key);
  if (pod !== undefined) return { name: key, addresses: pod.addresses, pod };
  const node = /^node\/(.+)$/.exec(word)?.[1] ?? '';
  if (model.nodeLabels.has(node)) return nodeEnd(model, node);
  const similar = closestOf(key, [
    ...model.pods.keys(),
    ...[...model.nodeLabels.keys()].map(node => `node/${node}`),
  ]);
  throw new FairleadError('policy/no-such-end', `There is no pod "${key}", and it is no address.`, {
    hint:
      similar === undefined ? 'NAMESPACE/POD, node/NAME, an address, or world' : `Did you mean ${similar}?`,
  });
}

const protocols: ReadonlySet<string> = new Set(['TCP', 'UDP', 'SCTP', 'ICMP']);

/** `NAMESPACE/POD:8080`, `world:443/UDP`, `[fd00::1]:53/UDP`, `NAMESPACE/POD/ICMP`: an end, and how it is reached. */
export function findTarget(
  model: PolicyModel,
  word: string,
): { readonly end: End; readonly protocol: Flow['protocol']; readonly port?: number } {
  const [bare = '', way = ''] = word.split('/');
  // Colons of IPv6 are no port's, but behind brackets.
  const isSix = parseAddress(bare)?.family === 6;
  const found: TargetParts = isSix
    ? { host: bare, ...(way === '' ? {} : { protocol: way }) }
    : targetParts(word);
  const isProtocol = protocols.has((found.protocol ?? '').toUpperCase());
  const protocol = isProtocol ? (found.protocol ?? '').toUpperCase() : 'TCP';
  const host =
    isProtocol || found.protocol === undefined ? (found.host ?? '') : `${found.host}/${found.protocol}`;
  const port = found.port === undefined ? undefined : Number(found.port);
  if (protocol !== 'ICMP' && port === undefined)
    throw new FairleadError('policy/bad-target', `"${word}" has no port.`, {
      hint: 'NAMESPACE/POD:8080, world:443, 10.244.1.5:53/UDP, or NAMESPACE/POD/ICMP',
    });
  if (port !== undefined && (port < 1 || port > 65_535))
    throw new FairleadError('policy/bad-target', `${port} is no port.`, { hint: 'A port is 1 to 65535' });
  return {
    end: findEnd(model, host.replace(/^\[(.*)\]$/, '$1')),
    protocol: protocol as Flow['protocol'], // one of the names above
    ...(port === undefined ? {} : { port }),
  };
}

interface TargetParts {
  readonly host?: string;
  readonly port?: string;
  readonly protocol?: string;
}

const targetParts = (word: string): TargetParts =>
  /^(?<host>.*?)(?::(?<port>\d{1,5}))?(?:\/(?<protocol>[A-Za-z]+))?$/.exec(word)?.groups ?? {};

/** One of each family that both have. */
export function flowsBetween(from: End, to: End): readonly Pick<Flow, 'source' | 'destination'>[] {
  const flows = from.addresses.flatMap(source => {
    const destination = to.addresses.find(({ family }) => family === source.family);
    return destination === undefined ? [] : [{ source, destination }];
  });
  return flows.filter(
    ({ source }, index) => flows.findIndex(other => other.source.family === source.family) === index,
  );
}
