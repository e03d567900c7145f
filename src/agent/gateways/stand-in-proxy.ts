/** A proxy's end of the control channel, without the rest of a proxy. For tests. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import { LONGEST_MESSAGE, MessageReader, encodeMessage, serverOptions } from '../../gateway/channel.ts';
import type { MessageToProxy } from '../../gateway/channel.ts';
import { applyChange } from '../../gateway/index.ts';
import type { RouteTable } from '../../gateway/table.ts';

export class StandInProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();
  readonly heard: MessageToProxy[] = [];
  table: RouteTable | undefined;
  #revision: number | undefined;
  /** The next message is refused with this reason. */
  refuseNext: string | undefined;

  private constructor(gateway: string, key: Uint8Array) {
    this.#server = createServer(serverOptions(gateway, key), socket => this.#serve(socket));
    this.#server.on('tlsClientError', () => undefined); // the dialler tells
  }

  static async listen(gateway: string, key: Uint8Array, port = 0): Promise<StandInProxy> {
    const proxy = new StandInProxy(gateway, key);
    proxy.#server.listen(port, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends the connections, as a proxy that is killed does; it listens on. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: TLSSocket): void {
    const reader = new MessageReader<MessageToProxy>(LONGEST_MESSAGE);
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', chunk => {
      for (const message of reader.push(chunk)) socket.write(encodeMessage(this.#answer(message)));
    });
  }

  #answer(message: MessageToProxy) {
    this.heard.push(message);
    const { revision } = message;
    const refuse = (reason: string) => ({ type: 'refused', revision, reason }) as const;
    if (this.refuseNext !== undefined) {
      const reason = this.refuseNext;
      this.refuseNext = undefined;
      return refuse(reason);
    }
    if (message.type === 'table') this.table = message.table;
    else if (this.table === undefined || message.base !== this.#revision)
      return refuse('another base is held');
    else this.table = applyChange(this.table, message.change);
    this.#revision = revision;
    return { type: 'applied', revision } as const;
  }
}
