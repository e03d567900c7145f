import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPacketHead } from './packet.ts';

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(/[^0-9a-f]/g, ''), 'hex'));

/** Logged by the kernel: a datagram of two bytes from 127.0.0.1 port 36235 to port 9. */
const datagram = '4500001e 52974000 4011ea35 7f000001 7f000001 8d8b0009000afe1d6869';
const v6 = '60000000 0010 NEXT 40 fd000010024400000000000000000010 fd000010024400000000000000000011';

test('addresses, protocol and ports are read of both families', () => {
  assert.deepEqual(readPacketHead(bytes(datagram)), {
    family: 4,
    source: '127.0.0.1',
    destination: '127.0.0.1',
    protocol: 17,
    sourcePort: 36_235,
    port: 9,
  });
  assert.deepEqual(readPacketHead(bytes(`${v6.replace('NEXT', '06')} c0010050`)), {
    family: 6,
    source: 'fd00:10:244::10',
    destination: 'fd00:10:244::11',
    protocol: 6,
    sourcePort: 49_153,
    port: 80,
  });
});

test('extension headers of IPv6 are passed over, and only a first fragment has ports', () => {
  const behind = readPacketHead(bytes(`${v6.replace('NEXT', '00')} 11 00 000000000000 00350036`));
  assert.deepEqual([behind?.protocol, behind?.sourcePort, behind?.port], [17, 53, 54]);
  const first = readPacketHead(bytes(`${v6.replace('NEXT', '2c')} 11 00 0001 00000000 00350036`));
  assert.deepEqual([first?.protocol, first?.port], [17, 54]);
  const later = readPacketHead(bytes(`${v6.replace('NEXT', '2c')} 11 00 0009 00000000 00350036`));
  assert.deepEqual([later?.protocol, later?.port], [17, undefined]);
  const laterV4 = readPacketHead(bytes(datagram.replace('52974000', '52970001')));
  assert.deepEqual([laterV4?.protocol, laterV4?.port], [17, undefined]);
});

test('what is cut off, or no IP, has no ports or no head', () => {
  assert.equal(readPacketHead(bytes(datagram).subarray(0, 19)), undefined);
  assert.equal(readPacketHead(bytes(datagram).subarray(0, 22))?.port, undefined);
  assert.equal(readPacketHead(bytes('0102')), undefined);
  assert.equal(readPacketHead(new Uint8Array(0)), undefined);
  assert.equal(readPacketHead(bytes(v6.replace('NEXT', '06')).subarray(0, 39)), undefined);
  const endless = readPacketHead(bytes(v6.replace('NEXT', '00') + '0000000000000000'.repeat(20)));
  assert.equal(endless?.port, undefined);
});
