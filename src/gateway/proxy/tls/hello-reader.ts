import type { Socket } from 'node:net';
import { awaitBeginning } from '../beginning-reader.ts';
import type { ProxyContext } from '../context.ts';
import { longestHello, readClientHello } from './client-hello.ts';

/** Waits for a client's ClientHello, and gives the connection on with all of its octets still to be read. */
export function awaitHello(context: ProxyContext, socket: Socket, take: (serverName: string) => void): void {
  const read = (octets: Buffer) => {
    const hello = readClientHello(octets);
    if (hello.type === 'hello') return { value: hello.name, length: 0 };
    return hello.type === 'more' && octets.length <= longestHello ? 'more' : 'none';
  };
  awaitBeginning(context, socket, read, take);
}
