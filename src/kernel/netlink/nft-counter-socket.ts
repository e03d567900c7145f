import { encodeElementKey } from '../nft/element-key.ts';
import { inNamespace } from '../ns/enter.ts';
import { Channel, netlinkFamilies } from './channel.ts';
import { NetlinkError } from './error.ts';
import {
  decodeElementCounter,
  decodeRuleCounter,
  encodeChainDump,
  encodeElementGet,
  sumOf,
} from './nft-counters.ts';
import type { NftCounter } from './nft-counters.ts';

/** One element of a set or map of an inet table, or the counters of all rules of a chain. */
export type NftCounterPlace =
  | {
      readonly table: string;
      readonly set: string;
      /** The set's key as nft declares it: `ipv4_addr . inet_proto`. */
      readonly type: string;
      /** It is declared with `flags interval`. */
      readonly isInterval: boolean;
      /** The element's key as nft writes it. */
      readonly element: string;
    }
  | { readonly table: string; readonly chain: string };

/** Reads single counters. `nft get element` would read every set of the table before. Synchronous. */
export class NftCounterSocket implements Disposable {
  readonly #channel: Channel;

  private constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** In the calling thread's network namespace, or in the one at a path. */
  static open(namespacePath?: string): NftCounterSocket {
    const open = () => new NftCounterSocket(new Channel(netlinkFamilies.netfilter));
    return namespacePath === undefined ? open() : inNamespace(namespacePath, open);
  }

  /** Undefined where there is no such element or chain, or it does not count. */
  read(place: NftCounterPlace): NftCounter | undefined {
    if ('chain' in place) return this.#readChain(place.table, place.chain);
    const { table, set, type, element, isInterval } = place;
    const key = encodeElementKey(type, element, isInterval);
    const answer = this.#channel.get(encodeElementGet(table, set, key));
    if (!('errno' in answer)) return answer.map(decodeElementCounter).find(one => one !== undefined);
    const error = new NetlinkError(`read the element ${element} of ${set}`, answer);
    if (error.errno === 'ENOENT') return undefined;
    throw error;
  }

  close(): void {
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #readChain(table: string, chain: string): NftCounter | undefined {
    const what = `the rules of ${chain}`;
    const counters = this.#channel.dump(what, encodeChainDump(table, chain), decodeRuleCounter);
    return counters.length === 0 ? undefined : sumOf(counters);
  }
}
