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
import type { RouteTable, TableChange } from '../../gateway/table.ts';

export interface ProxyAddress {
  readonly host: string;
  readonly port: number;
}

/** A table that is told by its changes (gateway/live-table.ts). */
export interface Told {
  table(): RouteTable;
  since(revision: number): TableChange | undefined;
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
  /** The revision that the proxy of this connection answers by; undefined before it has got anything. */
  held: number | undefined;
}

/** The agent's end of the channel to one proxy; kept open, so that a change costs no handshake. */
export class ProxyLink {
  readonly #options: ProxyLinkOptions;
  #connection: Connection | undefined;
  #waiting: PromiseWithResolvers<MessageFromProxy> | undefined;

  constructor(options: ProxyLinkOptions) {
    this.#options = options;
  }

  /** The revision that the proxy has confirmed. */
  get revision(): number | undefined {
    return this.#connection?.held;
  }

  /**
   * Gives the proxy a revision of the table, as a change where it holds an earlier one. Resolves when it answers by it.
   * Calls must not overlap. Throws `gateway/proxy-unreachable` or `gateway/proxy-refused`.
   */
  async push(address: ProxyAddress, key: Uint8Array, told: Told, revision: number): Promise<void> {
    this.#connection ??= await this.#dial(address, key);
    const connection = this.#connection;
    if (connection.held === revision) return;
    const answer = await this.#ask(connection, messageFor(connection.held, told, revision));
    if (answer.type === 'applied' && answer.revision === revision) {
      connection.held = revision;
      return;
    }
    connection.held = undefined; // the whole table comes next
    const reason = answer.type === 'refused' ? answer.reason : `it speaks of revision ${answer.revision}`;
    throw new FairleadError('gateway/proxy-refused', `the proxy did not take its table: ${reason}`);
  }

  close(): void {
    this.#lose(undefined);
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

function messageFor(base: number | undefined, told: Told, revision: number): MessageToProxy {
  const change = base === undefined ? undefined : told.since(base);
  return base === undefined || change === undefined
    ? { type: 'table', revision, table: told.table() }
    : { type: 'change', base, revision, change };
}

const unreachable = (host: string, cause: unknown): FairleadError =>
  new FairleadError('gateway/proxy-unreachable', `the proxy ${host} cannot be reached`.replace('  ', ' '), {
    cause,
  });
