import { closeSync, writeSync } from 'node:fs';
import { checked, lastErrno } from '../ffi/errno.ts';
import { constants, libc } from '../ffi/libc.ts';
import { decodeRefusal, NetlinkError } from '../netlink/error.ts';
import { flags, types } from '../netlink/request.ts';
import { decodeMessages, encodeMessage, viewOf } from '../netlink/wire.ts';
import { inNamespace } from '../ns/enter.ts';
import { decodeLogged, encodeBind, encodeMode, messages } from './codec.ts';
import type { LoggedPacket } from './codec.ts';

export interface PacketLogOptions {
  /** Of the rules: `log group N`. One reader a group and network namespace. */
  readonly group: number;
  readonly onPacket: (packet: LoggedPacket) => void;
  /** Default: the process's own. */
  readonly namespacePath?: string;
}

/** IP and transport headers, with room for options. */
const longestHead = 128;
const threshold = 32;
const centiseconds = 5;
/** What waits in the kernel; more is lost, and counted. */
const receiveBufferBytes = 512 * 1024;
const bufferLength = 65_536;
/** Reads in a turn of the event loop: others get their turn under any flood. */
const readsInTurn = 4;
const turnMilliseconds = 20;
const pollMilliseconds = 1000;
const pollLength = 8;
const netfilter = 12;

/**
 * Reads what `log group` rules report (nfnetlink_log). The kernel copies and forgets: packets never wait for this
 * process, and what it does not read in time is lost and counted.
 *
 *   poll(2) in a thread of Node's pool ─▶ recv ─▶ onPacket for each ─▶ after 20 ms again, or poll(2)
 */
export class PacketLog implements Disposable {
  readonly #fd: number;
  readonly #wake: number;
  readonly #descriptors: Uint8Array;
  readonly #buffer = new Uint8Array(bufferLength);
  readonly #onPacket: (packet: LoggedPacket) => void;
  readonly #onExit = () => this.#interrupt();
  #expected: number | undefined;
  #lost = 0;
  #polling = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(fd: number, wake: number, onPacket: (packet: LoggedPacket) => void) {
    this.#fd = fd;
    this.#wake = wake;
    this.#onPacket = onPacket;
    this.#descriptors = new Uint8Array(2 * pollLength);
    const view = viewOf(this.#descriptors);
    for (const [index, descriptor] of [fd, wake].entries()) {
      view.setInt32(index * pollLength, descriptor, true);
      view.setInt16(index * pollLength + 4, constants.POLLIN, true);
    }
    process.once('exit', this.#onExit);
    this.#poll();
  }

  /** Throws NetlinkError where the kernel has no nfnetlink_log (EINVAL), or the group has a reader (EPERM). */
  static open({ group, namespacePath, onPacket }: PacketLogOptions): PacketLog {
    const type = constants.SOCK_RAW | constants.SOCK_CLOEXEC;
    const socket = () => libc().socket(constants.AF_NETLINK, type, netfilter);
    const what = 'No socket for logged packets can be opened';
    const opened = namespacePath === undefined ? socket() : inNamespace(namespacePath, socket);
    const fd = checked(opened, 'socket', what);
    try {
      const size = new Uint8Array(4);
      viewOf(size).setUint32(0, receiveBufferBytes, true);
      libc().setsockopt(fd, constants.SOL_SOCKET, constants.SO_RCVBUFFORCE, size, size.length);
      configure(fd, encodeBind(group));
      const mode = { longest: longestHead, threshold, centiseconds };
      try {
        configure(fd, encodeMode(group, { ...mode, conntrack: true }));
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        // A kernel without ctnetlink's part in it: then the address before translation is not told.
        configure(fd, encodeMode(group, { ...mode, conntrack: false }));
      }
      const wakeFlags = constants.EFD_NONBLOCK | constants.EFD_CLOEXEC;
      const wake = checked(libc().eventfd(0, wakeFlags), 'eventfd', 'No event descriptor can be opened');
      return new PacketLog(fd, wake, onPacket);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Packets that the kernel reported faster than they were read, since the start. */
  get lost(): number {
    return this.#lost;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    process.off('exit', this.#onExit);
    clearTimeout(this.#timer);
    // The thread still reads these descriptors: whoever comes back last closes them.
    if (this.#polling) this.#interrupt();
    else this.#closeDescriptors();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #poll(): void {
    this.#polling = true;
    libc().poll.async(this.#descriptors, this.#descriptors.length / pollLength, pollMilliseconds, () => {
      this.#polling = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#closed) {
      this.#closeDescriptors();
      return;
    }
    let reads = 0;
    while (reads < readsInTurn && this.#read()) reads++;
    // Where there was something there is more: looking again later costs less than waking a thread for each.
    if (reads > 0) this.#timer = setTimeout(() => this.#turn(), turnMilliseconds).unref();
    else this.#poll();
  }

  #read(): boolean {
    const length = libc().recv(this.#fd, this.#buffer, bufferLength, constants.MSG_DONTWAIT);
    if (length < 0) return lastErrno() === 'ENOBUFS'; // what is lost shows in the sequence
    for (const { type, body } of decodeMessages(this.#buffer.subarray(0, length))) {
      if (type !== messages.packet) continue;
      const packet = decodeLogged(body);
      if (packet === undefined) continue;
      if (this.#expected !== undefined && packet.sequence > this.#expected)
        this.#lost += packet.sequence - this.#expected;
      this.#expected = packet.sequence + 1;
      this.#onPacket(packet);
    }
    return true;
  }

  #interrupt(): void {
    writeSync(this.#wake, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
  }

  #closeDescriptors(): void {
    for (const fd of [this.#fd, this.#wake]) closeSync(fd);
  }
}

/** Waits for the kernel's word, which comes at once; packets that come before are for nobody yet. */
function configure(fd: number, body: Uint8Array): void {
  const request = { type: messages.configure, flags: flags.request | flags.acknowledge, sequence: 1, body };
  const bytes = encodeMessage(request);
  checked(libc().send(fd, bytes, bytes.length, 0), 'send', 'The kernel takes no netlink messages');
  const buffer = new Uint8Array(bufferLength);
  for (;;) {
    const length = checked(
      libc().recv(fd, buffer, bufferLength, 0),
      'recv',
      'The kernel does not answer a netlink message',
    );
    for (const message of decodeMessages(buffer.subarray(0, length))) {
      if (message.type !== types.error) continue;
      const refusal = decodeRefusal(message);
      if (refusal !== undefined) throw new NetlinkError('read logged packets', refusal);
      return;
    }
  }
}
