import { closeSync } from 'node:fs';
import { inNamespace, openNamespace } from '../ns/enter.ts';
import { decodeLinkAddress, encodeAddressDump } from './address.ts';
import type { LinkAddress } from './address.ts';
import { Channel } from './channel.ts';
import { changesLinks, encodeOperation, isDone } from './encode.ts';
import { NetlinkError } from './error.ts';
import { decodeLink, encodeLinkGet } from './link.ts';
import type { Link } from './link.ts';
import {
  decodeForwardingEntry,
  decodeNeighbour,
  decodeProxy,
  encodeForwardingDump,
  encodeNeighbourDump,
  encodeProxyDump,
} from './neighbour.ts';
import type { ForwardingEntry, Neighbour, Proxy } from './neighbour.ts';
import { describeOperation } from './operation.ts';
import type { RouteOperation } from './operation.ts';
import type { Request, Resolver } from './request.ts';
import { decodeRoute, encodeRouteDump } from './route.ts';
import type { Route } from './route.ts';
import { decodeRule, encodeRuleDump } from './rule.ts';
import type { Rule } from './rule.ts';

/** Acknowledgements of this many requests fit the receive buffer with room to spare. */
const requestsAtOnce = 128;

/**
 * Links, addresses, routes, rules and neighbours of one network namespace. Synchronous: every call returns when the
 * kernel has done it. Close it, or use `using`.
 */
export class RouteSocket implements Disposable {
  readonly #channel: Channel;

  private constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** In the calling thread's network namespace, or in the one at a path. */
  static open(namespacePath?: string): RouteSocket {
    const open = () => new RouteSocket(new Channel());
    return namespacePath === undefined ? open() : inNamespace(namespacePath, open);
  }

  links(): readonly Link[] {
    return this.#channel.dump('links', encodeLinkGet(), decodeLink);
  }

  link(name: string): Link | undefined {
    const found = this.#channel.get(encodeLinkGet(name));
    if (Array.isArray(found)) return found.map(body => decodeLink(body as Uint8Array))[0];
    return undefined;
  }

  addresses(): readonly LinkAddress[] {
    return this.#channel.dump('addresses', encodeAddressDump(), decodeLinkAddress);
  }

  /** Of all tables and both families. */
  routes(): readonly Route[] {
    const of = (family: 4 | 6) => this.#channel.dump('routes', encodeRouteDump(family), decodeRoute);
    return [...of(4), ...of(6)];
  }

  rules(): readonly Rule[] {
    return this.#channel.dump('rules', encodeRuleDump(), decodeRule);
  }

  neighbours(): readonly Neighbour[] {
    return this.#channel.dump('neighbours', encodeNeighbourDump(), decodeNeighbour);
  }

  /** Addresses that are answered for. */
  proxies(): readonly Proxy[] {
    return this.#channel.dump('proxies', encodeProxyDump(), decodeProxy);
  }

  /** The forwarding tables of bridges and VXLAN links. */
  forwardingEntries(): readonly ForwardingEntry[] {
    return this.#channel.dump('forwarding entries', encodeForwardingDump(), decodeForwardingEntry);
  }

  /**
   * Does the operations in order, as many at once as names allow. Throws NetlinkError of the first that the kernel
   * refuses; of those after it, some may have been done.
   */
  apply(operations: readonly RouteOperation[]): void {
    using batch = new Batch(this.#channel, operations);
    batch.run();
  }

  close(): void {
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** One `apply`: requests wait until there are enough, or until a name has to be asked that they may change. */
class Batch implements Resolver, Disposable {
  readonly #channel: Channel;
  readonly #operations: readonly RouteOperation[];
  readonly #indexes = new Map<string, number>();
  readonly #descriptors = new Map<string, number>();
  #waiting: { readonly request: Request; readonly operation: number }[] = [];
  #linksChange = false;

  constructor(channel: Channel, operations: readonly RouteOperation[]) {
    this.#channel = channel;
    this.#operations = operations;
  }

  run(): void {
    for (const [index, operation] of this.#operations.entries()) {
      for (const request of this.#encode(operation, index)) this.#waiting.push({ request, operation: index });
      if (changesLinks(operation)) this.#linksChange = true;
      if (this.#waiting.length >= requestsAtOnce) this.#flush();
    }
    this.#flush();
  }

  linkIndex(name: string): number {
    if (this.#linksChange) this.#flush();
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    const found = this.#channel.get(encodeLinkGet(name));
    const link = Array.isArray(found) ? decodeLink(found[0] as Uint8Array) : undefined;
    if (link === undefined) throw new MissingLink(name);
    this.#indexes.set(name, link.index);
    return link.index;
  }

  namespaceFd(path: string): number {
    const known = this.#descriptors.get(path);
    if (known !== undefined) return known;
    const fd = openNamespace(path);
    this.#descriptors.set(path, fd);
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#descriptors.values()) closeSync(fd);
  }

  #encode(operation: RouteOperation, index: number): readonly Request[] {
    try {
      return encodeOperation(operation, this);
    } catch (error) {
      if (!(error instanceof MissingLink)) throw error;
      if (isDone(operation, 'ENODEV')) return [];
      const refusal = { errno: 19, message: `there is no link ${error.link}` };
      throw new NetlinkError(describeOperation(operation), refusal, index);
    }
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (this.#linksChange) this.#indexes.clear();
    this.#linksChange = false;
    if (waiting.length === 0) return;
    const answers = this.#channel.transact(waiting.map(one => one.request));
    for (const [index, refusal] of answers.entries()) {
      const at = waiting[index]?.operation ?? 0;
      const operation = this.#operations[at];
      if (refusal === undefined || operation === undefined) continue;
      const error = new NetlinkError(describeOperation(operation), refusal, at);
      if (!isDone(operation, error.errno)) throw error;
    }
  }
}

/** Inside one batch only: `apply` turns it into the operation's error. */
class MissingLink extends Error {
  readonly link: string;

  constructor(link: string) {
    super(`there is no link ${link}`);
    this.link = link;
  }
}
