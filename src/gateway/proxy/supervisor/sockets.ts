import * as net from 'node:net';
import { FairleadError } from '../../../base/errors.ts';
import { getSystemErrorMessage } from 'node:util';

/** A bound TCP socket that this process never accepts on, as it can be sent to a worker. */
export interface BoundSocket {
  close(): void;
}

/** Node's own handle of a socket. */
interface Handle extends BoundSocket {
  getsockname(into: { port?: number }): number;
}

/** UV_TCP_REUSEPORT of libuv: each worker has a socket of its own for a port, and the kernel shares out. */
const reusePort = 2;
/** <errno.h>, as libuv gives it. */
const addressInUse = -98;

/**
 * Binds a port of all addresses of both families, without listening: that is done by the worker that it is sent to. The
 * socket is the same in both processes, so that it goes on to queue connections while a worker is away.
 */
export function bindPort(port: number): BoundSocket {
  const both = bound('::', 6, port);
  // Without IPv6 in the kernel there is IPv4 alone.
  const made = typeof both === 'number' && both !== addressInUse ? bound('0.0.0.0', 4, port) : both;
  if (typeof made !== 'number') return made;
  throw new FairleadError(
    'gateway/port',
    `port ${port} cannot be opened: ${getSystemErrorMessage(made) ?? made}`,
  );
}

/** The socket, or libuv's error number. */
function bound(address: string, family: 4 | 6, port: number): BoundSocket | number {
  // What node:cluster makes its sockets with; net exports it, and @types/node does not know it.
  const { _createServerHandle: create } = net as unknown as {
    readonly _createServerHandle: (
      address: string,
      port: number,
      family: 4 | 6,
      fd: number,
      flags: number,
    ) => Handle | number;
  };
  const handle = create(address, port, family, -1, reusePort);
  if (typeof handle === 'number') return handle;
  // libuv keeps this error for listen(2), which would then bind to any port in the other process.
  const name: { port?: number } = {};
  if (handle.getsockname(name) === 0 && name.port === port) return handle;
  handle.close();
  return addressInUse;
}
