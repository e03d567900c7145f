import { once } from 'node:events';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import { FairleadError } from '../../base/errors.ts';
import {
  LONGEST_ANSWER,
  LONGEST_MESSAGE,
  MessageReader,
  clientOptions,
  encodeMessage,
} from '../../gateway/channel.ts';
import type { MessageFromProxy, MessageToProxy } from '../../gateway/channel.ts';
import { diffTables } from '../../gateway/index.ts';
import type { RouteTable } from '../../gateway/table.ts';

export interface ProxyAddress {
  readonly host: string;
  readonly port: number;
}

export interface ProxyLinkOptions {
  /** `namespace/name` of the Gateway. */
  readonly gateway: string;
  readonly clock: Clock;
  /** The proxy is there no more, or no longer speaks: it is to be given its table anew. */
  readonly onLost: () => void;
}

const DIAL_MILLISECONDS = 2000;
/** A large table on a busy machine. */
const ANSWER_MILLISECONDS = 30_000;

interface Connection {
  readonly socket: TLSSocket;
  /** What the proxy of this connection answers by; undefined before it has got anything. */
  held: { readonly table: RouteTable; readonly revision: number } | undefined;
}

/** The agent's end of the channel to one proxy; kept open, so that a change costs no handshake. */
export class ProxyLink {
  readonly #options: ProxyLinkOptions;
  #connection: Connection | undefined;
  #revision = 0;
  #waiting: PromiseWithResolvers<MessageFromProxy> | undefined;

  constructor(options: ProxyLinkOptions) {
    this.#options = options;
  }

  /** The revision that the proxy has confirmed. */
  get revision(): number | undefined {
    return this.#connection?.held?.revision;
  }

  /** Is this the table that the proxy has confirmed? */
  holds(table: RouteTable): boolean {
    return this.#connection?.held?.table === table;
  }

  /**
   * Gives the proxy the table, as a change where it holds an earlier one. Resolves when it answers by it. Calls must not
   * overlap. Throws `gateway/proxy-unreachable` or `gateway/proxy-refused`.
   */
  async push(address: ProxyAddress, key: Uint8Array, table: RouteTable): Promise<void> {
    this.#connection ??= await this.#dial(address, key);
    const connection = this.#connection;
    const message = this.#messageFor(connection, table);
    if (message === undefined) {
      if (connection.held !== undefined) connection.held = { ...connection.held, table };
      return;
    }
    const answer = await this.#ask(connection, message);
    if (answer.type === 'applied' && answer.revision === message.revision) {
      connection.held = { table, revision: message.revision };
      return;
    }
    connection.held = undefined; // the whole table comes next
    const reason = answer.type === 'refused' ? answer.reason : `it speaks of revision ${answer.revision}`;
    throw new FairleadError('gateway/proxy-refused', `the proxy did not take its table: ${reason}`);
  }

  close(): void {
    this.#lose(undefined);
  }

  #messageFor({ held }: Connection, table: RouteTable): MessageToProxy | undefined {
    if (held === undefined) return { type: 'table', revision: ++this.#revision, table };
    const change = diffTables(held.table, table);
    if (change === undefined) return undefined;
    return { type: 'change', base: held.revision, revision: ++this.#revision, change };
  }

  async #ask({ socket }: Connection, message: MessageToProxy): Promise<MessageFromProxy> {
    const bytes = encodeMessage(message);
    if (bytes.length > LONGEST_MESSAGE)
      throw new FairleadError(
        'gateway/table-too-large',
        `the table has ${bytes.length} bytes, of at most ${LONGEST_MESSAGE}`,
      );
    const waiting = Promise.withResolvers<MessageFromProxy>();
    const timer = new AbortController();
    this.#waiting = waiting;
    this.#options.clock.sleep(ANSWER_MILLISECONDS, timer.signal).then(
      () => this.#lose(new Error(`it has not answered for ${ANSWER_MILLISECONDS / 1000} s`)),
      () => undefined, // answered
    );
    socket.write(bytes);
    try {
      return await waiting.promise;
    } finally {
      timer.abort(new Error('answered'));
      this.#waiting = undefined;
    }
  }

  async #dial({ host, port }: ProxyAddress, key: Uint8Array): Promise<Connection> {
    const { clock, gateway } = this.#options;
    const socket = connect({ host, port, ...clientOptions(gateway, key) });
    const timer = new AbortController();
    const tooLate = clock.sleep(DIAL_MILLISECONDS, timer.signal).then(
      () => socket.destroy(new Error(`it has not answered for ${DIAL_MILLISECONDS / 1000} s`)),
      () => undefined, // connected, or failed
    );
    try {
      await once(socket, 'secureConnect');
    } catch (cause) {
      socket.destroy();
      throw unreachable(host, cause);
    } finally {
      timer.abort(new Error('settled'));
      await tooLate;
    }
    const connection: Connection = { socket, held: undefined };
    const reader = new MessageReader<MessageFromProxy>(LONGEST_ANSWER);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    socket.on('data', chunk => {
      try {
        for (const message of reader.push(chunk)) this.#waiting?.resolve(message);
      } catch (error) {
        socket.destroy(error as Error); // only FairleadErrors are thrown there
      }
    });
    socket.on('error', error => this.#lose(error, connection));
    socket.on('close', () => this.#lose(new Error('it closed the connection'), connection));
    return connection;
  }

  /** Of a connection that was given up before, nothing more is heard. */
  #lose(cause: Error | undefined, of = this.#connection): void {
    if (of === undefined || of !== this.#connection) return;
    this.#connection = undefined;
    of.socket.destroy();
    this.#waiting?.reject(
      unreachable(of.socket.remoteAddress ?? '', cause ?? new Error('it is no longer wanted')),
    );
    if (cause !== undefined) this.#options.onLost();
  }
}

const unreachable = (host: string, cause: unknown): FairleadError =>
  new FairleadError('gateway/proxy-unreachable', `the proxy ${host} cannot be reached`.replace('  ', ' '), {
    cause,
  });
