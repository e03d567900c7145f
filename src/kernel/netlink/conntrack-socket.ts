import { inNamespace } from '../ns/enter.ts';
import { Channel, netlinkFamilies } from './channel.ts';
import {
  decodeConnection,
  encodeConnectionDelete,
  encodeConnectionDump,
  encodeConnectionGet,
  encodeMark,
  matchesConnection,
} from './conntrack.ts';
import type { Connection, ConnectionFilter, ConnectionMark, ConnectionTuple } from './conntrack.ts';
import { NetlinkError } from './error.ts';
import type { Request } from './request.ts';

/** Acknowledgements of this many requests fit the receive buffer with room to spare. */
const requestsAtOnce = 128;

/** Tracked connections of one network namespace (ctnetlink). Synchronous. */
export class ConntrackSocket implements Disposable {
  readonly #channel: Channel;

  private constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** In the calling thread's network namespace, or in the one at a path. */
  static open(namespacePath?: string): ConntrackSocket {
    const open = () => new ConntrackSocket(new Channel(netlinkFamilies.netfilter));
    return namespacePath === undefined ? open() : inNamespace(namespacePath, open);
  }

  /** Those that one of the filters describes; by default all. */
  list(filters: readonly ConnectionFilter[] = [{}]): readonly Connection[] {
    if (filters.length === 0) return [];
    return this.#channel.dump('tracked connections', encodeConnectionDump(), body => {
      const connection = decodeConnection(body);
      if (connection === undefined) return undefined;
      return filters.some(filter => matchesConnection(filter, connection)) ? connection : undefined;
    });
  }

  /** The one whose replies look so, by one look-up. `protocol` is an IP protocol number. */
  find(protocol: number, reply: ConnectionTuple): Connection | undefined {
    const answer = this.#channel.get(encodeConnectionGet(protocol, reply));
    if (!('errno' in answer))
      return answer.map(decodeConnection).find(connection => connection !== undefined);
    const error = new NetlinkError('look up a connection', answer);
    if (error.errno === 'ENOENT') return undefined;
    throw error;
  }

  /** Sets bits of their marks. Returns how many there still were. */
  mark(connections: readonly Connection[], mark: ConnectionMark): number {
    return this.#change(
      'mark a connection',
      connections.map(connection => encodeMark(connection, mark)),
    );
  }

  /** Returns how many there still were. */
  delete(connections: readonly Connection[]): number {
    return this.#change('delete a connection', connections.map(encodeConnectionDelete));
  }

  close(): void {
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #change(what: string, requests: readonly Request[]): number {
    let done = 0;
    for (let from = 0; from < requests.length; from += requestsAtOnce) {
      for (const refusal of this.#channel.transact(requests.slice(from, from + requestsAtOnce))) {
        const error = refusal === undefined ? undefined : new NetlinkError(what, refusal);
        if (error === undefined) done++;
        else if (error.errno !== 'ENOENT') throw error;
      }
    }
    return done;
  }
}
