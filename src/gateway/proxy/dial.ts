import { connect, Socket } from 'node:net';
import { sentenceOf } from '../../base/errors.ts';
import type { ProxyContext } from './context.ts';
import type { Endpoint } from './endpoints.ts';
import type { Reader } from './reading-socket.ts';

export interface Dialled {
  readonly socket: Socket;
  /** What the socket tells when octets can go. */
  readonly ready: 'connect' | 'secureConnect';
}

/** A connection to an endpoint that is being made, by TLS where its backend wants that; `reader` gets what comes. */
export function dialEndpoint(
  context: ProxyContext,
  endpoint: Endpoint,
  protocol: 'h2' | 'http/1.1',
  reader: Reader,
): Dialled {
  const { address, port, tls } = endpoint;
  if (tls === undefined)
    return { socket: context.readBuffer.connect(address, port, reader), ready: 'connect' };
  const dialled = dialOctets(context, endpoint, [protocol]);
  dialled.socket.on('data', (bytes: Buffer) => reader.read(bytes, bytes.length));
  return dialled;
}

/** The same for octets that nobody looks at; who takes the socket reads it. */
export function dialOctets(
  context: ProxyContext,
  { address, port, tls }: Pick<Endpoint, 'address' | 'port' | 'tls'>,
  protocols: readonly string[],
): Dialled {
  const at = { host: address, port };
  if (tls === undefined)
    return { socket: connect({ ...at, noDelay: true, allowHalfOpen: true }), ready: 'connect' };
  try {
    const socket = tls.connect(at, protocols, context.certificateOf);
    socket.setNoDelay(true);
    return { socket, ready: 'secureConnect' };
  } catch (error) {
    // It fails as every other connection does, when its listeners are there.
    return { socket: new Socket().destroy(new Error(sentenceOf(error))), ready: 'secureConnect' };
  }
}
