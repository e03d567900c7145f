import { FairleadError } from '../../base/errors.ts';
import { checked } from '../ffi/errno.ts';
import { constants, libc } from '../ffi/libc.ts';
import { NetlinkError, decodeRefusal } from './error.ts';
import type { Refusal } from './error.ts';
import { flags, types } from './request.ts';
import type { Request } from './request.ts';
import { decodeMessages, encodeMessage, viewOf } from './wire.ts';
import type { Message } from './wire.ts';

/** <linux/netlink.h>: level 270 */
const netlinkLevel = 270;
const option = { capAck: 10, extendedAck: 11, strictCheck: 12 } as const;
/** The kernel fills at most this much in one answer to a dump. */
const bufferLength = 65_536;
/** A namespace that changes all the time would interrupt every dump; then the answer is an error. */
const dumpAttempts = 20;
const receiveBuffer = 1 << 20;
/** Below what kernels give without being asked. */
const usualSendBuffer = 131_072;
const timeoutSeconds = 10;

/** <linux/netlink.h>: what of the kernel a socket speaks to. */
export const netlinkFamilies = { route: 0, socketDiagnosis: 4, netfilter: 12 } as const;

/** One netlink socket: requests out, answers in, matched by sequence number. Blocks while the kernel works. */
export class Channel {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(bufferLength);
  #sequence = 0;
  #sendBuffer = usualSendBuffer;
  #open = true;

