import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderDecoder } from './header-decoder.ts';
import { HeaderEncoder } from './header-encoder.ts';

function decode(decoder: HeaderDecoder, block: Buffer): readonly string[] | undefined {
  const fields: string[] = [];
  const isRead = decoder.decode(block, 0, block.length, ({ name, value }) =>
    fields.push(`${name}: ${value}`),
  );
  return isRead ? fields : undefined;
}

/** RFC 7541 appendices C.3, C.4 and C.6: what one connection says, and what it means. */
const connections: readonly (readonly (readonly [hexadecimal: string, ...fields: readonly string[]])[])[] = [
  [
    [
      '828684410f7777772e6578616d706c652e636f6d',
      ':method: GET',
      ':scheme: http',
      ':path: /',
      ':authority: www.example.com',
    ],
    [
      '828684be58086e6f2d6361636865',
      ':method: GET',
      ':scheme: http',
      ':path: /',
      ':authority: www.example.com',
      'cache-control: no-cache',
    ],
  ],
  [
    [
      '828684418cf1e3c2e5f23a6ba0ab90f4ff',
      ':method: GET',
      ':scheme: http',
      ':path: /',
      ':authority: www.example.com',
    ],
    [
      '828684be5886a8eb10649cbf',
      ':method: GET',
      ':scheme: http',
      ':path: /',
      ':authority: www.example.com',
      'cache-control: no-cache',
    ],
    [
      '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
      ':method: GET',
      ':scheme: https',
      ':path: /index.html',
      ':authority: www.example.com',
      'custom-key: custom-value',
    ],
  ],
  [
    [
      '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
      ':status: 302',
      'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:21 GMT',
      'location: https://www.example.com',
    ],
    [
      '4883640effc1c0bf',
      ':status: 307',
      'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:21 GMT',
      'location: https://www.example.com',
    ],
  ],
];

test('header blocks mean what the examples of their specification say', () => {
  for (const blocks of connections) {
    const decoder = new HeaderDecoder();
    for (const [hexadecimal, ...fields] of blocks)
      assert.deepEqual(decode(decoder, Buffer.from(hexadecimal, 'hex')), fields);
  }
});

test('a table that is made smaller forgets its oldest entries', () => {
  const decoder = new HeaderDecoder();
  const add = (name: string, value: string) =>
    Buffer.from(
      `\x40${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`,
      'latin1',
    );
  decode(decoder, add('a', '1'));
  decode(decoder, add('b', '2'));
  assert.deepEqual(decode(decoder, Buffer.from([0xbf, 0xbe])), ['a: 1', 'b: 2']);
  // 40 octets: room for one of 34.
  assert.deepEqual(decode(decoder, Buffer.from([0x3f, 9, 0xbe])), ['b: 2']);
  assert.equal(decode(decoder, Buffer.from([0xbf])), undefined);
});

test('many entries come and go within the table’s size', () => {
  const decoder = new HeaderDecoder();
  for (let index = 0; index < 10_000; index++) {
    const value = String(index).padStart(5, '0');
    assert.deepEqual(decode(decoder, Buffer.from(`\x40\x01a\x05${value}`, 'latin1')), [`a: ${value}`]);
  }
  // 4096 octets hold 107 entries of 38; the oldest of them has the index 62 + 106.
  assert.deepEqual(decode(decoder, Buffer.from([0xff, 41])), ['a: 09893']);
  assert.equal(decode(decoder, Buffer.from([0xff, 42])), undefined);
});

test('what the encoder writes, any decoder reads: names in lower case, lines as they were', () => {
  const encoder = new HeaderEncoder();
  const long = 'y'.repeat(5000);
  for (let round = 0; round < 2; round++) {
    const block =
      encoder.field(':status', '204') +
      encoder.lines(`Content-Type: text/plain\r\nX-Long: ${long}\r\nCookie: a=b\r\n`);
    assert.deepEqual(decode(new HeaderDecoder(), Buffer.from(block, 'latin1')), [
      ':status: 204',
      'content-type: text/plain',
      `x-long: ${long}`,
      'cookie: a=b',
    ]);
  }
});
