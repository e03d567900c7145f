import * as net from 'node:net';
import { getSystemErrorMessage } from 'node:util';
import { FairleadError } from '../../../base/errors.ts';

/** A bound TCP socket that this process never accepts on, as it can be sent to a worker. */
export interface BoundSocket {
  close(): void;
}

/** UV_TCP_REUSEPORT of libuv: each worker has a socket of its own for a port, and the kernel shares out. */
const reusePort = 2;

/**
 * Binds a port of all addresses of both families, without listening: that is done by the worker that it is sent to. The
 * socket is the same in both processes, so that it goes on to queue connections while a worker is away.
 */
export function bindPort(port: number): BoundSocket {
  // What node:cluster makes its sockets with; net exports it, and @types/node does not know it.
  const { _createServerHandle: create } = net as unknown as {
    readonly _createServerHandle: (
      address: string,
      port: number,
      family: 4 | 6,
      fd: number,
      flags: number,
    ) => BoundSocket | number;
  };
  const both = create('::', port, 6, -1, reusePort);
  if (typeof both !== 'number') return both;
  // Without IPv6 in the kernel.
  const handle = create('0.0.0.0', port, 4, -1, reusePort);
  if (typeof handle !== 'number') return handle;
  throw new FairleadError(
    'gateway/port',
    `port ${port} cannot be opened: ${getSystemErrorMessage(handle) ?? handle}`,
  );
}
