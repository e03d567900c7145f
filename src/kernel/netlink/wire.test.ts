import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeAttributes, decodeMessages, encodeBody, encodeMessage, listAttributes } from './wire.ts';
import type { Attribute } from './wire.ts';

const anyAttribute: fc.Arbitrary<Attribute> = fc.tuple(
  fc.integer({ min: 0, max: 0x3fff }),
  fc.uint8Array({ maxLength: 40 }),
);

test('messages written one after the other are read as they were written', () => {
  const anyMessage = fc.record({
    type: fc.nat(0xffff),
    flags: fc.nat(0xffff),
    sequence: fc.nat(0xffff_ffff),
    body: fc.uint8Array({ maxLength: 100 }),
  });
  fc.assert(
    fc.property(fc.array(anyMessage), messages => {
      assert.deepEqual(decodeMessages(Buffer.concat(messages.map(encodeMessage))), messages.map(withBuffer));
    }),
  );
});

test('attributes are read as they were written, of a repeated one the last', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), fc.array(anyAttribute), (header, attributes) => {
      const body = encodeBody(header, attributes);
      assert.deepEqual(
        listAttributes(body, header.length).map(([type, value]) => [type, [...value]]),
        attributes.map(([type, value]) => [type, [...value]]),
      );
      assert.equal(decodeAttributes(body, header.length).size, new Map(attributes).size);
    }),
  );
});

test('what is cut off is left out, and never read beyond its end', () => {
  fc.assert(
    fc.property(fc.array(anyAttribute, { minLength: 1 }), fc.nat(400), (attributes, length) => {
      const whole = encodeBody(new Uint8Array(4), attributes);
      const cut = whole.subarray(0, Math.min(length, whole.length));
      for (const [, value] of listAttributes(cut, 4))
        assert.ok(value.byteOffset + value.length <= cut.byteOffset + cut.length);
    }),
  );
});

test('any bytes can be read without an error or an endless loop', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      for (const message of decodeMessages(bytes)) listAttributes(message.body, 0);
      listAttributes(bytes, bytes.length + 10);
    }),
  );
});

/** Buffer.concat gives a Buffer, so the bodies that are read are Buffers. */
function withBuffer<T extends { readonly body: Uint8Array }>(message: T): T {
  return { ...message, body: Buffer.from(message.body) };
}
