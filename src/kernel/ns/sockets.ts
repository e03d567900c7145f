import { Socket } from 'node:net';
import type { SocketConstructorOpts } from 'node:net';
import { FairleadError } from '../../base/errors.ts';
import { bytesOf, parseAddress } from '../../base/ip.ts';
import type { Address } from '../../base/ip.ts';
import { checked } from '../ffi/errno.ts';
import { constants, libc } from '../ffi/libc.ts';
import { inNamespace } from './enter.ts';

export interface ListenOptions {
  /** An address, never a name; `::` listens on IPv6 alone. */
  readonly host: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  readonly backlog?: number;
  /** Also an address that this namespace does not have yet (ip(7), IP_FREEBIND). */
  readonly freeBind?: boolean;
}

/**
 * A listening TCP socket in a network namespace, for `net.Server.listen({ fd })`, which then owns it. It stays in that
 * namespace for its life.
 */
export function listenIn(path: string, options: ListenOptions): number {
  const address = addressOf(options.host);
  return inNamespace(path, () => {
    const fd = bound(address, options, constants.SOCK_STREAM);
    return orClose(fd, () => {
      const listening = libc().listen(fd, options.backlog ?? 511);
      checked(listening, 'listen', `Nothing can listen on ${options.host} port ${options.port} in ${path}`);
    });
  });
}

/** A bound UDP socket in a network namespace, for `dgram.Socket.bind({ fd })`, which then owns it. */
export function bindUdpIn(path: string, options: Omit<ListenOptions, 'backlog'>): number {
  const address = addressOf(options.host);
  return inNamespace(path, () => bound(address, options, constants.SOCK_DGRAM));
}

export interface ConnectOptions {
  /** An address, never a name: resolving would happen outside. */
  readonly host: string;
  readonly port: number;
  readonly timeoutMilliseconds: number;
}

/** A TCP connection made in a network namespace; the timeout is for the connecting alone. */
export function connectIn(path: string, options: ConnectOptions): Promise<Socket> {
  const address = addressOf(options.host);
  const fd = inNamespace(path, () => newSocket(address, constants.SOCK_STREAM));
  // `manualStart` keeps Node from reading before connect(2); it is in Node since 0.12, and missing in its types.
  const socket = new Socket({ fd, manualStart: true } as SocketConstructorOpts);
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => {
      clearTimeout(timer);
      socket.destroy();
      const sentence = `No connection to ${options.host} port ${options.port} in the network namespace ${path}`;
      reject(new FairleadError('kernel/connect', sentence, { cause }));
    };
    const timer = setTimeout(
      () => fail(new Error(`timed out after ${options.timeoutMilliseconds} ms`)),
      options.timeoutMilliseconds,
    );
    socket.once('error', fail);
    socket.connect({ host: options.host, port: options.port }, () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

function bound(address: Address, options: ListenOptions, type: number): number {
  const fd = newSocket(address, type);
  return orClose(fd, () => {
    const one = Uint8Array.of(1, 0, 0, 0);
    const set = (level: number, option: number) =>
      checked(
        libc().setsockopt(fd, level, option, one, one.length),
        'setsockopt',
        'A socket option is refused',
      );
    if (type === constants.SOCK_STREAM) set(constants.SOL_SOCKET, constants.SO_REUSEADDR);
    if (address.family === 6) set(constants.IPPROTO_IPV6, constants.IPV6_V6ONLY);
    if (options.freeBind === true) {
      if (address.family === 6) set(constants.IPPROTO_IPV6, constants.IPV6_FREEBIND);
      else set(constants.IPPROTO_IP, constants.IP_FREEBIND);
    }
    const name = socketAddress(address, options.port);
    const where = `${options.host} port ${options.port}`;
    checked(libc().bind(fd, name, name.length), 'bind', `The address ${where} cannot be taken`);
  });
}

function newSocket(address: Address, type: number): number {
  const domain = address.family === 4 ? constants.AF_INET : constants.AF_INET6;
  const flags = type | constants.SOCK_NONBLOCK | constants.SOCK_CLOEXEC;
  return checked(libc().socket(domain, flags, 0), 'socket', 'No socket can be opened');
}

function orClose(fd: number, work: () => void): number {
  try {
    work();
    return fd;
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/** struct sockaddr_in or sockaddr_in6. */
function socketAddress(address: Address, port: number): Uint8Array {
  const bytes = new Uint8Array(address.family === 4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, address.family === 4 ? constants.AF_INET : constants.AF_INET6, true);
  view.setUint16(2, port);
  bytes.set(bytesOf(address), address.family === 4 ? 4 : 8);
  return bytes;
}

function addressOf(host: string): Address {
  const address = parseAddress(host);
  if (address !== undefined) return address;
  throw new FairleadError('kernel/address', `"${host}" is not an IP address`, {
    hint: 'Resolve names before; a network namespace has no resolver of its own',
  });
}
