import { inNamespace } from '../ns/enter.ts';
import type { TableState } from '../nft/table.ts';
import { Channel, netlinkFamilies } from './channel.ts';
import { NetlinkError } from './error.ts';
import { elementDecoder, encodeElementsDump } from './nft-dump.ts';
import type { ElementTypes } from './nft-dump.ts';
import {
  decodeChain,
  decodeRule,
  decodeSet,
  encodeChainsDump,
  encodeRulesDump,
  encodeSetsDump,
} from './nft-structure.ts';

/**
 * Reads one inet table: names and comments of its sets, chains and rules, and the elements of those sets whose types are
 * given. A listing by nft(8) says the same, and takes many times as long where there are many elements. Synchronous.
 */
export class NftTableSocket implements Disposable {
  readonly #channel: Channel;

  private constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** In the calling thread's network namespace, or in the one at a path. */
  static open(namespacePath?: string): NftTableSocket {
    const open = () => new NftTableSocket(new Channel(netlinkFamilies.netfilter));
    return namespacePath === undefined ? open() : inNamespace(namespacePath, open);
  }

  /** Undefined where there is no such table. */
  read(table: string, types: ReadonlyMap<string, ElementTypes>): TableState | undefined {
    const found = this.#sets(table);
    if (found === undefined) return undefined;
    const sets = new Map(
      found.map(({ name, comment = '' }) => {
        const elements = this.#elements(table, name, types.get(name));
        return [name, { digest: comment, elements }] as const;
      }),
    );
    const chains = new Map<string, string[]>();
    for (const chain of this.#channel.dump('chains', encodeChainsDump(), decodeChain))
      if (chain.table === table) chains.set(chain.name, []);
    for (const { name, comment } of this.#channel.dump('rules', encodeRulesDump(table), decodeRule))
      chains.get(name)?.push(comment ?? 'foreign');
    return { sets, chains };
  }

  close(): void {
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #sets(table: string) {
    try {
      return this.#channel.dump('sets', encodeSetsDump(table), decodeSet);
    } catch (error) {
      if (error instanceof NetlinkError && error.errno === 'ENOENT') return undefined;
      throw error;
    }
  }

  #elements(table: string, set: string, types: ElementTypes | undefined): ReadonlyMap<string, string> {
    if (types === undefined) return new Map();
    const decode = elementDecoder(types);
    const parts = this.#channel.dump(`elements of ${set}`, encodeElementsDump(table, set), decode);
    return new Map(parts.flat());
  }
}
