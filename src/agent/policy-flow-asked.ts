/**
 * What a packet's connection asked for before a Service was translated, where the kernel does not say it with its report:
 *
 * ```
 *   dropped ──▶ its report, and a second one in which the packet goes where it was sent: joined here
 *   passed  ──▶ the connection is there: one look-up (ctnetlink), for those alone that become an event
 * ```
 */
import type { ReportedPacket } from '../flows/index.ts';
import { ConntrackSocket, NetlinkError } from '../kernel/netlink/index.ts';
import type { LoggedPacket } from '../kernel/nflog/index.ts';
import { askedChain } from '../policy/index.ts';

/** The kernel hands reports on after a twentieth of a second. */
const waitMilliseconds = 100;
const mostWaiting = 500;
/** Its second report has the port that it was translated to. */
const sctp = 132;

export type FindConnection = Pick<ConntrackSocket, 'find'>['find'];

/** Hands packets on, in order: drops after what belongs to them came. */
export class AskedAddresses {
  readonly #onPacket: (packet: ReportedPacket) => void;
  #waiting: ReportedPacket[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(onPacket: (packet: ReportedPacket) => void) {
    this.#onPacket = onPacket;
  }

  take({ head, original, prefix }: LoggedPacket): void {
    if (prefix === askedChain) {
      this.#join(head);
      return;
    }
    const packet = { rule: prefix, ...head, ...(original === undefined ? {} : { original }) };
    if (!isSecondToCome(packet)) {
      this.#onPacket(packet);
      return;
    }
    if (this.#waiting.length >= mostWaiting) this.flush();
    this.#waiting.push(packet);
    this.#timer ??= setTimeout(() => this.flush(), waitMilliseconds).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const packets = this.#waiting;
    this.#waiting = [];
    for (const packet of packets) this.#onPacket(packet);
  }

  #join({ destination, port, protocol, source, sourcePort }: LoggedPacket['head']): void {
    // It comes right behind its own; one before it may have gone where it was sent.
    const at = this.#waiting.findLastIndex(
      packet =>
        packet.original === undefined &&
        packet.source === source &&
        packet.sourcePort === sourcePort &&
        packet.protocol === protocol,
    );
    const packet = this.#waiting[at];
    if (packet === undefined) return;
    const isTold = port !== undefined && protocol !== sctp;
    const original = { source, destination, ...(isTold ? { destinationPort: port } : {}) };
    this.#waiting[at] = { ...packet, original };
  }
}

/** What is dropped before it has a connection. */
const isSecondToCome = ({ original, rule }: ReportedPacket): boolean =>
  original === undefined && !hasConnection(rule);

/** `allowed`, `audit-egress-GROUP`, `revoked`, `revoked-reply` */
const hasConnection = (rule: string): boolean => /^(allowed|audit-|revoked)/.test(rule);

/** With what its connection asked for, where the kernel knows it: after a masquerade it looks otherwise, and is not found. */
export function withAsked(packet: ReportedPacket, find: FindConnection | undefined): ReportedPacket {
  const { destination, original, port, protocol, rule, source, sourcePort } = packet;
  if (find === undefined || original !== undefined || !hasConnection(rule) || port === undefined)
    return packet;
  const there = { address: source, port: sourcePort ?? 0 };
  const here = { address: destination, port };
  const [from, to] = rule === 'revoked-reply' ? [there, here] : [here, there];
  try {
    const connection = find(protocol, {
      source: from.address,
      sourcePort: from.port,
      destination: to.address,
      destinationPort: to.port,
    });
    return connection === undefined ? packet : { ...packet, original: connection.original };
  } catch (error) {
    if (error instanceof NetlinkError) return packet; // a kernel that cannot say it: the event is worth as much
    throw error;
  }
}

/** Of the process's own network namespace; undefined where the kernel does not track connections. */
export function connectionFinder(): { readonly find: FindConnection; close(): void } | undefined {
  try {
    const socket = ConntrackSocket.open();
    return { find: socket.find.bind(socket), close: () => socket.close() };
  } catch (error) {
    if (error instanceof NetlinkError) return undefined;
    throw error;
  }
}
