import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/ip.ts';
import { announcementFrame, internetChecksum } from './frames.ts';

const mac = '02:00:00:00:00:0a';
const hex = (text: string) =>
  Buffer.from(announcementFrame(parseAddress(text) ?? { family: 4, value: 0n }, mac)).toString('hex');

test('an IPv4 address is announced by a gratuitous ARP request to everybody (RFC 5227, 3)', () => {
  assert.equal(
    hex('172.30.200.1'),
    [
      'ffffffffffff02000000000a0806', // Ethernet: broadcast, ARP
      '0001080006040001', // Ethernet and IPv4, request
      '02000000000aac1ec801', // the sender has the address
      '000000000000ac1ec801', // and asks for it
    ].join(''),
  );
});

test('an IPv6 address is announced by an unsolicited advertisement to all nodes (RFC 4861, 7.2.6)', () => {
  const frame = announcementFrame(parseAddress('fd00:172:30::c8:1') ?? { family: 6, value: 0n }, mac);
  const text = Buffer.from(frame).toString('hex');
  assert.ok(text.startsWith('33330000000102000000000a86dd6000000000203aff'), 'hop limit 255, ICMPv6');
  const address = 'fd000172003000000000000000c80001';
  const allNodes = 'ff020000000000000000000000000001';
  assert.equal(text.slice(44, 108), address + allNodes);
  assert.equal(text.slice(108, 112), '8800', 'neighbour advertisement');
  assert.equal(text.slice(116), `a0000000${address}0201${mac.replaceAll(':', '')}`, 'router, override');
  const payload = frame.subarray(54);
  const pseudo = [frame.subarray(22, 54), Uint8Array.of(0, 0, 0, payload.length, 0, 0, 0, 58)];
  assert.equal(internetChecksum([...pseudo, payload]), 0, 'the checksum is right');
});