  /** Opens it in the calling thread's network namespace; it stays there. */
  constructor(family: (typeof netlinkFamilies)[keyof typeof netlinkFamilies] = netlinkFamilies.route) {
    const type = constants.SOCK_RAW | constants.SOCK_CLOEXEC;
    this.#fd = checked(
      libc().socket(constants.AF_NETLINK, type, family),
      'socket',
      'No netlink socket can be opened',
    );
    try {
      this.#configure();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** All in one send: the kernel handles each, whatever becomes of those before. One answer a request, in order. */
  transact(requests: readonly Request[]): readonly (Refusal | undefined)[] {
    const first = this.#sequence + 1;
    this.#send(requests);
    const answers: (Refusal | undefined)[] = [];
    let missing = requests.length;
    while (missing > 0) {
      for (const message of this.#receive()) {
        const index = message.sequence - first;
        if (message.type !== types.error || index < 0 || index >= requests.length) continue;
        answers[index] = decodeRefusal(message);
        missing--;
      }
    }
    return Array.from(requests, (_, index) => answers[index]);
  }

  /**
   * As `transact`, for subsystems that take requests between two marks: all of them or none. What refuses the whole
   * stands alone in the answer.
   */
  batch(begin: Request, requests: readonly Request[], end: Request): readonly (Refusal | undefined)[] {
    const first = this.#sequence + 2;
    this.#send([begin, ...requests, end]);
    const answers: (Refusal | undefined)[] = [];
    let missing = requests.length;
    while (missing > 0) {
      for (const message of this.#receive()) {
        const index = message.sequence - first;
        if (message.type !== types.error || index < -1 || index >= requests.length) continue;
        const refusal = decodeRefusal(message);
        if (index === -1) return [refusal];
        answers[index] = refusal;
        missing--;
      }
    }
    return Array.from(requests, (_, index) => answers[index]);
  }

  /** Bodies of the one object that is asked for, or the refusal. */
  get(request: Request): readonly Uint8Array[] | Refusal {
    this.#send([{ ...request, flags: request.flags | flags.acknowledge }]);
    const bodies: Uint8Array[] = [];
    for (;;) {
      for (const message of this.#receive()) {
        if (message.sequence !== this.#sequence) continue;
        if (message.type === types.error) return decodeRefusal(message) ?? bodies;
        bodies.push(message.body.slice());
      }
    }
  }

  /** Every object of a dump, decoded as it comes; again from the start when a change came in between. */
  dump<T>(what: string, request: Request, decode: (body: Uint8Array) => T | undefined): readonly T[] {
    for (let attempt = 0; attempt < dumpAttempts; attempt++) {
      const found = this.#dumpOnce(what, request, decode);
      if (found !== undefined) return found;
    }
    throw new FairleadError('kernel/netlink-busy', `Cannot read ${what}: they change while they are read`, {
      hint: 'Look for what changes links or routes all the time: ip monitor',
    });
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    libc().close(this.#fd);
  }

  #dumpOnce<T>(what: string, request: Request, decode: (body: Uint8Array) => T | undefined): T[] | undefined {
    this.#send([request]);
    const found: T[] = [];
    let interrupted = false;
    for (;;) {
      for (const message of this.#receive()) {
        if (message.sequence !== this.#sequence) continue;
        interrupted ||= (message.flags & flags.dumpInterrupted) !== 0;
        if (message.type === types.done || message.type === types.error) {
          const refusal = message.body.length === 0 ? undefined : decodeRefusal(message);
          if (refusal !== undefined) throw new NetlinkError(`read ${what}`, refusal);
          return interrupted ? undefined : found;
        }
        const object = decode(message.body);
        if (object !== undefined) found.push(object);
      }
    }
  }

  #send(requests: readonly Request[]): void {
    const messages = requests.map(request => encodeMessage({ ...request, sequence: ++this.#sequence }));
    const bytes = Buffer.concat(messages);
    this.#makeRoom(bytes.length);
    checked(
      this.#require().send(this.#fd, bytes, bytes.length, 0),
      'send',
      'The kernel takes no netlink messages',
    );
  }

  /** What is sent at once has to fit into the buffer of the socket. */
  #makeRoom(length: number): void {
    if (length <= this.#sendBuffer) return;
    this.#sendBuffer = 2 * length;
    const size = new Uint8Array(4);
    viewOf(size).setUint32(0, this.#sendBuffer, true);
    libc().setsockopt(this.#fd, constants.SOL_SOCKET, constants.SO_SNDBUFFORCE, size, size.length);
  }

  #receive(): readonly Message[] {
    const length = this.#require().recv(this.#fd, this.#buffer, bufferLength, constants.MSG_TRUNC);
    checked(length, 'recv', 'The kernel does not answer a netlink message');
    if (length > bufferLength) {
      throw new FairleadError(
        'kernel/netlink-answer',
        `A netlink answer of ${length} bytes is longer than expected`,
      );
    }
    return decodeMessages(this.#buffer.subarray(0, length));
  }

  #require(): ReturnType<typeof libc> {
    if (this.#open) return libc();
    throw new FairleadError('kernel/netlink-closed', 'The netlink socket is closed');
  }

  #configure(): void {
    const set = (level: number, name: number, value: Uint8Array) =>
      libc().setsockopt(this.#fd, level, name, value, value.length);
    const on = Uint8Array.of(1, 0, 0, 0);
    // All three are since Linux 4.20 or earlier; without them there are fewer words in errors, and longer dumps.
    for (const name of [option.capAck, option.extendedAck, option.strictCheck]) set(netlinkLevel, name, on);
    const size = new Uint8Array(4);
    viewOf(size).setUint32(0, receiveBuffer, true);
    set(constants.SOL_SOCKET, constants.SO_RCVBUFFORCE, size);
    // struct timeval of two 64-bit numbers
    const timeout = new Uint8Array(16);
    viewOf(timeout).setBigInt64(0, BigInt(timeoutSeconds), true);
    checked(
      set(constants.SOL_SOCKET, constants.SO_RCVTIMEO, timeout),
      'setsockopt',
      'A netlink socket cannot be set up',
    );
    // Connected to the kernel (port 0): other senders are refused.
    const kernel = new Uint8Array(12);
    viewOf(kernel).setUint16(0, constants.AF_NETLINK, true);
    checked(
      libc().connect(this.#fd, kernel, kernel.length),
      'connect',
      'A netlink socket cannot be connected',
    );
  }
}
