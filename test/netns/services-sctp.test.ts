import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, parseAddress } from '../../src/base/ip.ts';
import type { Address } from '../../src/base/ip.ts';
import { interfaces } from '../../src/kernel/contract.ts';
import { inNamespace } from '../../src/kernel/ns/index.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { internetChecksum } from '../../src/kernel/packet/frames.ts';
import { sendFrames } from '../../src/kernel/packet/index.ts';
import { eventually } from '../e2e/cluster.ts';
import { serverPort, service, slice, startNode } from './services-node.ts';

/** Kernels without SCTP sockets still route it: associations are opened by packets that are made here. */

const cluster = { 4: '10.96.0.10', 6: 'fd00:10:96::10' } as const;
const client = { 4: '10.244.0.2', 6: 'fd00:10:244::2' } as const;
const families = [4, 6] as const;
const sctp = 132;

const at = (text: string): Address => {
  const address = parseAddress(text);
  assert.ok(address, text);
  return address;
};

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

test('SCTP associations are led to an endpoint, independent of TCP and UDP at the same port', async context => {
  const node = startNode(context);
  const ports = [
    { name: 'http', port: 80 },
    { name: 'diameter', port: 80, protocol: 'SCTP' as const },
  ];
  const withSctp = (addresses: readonly string[]) => {
    const one = slice('web', addresses);
    return { ...one, ports: [{ name: 'diameter', port: serverPort, protocol: 'SCTP' as const }] };
  };
  const { objects, places } = node;
  objects.put(service('web', Object.values(cluster), { ports }), withSctp(places[4]), withSctp(places[6]));
  const network = node.network();
  await network.load();
  using own = RouteSocket.open(node.client);
  const link = own.link('eth0');
  const gateway = macToPods(node.node);
  assert.ok(link?.mac);
  for (const family of families) {
    const packet = ipPacket(at(client[family]), at(cluster[family]), initPacket(40_000, 80));
    const type = family === 4 ? [0x08, 0x00] : [0x86, 0xdd];
    const mac = (text: string) => text.split(':').map(part => Number.parseInt(part, 16));
    const frame = Uint8Array.from([...mac(gateway), ...mac(link.mac), ...type, ...packet]);
    inNamespace(node.client, () => sendFrames(link.index, [frame]));
    const counted = (protocol: 'SCTP' | 'TCP') =>
      network.counters({ address: at(cluster[family]), protocol, port: 80 });
    const counters = await eventually('it is counted', async () => {
      const found = await counted('SCTP');
      return found?.accepted === 1 ? found : undefined;
    });
    const met = counters.endpoints.filter(({ packets }) => packets === 1);
    assert.equal(met.length, 1, 'one endpoint');
    assert.equal(met[0]?.port, serverPort);
    assert.equal((await counted('TCP'))?.accepted, 0);
  }
});

/** Of the node's end of the link to the client. */
function macToPods(node: string): string {
  using route = RouteSocket.open(node);
  const mac = route.link(interfaces.podHost('0000000000a'))?.mac;
  assert.ok(mac);
  return mac;
}
