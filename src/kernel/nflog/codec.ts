import { decodeConnectionTuple } from '../netlink/conntrack.ts';
import type { ConnectionTuple } from '../netlink/conntrack.ts';
import { encodeBody, readText, readU32, u16, u32, u8, decodeAttributes } from '../netlink/wire.ts';
import { readPacketHead } from './packet.ts';
import type { PacketHead } from './packet.ts';

/** One packet that a `log group` rule reported. */
export interface LoggedPacket {
  /** What the rule says: its `prefix`. */
  readonly prefix: string;
  readonly head: PacketHead;
  /** As the connection was opened, before any translation; absent for what is not tracked. */
  readonly original?: ConnectionTuple;
  /** Counts the packets of a group, also those that got lost on their way. */
  readonly sequence: number;
}

/** <linux/netfilter/nfnetlink_log.h>; the subsystem of nfnetlink is the upper byte. */
export const messages = { packet: 0x0400, configure: 0x0401 } as const;
const configuration = { command: 1, mode: 2, timeout: 4, threshold: 5, flags: 6 } as const;
const bindCommand = 1;
const copyPacket = 2;
const wanted = { sequence: 1, conntrack: 4 } as const;
const attributes = { payload: 9, prefix: 10, sequence: 12, conntrack: 18 } as const;
const originalTuple = 1;

/** struct nfgenmsg; the resource is the group. */
const header = (group: number): Uint8Array => Uint8Array.of(0, 0, group >> 8, group & 0xff);

export const encodeBind = (group: number): Uint8Array =>
  encodeBody(header(group), [[configuration.command, u8(bindCommand)]]);

/** Packets are sent as soon as `threshold` wait, or the first waited for `centiseconds`; `longest` bytes of each. */
export function encodeMode(
  group: number,
  options: {
    readonly longest: number;
    readonly threshold: number;
    readonly centiseconds: number;
    readonly conntrack: boolean;
  },
): Uint8Array {
  const mode = new Uint8Array(6);
  new DataView(mode.buffer).setUint32(0, options.longest);
  mode[4] = copyPacket;
  return encodeBody(header(group), [
    [configuration.mode, mode],
    [configuration.threshold, u32(options.threshold, 'network')],
    [configuration.timeout, u32(options.centiseconds, 'network')],
    [configuration.flags, u16(wanted.sequence | (options.conntrack ? wanted.conntrack : 0), 'network')],
  ]);
}

/** Undefined for what holds no IP packet. */
export function decodeLogged(body: Uint8Array): LoggedPacket | undefined {
  const found = decodeAttributes(body, 4);
  const head = readPacketHead(found.get(attributes.payload) ?? new Uint8Array(0));
  if (head === undefined) return undefined;
  const conntrack = found.get(attributes.conntrack);
  const tuple = conntrack && decodeConnectionTuple(decodeAttributes(conntrack, 0).get(originalTuple));
  return {
    prefix: readText(found.get(attributes.prefix)) ?? '',
    head,
    ...(tuple === undefined ? {} : { original: tuple }),
    sequence: readU32(found.get(attributes.sequence), 'network') ?? 0,
  };
}
