import { inNamespace } from '../ns/enter.ts';
import { Channel, netlinkFamilies } from './channel.ts';
import { NetlinkError } from './error.ts';
import { beginBatch, encodeElementChange, endBatch } from './nft-element-change.ts';
import type { NftElementChange } from './nft-element-change.ts';
import type { Request } from './request.ts';

/**
 * Changes elements of sets that are there, in one transaction. libnftables would list all sets of the table before: 10 ms
 * where there are thousands. Synchronous.
 */
export class NftElementSocket implements Disposable {
  readonly #channel: Channel;

  private constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** In the calling thread's network namespace, or in the one at a path. */
  static open(namespacePath?: string): NftElementSocket {
    const open = () => new NftElementSocket(new Channel(netlinkFamilies.netfilter));
    return namespacePath === undefined ? open() : inNamespace(namespacePath, open);
  }

  /** Everything or nothing; throws NetlinkError. */
  apply(changes: readonly NftElementChange[]): void {
    this.send(changes.flatMap(encodeElementChange));
  }

  /** As `apply`, of changes that are encoded already. */
  send(requests: readonly Request[]): void {
    if (requests.length === 0) return;
    for (const refusal of this.#channel.batch(beginBatch, requests, endBatch))
      if (refusal !== undefined) throw new NetlinkError('change elements of nftables', refusal);
  }

  close(): void {
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
