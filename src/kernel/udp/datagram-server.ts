import { closeSync, writeSync } from 'node:fs';
import { checked, lastErrno } from '../ffi/errno.ts';
import { constants, libc } from '../ffi/libc.ts';
import { bindUdpIn } from '../ns/index.ts';
import { LatePeers } from './late-peers.ts';
import { ReceiveBatch } from './receive-batch.ts';
import type { Peer } from './receive-batch.ts';
import { SendBatch } from './send-batch.ts';
import type { Slot } from './slot.ts';

export interface DatagramHandler {
  /**
   * Answers one datagram: `request` holds `length` bytes, is the handler's to write in, and reused after the call, as `answer` is. Returns the
   * answer's length, or 0 for none or for a later one by `send`; `peer` copies who asked, and is good for this call alone.
   * `socket` is the index of the one that it came to.
   */
  (request: Slot, length: number, answer: Slot, peer: () => DatagramPeer, socket: number): number;
}

/** Who sent a datagram, and to which of the server's sockets. */
export interface DatagramPeer {
  readonly socket: number;
  readonly name: Peer;
}

/** An address in the process's own network namespace, or a bound socket, which the server then owns. */
export type DatagramSocket = { readonly host: string; readonly port: number } | { readonly fd: number };

export interface DatagramServerOptions {
  /** One socket each, so that answers leave from the address that was asked. */
  readonly sockets: readonly DatagramSocket[];
  readonly handler: DatagramHandler;
  /** The longest datagram taken or sent, a multiple of four; a longer one is cut. */
  readonly longest: number;
}

const batchSize = 64;
/** With so many datagrams at once, answers to one peer leave together; with fewer each is a packet that everybody can read. */
const mergedFrom = 16;
/** What sendmmsg(2) says where the kernel or the way out cannot take a message apart. */
const cannotMerge: ReadonlySet<string> = new Set(['EINVAL', 'EIO', 'EMSGSIZE', 'ENOPROTOOPT', 'EOPNOTSUPP']);
/** So many batches go unjoined after one that was refused for being joined: another way out may do it. */
const pausedBatches = 4096;
/** Batches of one socket in a turn of the event loop: others get their turn under any load. */
const batchesInTurn = 4;
/** What the kernel keeps for us while we do something else; it doubles the number. */
const receiveBufferBytes = 2 * 1024 * 1024;
const pollLength = 8;
/** An exit that does not go through `close` waits at most this long for the thread in poll(2). */
const pollMilliseconds = 1000;

/**
 * UDP sockets that take and answer datagrams in batches, two system calls for up to 64; a busy one's answers to one peer leave as one message. A thread of Node's pool waits
 * in poll(2) until there is something to read; while there is, the loop turns without it.
 *
 *   poll(2) in a thread ─▶ recvmmsg ─▶ handler for each ─▶ sendmmsg ─▶ again in the next turn, or poll(2)
 */
