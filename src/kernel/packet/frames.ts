import { bytesOf, parseAddress } from '../../base/ip.ts';
import type { Address } from '../../base/ip.ts';
import { encodeMac } from '../netlink/values.ts';

const etherTypes = { arp: 0x0806, ipv6: 0x86dd } as const;
const broadcast = Uint8Array.of(255, 255, 255, 255, 255, 255);
/** ff02::1, all nodes of the link, and its MAC address (RFC 2464, 7). */
const allNodes = parseAddress('ff02::1');
const allNodesMac = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);

/**
 * An Ethernet frame that tells everybody on a link that an address is at a MAC address: a gratuitous ARP request
 * (RFC 5227, 3), or an unsolicited neighbour advertisement with the override flag (RFC 4861, 7.2.6).
 */
export function announcementFrame(address: Address, mac: string): Uint8Array {
  const from = encodeMac(mac);
  return address.family === 4 ? gratuitousArp(bytesOf(address), from) : advertisement(address, from);
}

function gratuitousArp(address: Uint8Array, mac: Uint8Array): Uint8Array {
  // Ethernet, IPv4, lengths 6 and 4, operation 1 (request): more receivers take it to heart than a reply.
  const head = Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1);
  return ethernet(broadcast, mac, etherTypes.arp, [head, mac, address, new Uint8Array(6), address]);
}

function advertisement(address: Address, mac: Uint8Array): Uint8Array {
  if (allNodes === undefined) throw new Error('ff02::1 is an address');
  const [source, destination] = [bytesOf(address), bytesOf(allNodes)];
  // Type 136, code 0, checksum; flags: router and override; the target; option 2, the target's link-layer address.
  const message = Uint8Array.of(136, 0, 0, 0, 0xa0, 0, 0, 0, ...source, 2, 1, ...mac);
  const checksum = internetChecksum([
    source,
    destination,
    Uint8Array.of(0, 0, 0, message.length, 0, 0, 0, 58),
    message,
  ]);
  message[2] = checksum >> 8;
  message[3] = checksum & 255;
  // Version 6, next header ICMPv6, hop limit 255: anything less is ignored (RFC 4861, 7.1.2).
  const head = Uint8Array.of(0x60, 0, 0, 0, 0, message.length, 58, 255);
  return ethernet(allNodesMac, mac, etherTypes.ipv6, [head, source, destination, message]);
}

function ethernet(
  destination: Uint8Array,
  source: Uint8Array,
  type: number,
  payload: readonly Uint8Array[],
): Uint8Array {
  return Uint8Array.from([
    ...destination,
    ...source,
    type >> 8,
    type & 255,
    ...payload.flatMap(part => [...part]),
  ]);
}

/** RFC 1071; the parts have even lengths. */
export function internetChecksum(parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts)
    for (let at = 0; at < part.length; at += 2) sum += ((part[at] ?? 0) << 8) | (part[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
