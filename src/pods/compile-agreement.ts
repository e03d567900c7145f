import { bitsOf, formatPrefix, overlaps, prefixOf } from '../base/ip.ts';
import type { Address, Prefix } from '../base/ip.ts';
import { same } from './model.ts';
import type { NodeNetwork, Problem } from './model.ts';

export interface Agreement {
  readonly peers: readonly NodeNetwork[];
  readonly problems: readonly Problem[];
}

/**
 * The peers that can be programmed together. A prefix that reaches into what another node has would pull foreign traffic
 * to its node, so it is left out: this node's own prefixes come first, then peers by name. The cost is linear in the
 * number of nodes.
 */
export function agreeingPeers(self: NodeNetwork, nodes: readonly NodeNetwork[]): Agreement {
  const problems: Problem[] = [];
  const taken = new PrefixIndex();
  for (const prefix of self.podPrefixes) taken.add(prefix, self.name);
  const hosts = new HostIndex([self, ...nodes].flatMap(node => node.addresses));
  const peers: NodeNetwork[] = [];
  for (const node of [...nodes].sort(byName)) {
    if (node.name === self.name) continue;
    const object = `Node/${node.name}`;
    const podPrefixes = node.podPrefixes.filter(prefix => {
      const owner = taken.overlapping(prefix);
      if (owner === undefined && !hosts.anyIn(prefix)) {
        taken.add(prefix, node.name);
        return true;
      }
      const reason =
        owner === undefined ? 'contains the address of a node' : `overlaps a prefix of node ${owner}`;
      problems.push({ object, field: 'spec.podCIDRs', sentence: `${formatPrefix(prefix)} ${reason}` });
      return false;
    });
    const addresses = node.addresses.filter(address => {
      if (!self.addresses.some(own => same(own, address))) return true;
      problems.push({
        object,
        field: 'status.addresses',
        sentence: 'the node claims an address of this node',
      });
      return false;
    });
    peers.push({ name: node.name, podPrefixes, addresses });
  }
  return { peers, problems };
}

const byName = (a: NodeNetwork, b: NodeNetwork) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

const keyOf = (prefix: Prefix) => `${prefix.family}/${prefix.value}`;

/** Prefixes by length: nodes mostly have equal lengths, so a look-up is one hash. */
class PrefixIndex {
  readonly #byLength = new Map<number, Map<string, { readonly prefix: Prefix; readonly owner: string }>>();

  add(prefix: Prefix, owner: string): void {
    const prefixes = this.#byLength.get(prefix.length) ?? new Map();
    this.#byLength.set(prefix.length, prefixes);
    prefixes.set(keyOf(prefix), { prefix, owner });
  }

  /** The owner of a prefix that shares an address with `prefix`. */
  overlapping(prefix: Prefix): string | undefined {
    for (const [length, prefixes] of this.#byLength) {
      if (length <= prefix.length) {
        const found = prefixes.get(keyOf(prefixOf(prefix, length)));
        if (found !== undefined) return found.owner;
      } else {
        for (const { prefix: other, owner } of prefixes.values()) if (overlaps(prefix, other)) return owner;
      }
    }
    return undefined;
  }
}

class HostIndex {
  readonly #hosts: readonly Address[];
  readonly #byLength = new Map<number, ReadonlySet<string>>();

  constructor(hosts: readonly Address[]) {
    this.#hosts = hosts;
  }

  anyIn(prefix: Prefix): boolean {
    let networks = this.#byLength.get(prefix.length);
    if (networks === undefined) {
      networks = new Set(
        this.#hosts.map(host => keyOf(prefixOf(host, Math.min(prefix.length, bitsOf(host.family))))),
      );
      this.#byLength.set(prefix.length, networks);
    }
    return networks.has(keyOf(prefix));
  }
}
