import assert from 'node:assert/strict';
import { bytesOf, parseAddress } from '../../src/base/ip.ts';
import { inNamespace } from '../../src/kernel/ns/index.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { internetChecksum } from '../../src/kernel/packet/frames.ts';
import { sendFrames } from '../../src/kernel/packet/index.ts';

/** One IP packet of any protocol, which no socket of this machine need know. */
export interface RawPacket {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly payload: Uint8Array;
  /** Of IPv4: the flags and the offset of a fragment. */
  readonly fragment?: number;
}

/** Sends it out of the namespace's `eth0`, to the gateway that has this hardware address. */
export const sendRaw = (namespace: string, gatewayMac: string, packet: RawPacket): void =>
  sendAll(namespace, framesOf(namespace, gatewayMac, [packet]));

export interface Frames {
  readonly link: number;
  readonly frames: readonly Uint8Array[];
}

export function framesOf(namespace: string, gatewayMac: string, packets: readonly RawPacket[]): Frames {
  using own = RouteSocket.open(namespace);
  const link = own.link('eth0');
  assert.ok(link?.mac);
  const mac = (text: string) => text.split(':').map(part => Number.parseInt(part, 16));
  const ends = [...mac(gatewayMac), ...mac(link.mac)];
  const frames = packets.map(packet => {
    const type = packet.source.includes(':') ? [0x86, 0xdd] : [0x08, 0x00];
    return Uint8Array.from([...ends, ...type, ...ipPacket(packet)]);
  });
  return { link: link.index, frames };
}

/** Returns when all of them have gone as far as they go on this machine. */
export const sendAll = (namespace: string, { frames, link }: Frames): void =>
  inNamespace(namespace, () => sendFrames(link, frames));

function ipPacket({ source, destination, protocol, payload, fragment = 0 }: RawPacket): Uint8Array {
  const [from, to] = [source, destination].map(text => bytesOf(parseAddress(text) ?? assert.fail(text)));
  assert.ok(from && to);
  if (source.includes(':')) {
    const head = Uint8Array.of(0x60, 0, 0, 0, payload.length >> 8, payload.length & 255, protocol, 64);
    return Uint8Array.from([...head, ...from, ...to, ...payload]);
  }
  const length = 20 + payload.length;
  const head = [0x45, 0, length >> 8, length & 255, 0, 1, fragment >> 8, fragment & 255, 64, protocol, 0, 0];
  const whole = Uint8Array.from([...head, ...from, ...to]);
  const checksum = internetChecksum([whole]);
  whole.set([checksum >> 8, checksum & 255], 10);
  return Uint8Array.from([...whole, ...payload]);
}

/** A datagram without a checksum, or the beginning of what has ports at its start. */
export function withPorts(sourcePort: number, port: number, length = 16): Uint8Array {
  const payload = new Uint8Array(length);
  const view = new DataView(payload.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, port);
  return payload;
}
