import { Socket, connect } from 'node:net';
import type { SocketConstructorOpts } from 'node:net';

/** Who reads a connection. The octets are valid during the call alone: the buffer is everybody's. */
export interface Reader {
  read(bytes: Buffer, length: number): void;
}

/**
 * One buffer that all connections of a process read into: a read is told of at once and never two at a time, so that
 * nothing is allocated for what only passes through.
 */
export class ReadBuffer {
  readonly #bytes = Buffer.allocUnsafeSlow(64 * 1024);

  /**
   * Takes over an accepted, paused connection. Node offers `onread` for sockets that a program makes, but not for those
   * that a server makes: so the handle moves to a socket of our own.
   */
  adopt(accepted: Socket, reader: Reader): Socket {
    const holder = accepted as unknown as { _handle: unknown };
    const handle = holder._handle;
    holder._handle = null;
    const options = { handle, allowHalfOpen: true, onread: this.#into(reader) };
    // `handle` is what net.Server itself passes; it is missing in Node's types.
    const socket = new Socket(options as SocketConstructorOpts);
    socket.read(0);
    return socket;
  }

  connect(host: string, port: number, reader: Reader): Socket {
    return connect({ host, port, noDelay: true, allowHalfOpen: true, onread: this.#into(reader) });
  }

  #into(reader: Reader) {
    return {
      buffer: this.#bytes,
      callback: (length: number, bytes: Uint8Array): boolean => {
        reader.read(bytes as Buffer, length); // the buffer that was given
        return true;
      },
    };
  }
}
