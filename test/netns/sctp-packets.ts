import assert from 'node:assert/strict';
import { bytesOf } from '../../src/base/ip.ts';
import type { Address } from '../../src/base/ip.ts';
import { inNamespace } from '../../src/kernel/ns/index.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { internetChecksum } from '../../src/kernel/packet/frames.ts';
import { sendFrames } from '../../src/kernel/packet/index.ts';

/** Kernels without SCTP sockets still route it: associations are opened by packets that are made here. */

const sctp = 132;

export interface SctpInit {
  readonly gatewayMac: string;
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number;
  readonly port: number;
}

/** Sends what opens an association out of the namespace's `eth0`. */
export function sendSctpInit(namespace: string, init: SctpInit): void {
  const { source, destination, sourcePort, port } = init;
  using own = RouteSocket.open(namespace);
  const link = own.link('eth0');
  assert.ok(link?.mac);
  const packet = ipPacket(source, destination, initPacket(sourcePort, port));
  const type = source.family === 4 ? [0x08, 0x00] : [0x86, 0xdd];
  const mac = (text: string) => text.split(':').map(part => Number.parseInt(part, 16));
  const frame = Uint8Array.from([...mac(init.gatewayMac), ...mac(link.mac), ...type, ...packet]);
  inNamespace(namespace, () => sendFrames(link.index, [frame]));
}

/** CRC-32C (RFC 9260, appendix A), as SCTP packets carry it. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

/** An INIT chunk: what opens an association (RFC 9260, 3.3.2). */
function initPacket(sourcePort: number, port: number): Uint8Array {
  const packet = new Uint8Array(12 + 20);
  const view = new DataView(packet.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, port);
  view.setUint8(12, 1); // INIT
  view.setUint16(14, 20);
  view.setUint32(16, 0x1234); // its tag
  view.setUint32(20, 65_536); // receiver window
  view.setUint16(24, 1);
  view.setUint16(26, 1);
  view.setUint32(28, 1);
  view.setUint32(8, crc32c(packet), true);
  return packet;
}

function ipPacket(source: Address, destination: Address, payload: Uint8Array): Uint8Array {
  if (source.family === 6) {
    const head = Uint8Array.of(0x60, 0, 0, 0, payload.length >> 8, payload.length & 255, sctp, 64);
    return Uint8Array.from([...head, ...bytesOf(source), ...bytesOf(destination), ...payload]);
  }
  const length = 20 + payload.length;
  const head = Uint8Array.of(0x45, 0, length >> 8, length & 255, 0, 1, 0, 0, 64, sctp, 0, 0);
  const whole = Uint8Array.from([...head, ...bytesOf(source), ...bytesOf(destination)]);
  const checksum = internetChecksum([whole]);
  whole.set([checksum >> 8, checksum & 255], 10);
  return Uint8Array.from([...whole, ...payload]);
}
