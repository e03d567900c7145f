import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyHeader, readProxyHeader } from './proxy-protocol.ts';

const lines: readonly (readonly [text: string, address: string | undefined])[] = [
  ['PROXY TCP4 192.0.2.1 198.51.100.1 40000 80\r\n', '192.0.2.1'],
  ['PROXY TCP6 2001:db8::1 2001:db8::2 40000 80\r\n', '2001:db8::1'],
  ['PROXY UNKNOWN\r\n', ''],
  ['PROXY UNKNOWN ffff:: ffff:: 1 2\r\n', ''],
  ['PROXY TCP4 2001:db8::1 198.51.100.1 40000 80\r\n', undefined],
  ['PROXY TCP4 192.0.2.1 198.51.100.1 70000 80\r\n', undefined],
  ['PROXY TCP4 192.0.2.1 198.51.100.1 40000\r\n', undefined],
  ['PROXY TCP4  192.0.2.1 198.51.100.1 40000 80\r\n', undefined],
  ['PROXY TCP4 192.0.2.1 198.51.100.1 40000 80\n', undefined],
  ['PROXY UDP4 192.0.2.1 198.51.100.1 40000 80\r\n', undefined],
  [`PROXY UNKNOWN ${'x'.repeat(100)}\r\n`, undefined],
  ['GET / HTTP/1.1\r\n', undefined],
  ['proxy tcp4 192.0.2.1 198.51.100.1 40000 80\r\n', undefined],
];

for (const [text, address] of lines)
  test(`${JSON.stringify(text.slice(0, 60))} is ${address === undefined ? 'no header' : `from ${address || 'its sender'}`}`, () => {
    const padded = Buffer.from(address === undefined ? text.padEnd(120, 'x') : `${text}rest`);
    const read = readProxyHeader(padded);
    assert.equal(read.type, address === undefined ? 'none' : 'header');
    if (read.type !== 'header') return;
    assert.deepEqual([read.length, read.source?.address ?? ''], [text.length, address]);
  });

const from = { address: '192.0.2.1', port: 40_000 };
const from6 = { address: '2001:db8::1', port: 40_000 };
const to = { address: '198.51.100.1', port: 80 };
const to6 = { address: '2001:db8::2', port: 80 };

test('what is written reads as it was, in both versions and families, however it is cut', () => {
  for (const version of [1, 2] as const)
    for (const [source, target, address] of [
      [from, to, '192.0.2.1'],
      [from6, to6, '2001:db8::1'],
      [from6, to, '2001:db8::1'],
      [from, to6, version === 1 ? '::ffff:192.0.2.1' : '::ffff:c000:201'],
    ] as const) {
      const header = proxyHeader(version, source, target);
      for (let cut = 0; cut < header.length; cut++)
        assert.equal(readProxyHeader(header.subarray(0, cut)).type, 'more', `${version}, ${cut} octets`);
      const read = readProxyHeader(Buffer.concat([header, Buffer.from('GET')]));
      assert.deepEqual(read, { type: 'header', length: header.length, source: { address, port: 40_000 } });
    }
});

test('a header of version 2 may speak for its sender, of other families, and have more to say', () => {
  const header = proxyHeader(2, from, to);
  const changed = (at: number, octet: number) => {
    const copy = Buffer.from(header);
    copy[at] = octet;
    return readProxyHeader(copy);
  };
  assert.deepEqual(changed(12, 0x20), { type: 'header', length: 28 });
  assert.deepEqual(changed(13, 0x31), { type: 'header', length: 28 });
  assert.equal(changed(12, 0x11).type, 'none');
  assert.equal(changed(12, 0x22).type, 'none');
  assert.equal(changed(15, 11).type, 'none', 'too short for its addresses');
  assert.equal(changed(14, 0xff).type, 'none', 'longer than anybody needs');
  const longer = Buffer.concat([header, Buffer.from([3, 0, 1, 0])]);
  longer[15] = 16;
  const read = readProxyHeader(longer);
  assert.deepEqual([read.type, read.type === 'header' && read.length], ['header', 32]);
});

test('who has no address, or one of a link, is told of as far as others can know it', () => {
  const zone = { address: 'fe80::1%eth0', port: 40_000 };
  const target6 = { address: 'fe80::2%eth0', port: 80 };
  assert.equal(proxyHeader(1, zone, target6).toString(), 'PROXY TCP6 fe80::1 fe80::2 40000 80\r\n');
  const header = proxyHeader(2, zone, to);
  const source = { address: 'fe80::1', port: 40_000 };
  assert.deepEqual(readProxyHeader(header), { type: 'header', length: header.length, source });
  for (const version of [1, 2] as const)
    for (const [source, target] of [
      [{ address: '', port: 0 }, to],
      [from, { address: '', port: 0 }],
    ] as const) {
      const none = proxyHeader(version, source, target);
      assert.deepEqual(readProxyHeader(none), { type: 'header', length: none.length });
    }
});
