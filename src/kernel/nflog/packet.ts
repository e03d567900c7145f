import { addressFromBytes, formatAddress } from '../../base/ip.ts';

/** Who sends what to whom, as the first bytes of a packet tell. */
export interface PacketHead {
  readonly family: 4 | 6;
  /** As `formatAddress` writes them. */
  readonly source: string;
  readonly destination: string;
  /** IP protocol number, behind the extension headers of IPv6. */
  readonly protocol: number;
  /** Absent for protocols without ports, later fragments, and what is cut off. */
  readonly sourcePort?: number;
  readonly port?: number;
}

const withPorts: ReadonlySet<number> = new Set([6, 17, 132]);
const fragmentHeader = 44;
/** Hop by hop, routing, destination options (RFC 8200, section 4): a length in units of 8 bytes, without the first. */
const extensions: ReadonlySet<number> = new Set([0, 43, 60]);
/** More extension headers than this are not followed. */
const mostExtensions = 8;

/** Undefined for what is no whole IP header (RFC 791, RFC 8200). */
export function readPacketHead(bytes: Uint8Array): PacketHead | undefined {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4) return readV4(bytes);
  return version === 6 ? readV6(bytes) : undefined;
}

function readV4(bytes: Uint8Array): PacketHead | undefined {
  const length = ((bytes[0] ?? 0) & 0x0f) * 4;
  if (length < 20 || bytes.length < length) return undefined;
  const isFirst = (((bytes[6] ?? 0) & 0x1f) << 8) + (bytes[7] ?? 0) === 0;
  const protocol = bytes[9] ?? 0;
  return {
    family: 4,
    source: textOf(bytes.subarray(12, 16)),
    destination: textOf(bytes.subarray(16, 20)),
    protocol,
    ...(isFirst ? portsOf(protocol, bytes.subarray(length)) : {}),
  };
}

function readV6(bytes: Uint8Array): PacketHead | undefined {
  if (bytes.length < 40) return undefined;
  let protocol = bytes[6] ?? 0;
  let at = 40;
  let isFirst = true;
  for (let count = 0; count < mostExtensions && at + 8 <= bytes.length; count++) {
    if (protocol === fragmentHeader) {
      isFirst &&= (((bytes[at + 2] ?? 0) << 8) + (bytes[at + 3] ?? 0)) >> 3 === 0;
      protocol = bytes[at] ?? 0;
      at += 8;
    } else if (extensions.has(protocol)) {
      protocol = bytes[at] ?? 0;
      at += ((bytes[at + 1] ?? 0) + 1) * 8;
    } else break;
  }
  return {
    family: 6,
    source: textOf(bytes.subarray(8, 24)),
    destination: textOf(bytes.subarray(24, 40)),
    protocol,
    ...(isFirst ? portsOf(protocol, bytes.subarray(at)) : {}),
  };
}

function portsOf(protocol: number, bytes: Uint8Array): Pick<PacketHead, 'sourcePort' | 'port'> {
  if (!withPorts.has(protocol) || bytes.length < 4) return {};
  const at = (index: number) => ((bytes[index] ?? 0) << 8) + (bytes[index + 1] ?? 0);
  return { sourcePort: at(0), port: at(2) };
}

function textOf(bytes: Uint8Array): string {
  const address = addressFromBytes(bytes);
  return address === undefined ? '' : formatAddress(address);
}
