import { isIP } from 'node:net';

/** What a connection's beginning says of who made it (HAProxy's PROXY protocol, versions 1 and 2). */
export type ProxyHeader =
  | { readonly type: 'more' }
  | { readonly type: 'none' }
  /** `source` is absent where the sender speaks for itself, or of no TCP connection. */
  | { readonly type: 'header'; readonly length: number; readonly source?: Source };

export interface Source {
  readonly address: string;
  readonly port: number;
}

const more: ProxyHeader = { type: 'more' };
const none: ProxyHeader = { type: 'none' };

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const longestLine = 107;
const headOctets = 16;
/** Of version 2 with its TLVs, of which none is read. */
const longestRest = 4096;

export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const seen = Math.min(bytes.length, signature.length);
  if (bytes.compare(signature, 0, seen, 0, seen) === 0) return readBinary(bytes);
  return readLine(bytes);
}

const line = /^PROXY (?:(TCP4|TCP6) ([0-9a-fA-F:.]+) ([0-9a-fA-F:.]+) (\d{1,5}) (\d{1,5})|UNKNOWN[^\r\n]*)$/;

/** Section 2.1: `PROXY TCP4 192.0.2.1 192.0.2.2 40000 80`, CR LF. */
function readLine(bytes: Buffer): ProxyHeader {
  const text = bytes.toString('latin1', 0, Math.min(bytes.length, longestLine));
  const end = text.indexOf('\r\n');
  if (end === -1) {
    const isBegun = 'PROXY '.startsWith(text.slice(0, 6)) && bytes.length < longestLine;
    return isBegun ? more : none;
  }
  const found = line.exec(text.slice(0, end));
  if (found === null) return none;
  const [, kind, address = '', other = '', port, otherPort] = found;
  const length = end + 2;
  if (kind === undefined) return { type: 'header', length };
  const family = kind === 'TCP4' ? 4 : 6;
  const [from, to] = [Number(port), Number(otherPort)];
  if (isIP(address) !== family || isIP(other) !== family || from > 65_535 || to > 65_535) return none;
  return { type: 'header', length, source: { address, port: from } };
}

/** Section 2.2: the signature, version and command, family and protocol, the length of what follows. */
function readBinary(bytes: Buffer): ProxyHeader {
  if (bytes.length < headOctets) return more;
  const versionAndCommand = bytes[12];
  const kind = bytes[13];
  const rest = bytes.readUInt16BE(14);
  if ((versionAndCommand !== 0x20 && versionAndCommand !== 0x21) || rest > longestRest) return none;
  const length = headOctets + rest;
  if (bytes.length < length) return more;
  if (versionAndCommand === 0x20) return { type: 'header', length };
  if (kind === 0x11) {
    if (rest < 12) return none;
    const address = [...bytes.subarray(16, 20)].join('.');
    return { type: 'header', length, source: { address, port: bytes.readUInt16BE(24) } };
  }
  if (kind === 0x21) {
    if (rest < 36) return none;
    const address = addressOf(bytes.subarray(16, 32));
    return { type: 'header', length, source: { address, port: bytes.readUInt16BE(48) } };
  }
  return { type: 'header', length };
}

function addressOf(octets: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => octets.readUInt16BE(index * 2).toString(16));
  // As others write it (RFC 5952).
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** A header of version 1 or 2, for who is spoken to; it says nothing of who has no address any more. */
export function proxyHeader(version: 1 | 2, from: Source, to: Source): Buffer {
  if (isIP(from.address) === 0 || isIP(to.address) === 0)
    return version === 1
      ? Buffer.from('PROXY UNKNOWN\r\n')
      : Buffer.concat([signature, Buffer.from([0x20, 0, 0, 0])]);
  const family = isIP(from.address) === 4 && isIP(to.address) === 4 ? 4 : 6;
  if (version === 1) {
    const [source, target] = [from, to].map(({ address }) => inFamily(address, family));
    return Buffer.from(`PROXY TCP${family} ${source} ${target} ${from.port} ${to.port}\r\n`);
  }
  const addresses = [from, to].map(({ address }) => octetsOf(inFamily(address, family)));
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(from.port, 0);
  ports.writeUInt16BE(to.port, 2);
  const rest = Buffer.concat([...addresses, ports]);
  const head = Buffer.from([0x21, family === 4 ? 0x11 : 0x21, rest.length >> 8, rest.length & 0xff]);
  return Buffer.concat([signature, head, rest]);
}

/** Both addresses are of one family: one of IPv4 beside one of IPv6 is mapped. The zone of a link is this host's own. */
const inFamily = (address: string, family: 4 | 6): string =>
  family === 6 && isIP(address) === 4 ? `::ffff:${address}` : address.replace(/%.*/, '');

function octetsOf(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // URL writes out a mapped address's last part in hexadecimal as well.
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) =>
    text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16));
  const [before, after] = [groups(left), groups(right ?? '')];
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
  return Buffer.from(all.flatMap(group => [group >> 8, group & 0xff]));
}
