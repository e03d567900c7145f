import { inNamespace } from '../ns/enter.ts';
import { Channel, netlinkFamilies } from './channel.ts';
import { NetlinkError } from './error.ts';
import { flags } from './request.ts';
import type { Request } from './request.ts';
import { viewOf } from './wire.ts';

/** A socket as the kernel knows it: its cookie is its own for as long as the machine runs. */
export interface DiagnosedSocket {
  readonly cookie: bigint;
  /** What the kernel asks for to name it again: struct inet_diag_sockid, and the family before it. */
  readonly family: number;
  readonly id: Uint8Array;
}

/** <linux/sock_diag.h> */
const messages = { byFamily: 20, destroy: 21 } as const;
/** <linux/inet_diag.h>: the lengths of struct inet_diag_req_v2 and struct inet_diag_sockid, and where the peer's port and the cookie are. */
const requestLength = 56;
const idLength = 48;
const cookieOffset = 40;
const peerPortOffset = 2;
/** Of struct inet_diag_msg: family, state, timer and retransmissions come before the id. */
const idOffset = 4;
const families = [2, 10] as const;
const udp = 17;
const allStates = 0xffff_ffff;
/** Acknowledgements of this many requests fit the receive buffer with room to spare. */
const requestsAtOnce = 128;

/** UDP sockets of one network namespace (sock_diag(7)). Synchronous. */
export class SocketDiagnosis implements Disposable {
  readonly #channel: Channel;

  private constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** In the calling thread's network namespace, or in the one at a path. */
  static open(namespacePath?: string): SocketDiagnosis {
    const open = () => new SocketDiagnosis(new Channel(netlinkFamilies.socketDiagnosis));
    return namespacePath === undefined ? open() : inNamespace(namespacePath, open);
  }

  /**
   * Those with one of these cookies that are connected. A socket of IPv6 may speak IPv4, so both families are looked
   * through.
   */
  udpSockets(cookies: ReadonlySet<bigint>): readonly DiagnosedSocket[] {
    return families.flatMap(family =>
      this.#channel.dump('UDP sockets', dumpOf(family), body => {
        const socket = decodeSocket(body);
        return socket !== undefined && cookies.has(socket.cookie) && isConnected(socket) ? socket : undefined;
      }),
    );
  }

  /**
   * Ends them: whoever waits on one, or uses it next, gets ECONNABORTED (CONFIG_INET_DIAG_DESTROY). Returns how many
   * there still were.
   */
  destroy(sockets: readonly DiagnosedSocket[]): number {
    let done = 0;
    for (let from = 0; from < sockets.length; from += requestsAtOnce) {
      const requests = sockets.slice(from, from + requestsAtOnce).map(destructionOf);
      for (const refusal of this.#channel.transact(requests)) {
        const error = refusal === undefined ? undefined : new NetlinkError('end a UDP socket', refusal);
        if (error === undefined) done++;
        else if (error.errno !== 'ENOENT') throw error;
      }
    }
    return done;
  }

  close(): void {
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function dumpOf(family: number): Request {
  const body = new Uint8Array(requestLength);
  body.set([family, udp]);
  viewOf(body).setUint32(4, allStates, true);
  return { type: messages.byFamily, flags: flags.request | flags.dump, body };
}

function destructionOf({ family, id }: DiagnosedSocket): Request {
  const body = new Uint8Array(requestLength);
  body.set([family, udp]);
  viewOf(body).setUint32(4, allStates, true);
  body.set(id, requestLength - idLength);
  return { type: messages.destroy, flags: flags.request | flags.acknowledge, body };
}

/** By its peer's port: no socket is connected to port 0. */
function isConnected({ id }: DiagnosedSocket): boolean {
  return viewOf(id).getUint16(peerPortOffset) !== 0;
}

function decodeSocket(body: Uint8Array): DiagnosedSocket | undefined {
  if (body.length < idOffset + idLength) return undefined;
  const id = body.slice(idOffset, idOffset + idLength);
  return { cookie: viewOf(id).getBigUint64(cookieOffset, true), family: body[0] ?? 0, id };
}