export class DatagramServer {
  readonly #handler: DatagramHandler;
  readonly #sockets: number[] = [];
  readonly #requests: ReceiveBatch;
  readonly #answers: SendBatch;
  /** Those that took longer, of one socket, until the end of this turn of the event loop. */
  readonly #latePeers = new LatePeers(batchSize);
  readonly #late: SendBatch;
  #lateSocket = 0;
  #isLateDue = false;
  readonly #wake: number;
  readonly #descriptors: Uint8Array;
  readonly #onExit = () => this.#interrupt();
  /** One for all calls: a closure a datagram would cost more than the answer's copy. */
  readonly #peer = (): DatagramPeer => ({
    socket: this.#socketNow,
    name: this.#requests.peer(this.#requestNow),
  });
  #socketNow = 0;
  #requestNow = 0;
  #polling = false;
  #closed = false;
  #dropped = 0;
  /** Batches until answers are joined again. */
  #paused = 0;

  constructor(options: DatagramServerOptions) {
    this.#handler = options.handler;
    this.#requests = new ReceiveBatch(batchSize, options.longest);
    this.#answers = new SendBatch(this.#requests, options.longest);
    this.#late = new SendBatch(this.#latePeers, options.longest);
    const flags = constants.EFD_NONBLOCK | constants.EFD_CLOEXEC;
    this.#wake = checked(libc().eventfd(0, flags), 'eventfd', 'No event descriptor can be opened');
    try {
      for (const socket of options.sockets) this.#sockets.push(prepared(socket));
    } catch (error) {
      for (const fd of [...this.#sockets, this.#wake]) closeSync(fd);
      throw error;
    }
    this.#descriptors = pollDescriptors([...this.#sockets, this.#wake]);
    process.once('exit', this.#onExit);
    this.#poll();
  }

  /** Answers that the kernel did not take, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** An answer that took longer: it is copied, and leaves with others of this turn; what the kernel does not take is dropped, as datagrams are. */
  send(bytes: Uint8Array, { socket, name }: DatagramPeer): void {
    const late = this.#late;
    if (this.#closed || bytes.length > late.slotLength) return;
    if (late.count === batchSize || socket !== this.#lateSocket) this.#sendLate();
    this.#lateSocket = socket;
    late.slots[late.count]?.bytes.set(bytes);
    this.#latePeers.set(late.count, name);
    late.add(bytes.length, late.count);
    if (this.#isLateDue) return;
    this.#isLateDue = true;
    setImmediate(() => {
      this.#isLateDue = false;
      this.#sendLate();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#sendLate();
    this.#closed = true;
    process.off('exit', this.#onExit);
    // The thread, or a turn that is due, still uses these descriptors: it closes them.
    if (this.#polling) this.#interrupt();
  }

  #poll(): void {
    this.#polling = true;
    libc().poll.async(this.#descriptors, this.#descriptors.length / pollLength, pollMilliseconds, () => {
      this.#polling = false;
      if (this.#closed) this.#closeDescriptors();
      else this.#turn();
    });
  }

  #turn(): void {
    if (this.#closed) {
      this.#closeDescriptors();
      return;
    }
    let received = 0;
    for (const [index, fd] of this.#sockets.entries()) received += this.#drain(index, fd);
    if (this.#closed) this.#closeDescriptors();
    // Who asks once asks again soon: looking costs less than waking a thread.
    else if (received > 0) setImmediate(() => this.#turn());
    else this.#poll();
  }

  #drain(socket: number, fd: number): number {
    let total = 0;
    for (let round = 0; round < batchesInTurn; round++) {
      this.#requests.expect(batchSize);
      const { headers } = this.#requests;
      const count = libc().recvmmsg(fd, headers, batchSize, constants.MSG_DONTWAIT, null);
      // Nothing there; or an ICMP error of an earlier answer, which is told once and taken away by that.
      if (count <= 0) return total;
      total += count;
      this.#answerAll(socket, fd, count);
      if (count < batchSize) return total;
    }
    return total;
  }

  #answerAll(socket: number, fd: number, count: number): void {
    const [requests, answers] = [this.#requests, this.#answers];
    this.#socketNow = socket;
    answers.clear();
    for (let index = 0; index < count; index++) {
      const request = requests.slots[index];
      const answer = answers.slots[answers.count];
      if (request === undefined || answer === undefined) break; // both have `batchSize` slots
      this.#requestNow = index;
      const length = this.#handler(request, requests.lengthOf(index), answer, this.#peer, socket);
      if (length > 0) answers.add(length, index);
    }
    this.#sendAll(fd, answers);
  }

  #sendLate(): void {
    const fd = this.#sockets[this.#lateSocket];
    if (fd !== undefined) this.#sendAll(fd, this.#late);
    this.#late.clear();
  }

  #sendAll(fd: number, answers: SendBatch): void {
    if (answers.count === 0) return;
    const isMany = answers.count >= mergedFrom;
    const isJoined = isMany && this.#paused === 0;
    if (isMany && !isJoined) this.#paused--;
    this.#flush(fd, answers, isJoined ? answers.layMerged() : answers.lay());
  }

  /** sendmmsg(2) stops at what is refused (by a firewall, for one receiver): the rest goes without it. */
  #flush(fd: number, answers: SendBatch, messages: number): void {
    let [count, done] = [messages, 0];
    let wasJoined = false;
    while (done < count) {
      const sent = libc().sendmmsg(fd, answers.headersFrom(done), count - done, constants.MSG_DONTWAIT);
      if (sent > 0) {
        // What goes alone and not together: this way out cannot do it.
        if (wasJoined) this.#paused = pausedBatches;
        wasJoined = false;
        done += sent;
      } else if (answers.partsOf(done) > 1 && cannotMerge.has(lastErrno())) {
        wasJoined = true;
        [count, done] = [answers.laySinglyFrom(done), 0];
      } else {
        // Refused alone, too (port 0, which anybody can send from): it says nothing of what others asked.
        wasJoined = false;
        this.#dropped += answers.partsOf(done);
        done++;
      }
    }
  }

  #interrupt(): void {
    writeSync(this.#wake, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
  }

  #closeDescriptors(): void {
    for (const fd of [...this.#sockets.splice(0), this.#wake]) closeSync(fd);
  }
}

function prepared(socket: DatagramSocket): number {
  const fd = 'fd' in socket ? socket.fd : bindUdpIn('/proc/thread-self/ns/net', socket);
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, receiveBufferBytes, true);
  // Refused without CAP_NET_ADMIN: then the system's default has to do.
  libc().setsockopt(fd, constants.SOL_SOCKET, constants.SO_RCVBUFFORCE, bytes, bytes.length);
  return fd;
}

/** struct pollfd: descriptor, wanted events, seen events. */
function pollDescriptors(fds: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(fds.length * pollLength);
  const view = new DataView(bytes.buffer);
  for (const [index, fd] of fds.entries()) {
    view.setInt32(index * pollLength, fd, true);
    view.setInt16(index * pollLength + 4, constants.POLLIN, true);
  }
  return bytes;
}
