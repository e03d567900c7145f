import assert from 'node:assert/strict';
import { connect } from 'node:tls';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { longestHello, readClientHello } from './client-hello.ts';

/** What OpenSSL says first. */
function helloOf(servername: string | undefined): Promise<Buffer> {
  return new Promise(resolve => {
    const wire = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _, done) => {
        done();
        resolve(chunk);
        setImmediate(() => socket.destroy());
      },
    });
    const socket = connect({ socket: wire, ...(servername === undefined ? {} : { servername }) });
    socket.on('error', () => undefined);
  });
}

/** The same message in records of so many octets. */
function fragmented(hello: Buffer, octets: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += octets) {
    const part = message.subarray(at, at + octets);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

test('the name is found however the hello is cut into records and pieces', async () => {
  const hello = await helloOf('Shop.Example.com');
  const found = { type: 'hello', name: 'shop.example.com' };
  assert.deepEqual(readClientHello(hello), found);
  for (const octets of [30, 200, 1000]) {
    const cut = fragmented(hello, octets);
    assert.deepEqual(readClientHello(cut), found, `records of ${octets} octets`);
    for (let length = 0; length < cut.length; length++)
      assert.deepEqual(
        readClientHello(cut.subarray(0, length)),
        { type: 'more' },
        `${length} of ${cut.length}`,
      );
  }
  // The first record ends within the head of the message.
  for (const octets of [1, 3, 4, 5]) {
    const first = fragmented(hello.subarray(0, 5 + octets), octets);
    const rest = fragmented(hello.subarray(octets), 200);
    assert.deepEqual(
      readClientHello(Buffer.concat([first, rest])),
      found,
      `${octets} octets, and then the rest`,
    );
  }
  assert.equal(readClientHello(fragmented(hello, 1)).type, 'none', 'hundreds of records are refused');
  // What follows the hello changes nothing.
  assert.deepEqual(readClientHello(Buffer.concat([hello, Buffer.from('early data')])), found);
});

test('a client may say no name', async () => {
  assert.deepEqual(readClientHello(await helloOf(undefined)), { type: 'hello', name: '' });
});

test('what is no hello is known as that as soon as it can be', async () => {
  const hello = await helloOf('a.example');
  const changed = (at: number, octet: number) => {
    const copy = Buffer.from(hello);
    copy[at] = octet;
    return copy;
  };
  const records: readonly (readonly [what: string, bytes: Buffer])[] = [
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['another type of record', changed(0, 23)],
    ['SSL 2', changed(1, 2)],
    ['a record of nothing', Buffer.from([22, 3, 1, 0, 0])],
    ['a record that is too long', Buffer.from([22, 3, 1, 0x50, 0])],
    ['another message', changed(5, 2)],
    ['a hello of megabytes', changed(6, 0xff)],
    [
      'a name with a slash',
      Buffer.from(hello.toString('latin1').replace('a.example', 'a/example'), 'latin1'),
    ],
    ['a name with a NUL', Buffer.from(hello.toString('latin1').replace('a.example', 'a\0example'), 'latin1')],
  ];
  for (const [what, bytes] of records) assert.deepEqual(readClientHello(bytes), { type: 'none' }, what);
});

test('no octets of a hello, whatever they are, do more than that', async () => {
  const hello = await helloOf('a.example');
  for (let at = 0; at < hello.length; at++) {
    for (const octet of [0, 1, 0x7f, 0xff]) {
      const copy = Buffer.from(hello);
      copy[at] = octet;
      const { type } = readClientHello(copy);
      assert.ok(['hello', 'more', 'none'].includes(type));
    }
  }
  const endless = Buffer.alloc(longestHello + 1000, Buffer.from([22, 3, 1, 0, 1, 1]));
  assert.equal(readClientHello(endless).type, 'none');
});
