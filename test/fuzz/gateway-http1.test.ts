import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normaliseTarget } from '../../src/gateway/lookup/index.ts';
import { ChunkedReader } from '../../src/gateway/proxy/http1/chunked.ts';
import { readRequestHead, RequestHead } from '../../src/gateway/proxy/http1/request-head.ts';
import { readResponseHead, ResponseHead } from '../../src/gateway/proxy/http1/response-head.ts';

/** Octets that mean something to a parser, and any others: as a head that was tampered with. */
const piece = fc.oneof(
  fc.constantFrom(
    '\r\n',
    '\r',
    '\n',
    ' ',
    '\t',
    ':',
    ',',
    ';',
    '\0',
    '\x0b',
    '\x7f',
    '\xff',
    '\r\n\r\n',
    '\r\n ',
    '\n\n',
  ),
  fc.constantFrom(
    'GET',
    'POST',
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/2.0',
    '/',
    '/a?b',
    '*',
    'http://a/',
    '200',
    'OK',
    '0',
    '5',
    'ffffffffffff',
  ),
  fc.constantFrom(
    'Host: a',
    'Host',
    'Content-Length: 5',
    'Content-Length',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding',
    'Connection: close',
    'chunked',
    'identity',
    'X: y',
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 6 }),
);
const text = fc.array(piece, { maxLength: 30 }).map(pieces => pieces.join(''));
const valid = fc.constantFrom(
  'GET /a HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close, x\r\n\r\nhello',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: timeout=5\r\n\r\nhello',
  'HTTP/1.1 204 No Content\r\n\r\n',
);
/** A valid message with something put in, taken out or written over. */
const tampered = fc
  .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 3 }), piece), { maxLength: 3 }))
  .map(([whole, changes]) =>
    changes.reduce<string>((made, [at, gone, put]) => {
      const place = at % (made.length + 1);
      return made.slice(0, place) + put + made.slice(place + gone);
    }, whole),
  );
const message = fc.oneof(text, tampered);

const runs = { numRuns: 20_000 };

test('whatever comes, a request’s head is read, wanted more of, or refused; and a longer buffer changes nothing', () => {
  fc.assert(
    fc.property(message, fc.nat({ max: 40 }), (sent, cut) => {
      const bytes = Buffer.from(sent, 'latin1');
      const head = new RequestHead();
      const result = readRequestHead(bytes, 0, bytes.length, head);
      assert.ok(result <= bytes.length);
      if (result > 0) {
        assert.ok(head.host !== undefined || head.minor === 0);
        assert.ok(head.length >= -1);
        const fields = head.fields.lines(0, head.fields.count);
        // What is passed on is whole lines, and has nothing in it that another reader could take for a line's end.
        assert.match(fields, /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/);
        assert.match(bytes.toString('latin1', 0, result), /\r\n\r\n$/);
      }
      // What was found in a part is found in the whole: it never changes by what follows.
      const part = Math.min(cut, bytes.length);
      const early = readRequestHead(bytes, 0, part, new RequestHead());
      if (early !== 0) assert.equal(result, early);
    }),
    runs,
  );
});

test('whatever a backend says is read, wanted more of, or refused; and a longer buffer changes nothing', () => {
  fc.assert(
    fc.property(message, fc.nat({ max: 40 }), (sent, cut) => {
      const bytes = Buffer.from(sent, 'latin1');
      const result = readResponseHead(bytes, 0, bytes.length, new ResponseHead());
      assert.ok(result <= bytes.length);
      const early = readResponseHead(bytes, 0, Math.min(cut, bytes.length), new ResponseHead());
      if (early !== 0) assert.equal(result, early);
    }),
    runs,
  );
});

const chunk = fc.oneof(
  fc.constantFrom(
    '5\r\nhello\r\n',
    '1;a=b\r\nx\r\n',
    '0\r\n',
    '0\r\nX: y\r\n\r\n',
    '\r\n',
    '\n',
    'a',
    ';',
    ' ',
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 4 }),
);

test('a chunked body is the same however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(chunk, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 20 }),
      (chunks, cuts) => {
        const bytes = Buffer.from(chunks.join(''), 'latin1');
        const read = (sizes: readonly number[]) => {
          const reader = new ChunkedReader();
          let body = '';
          let at = 0;
          for (const size of [...sizes, bytes.length]) {
            const end = Math.min(bytes.length, at + size);
            const part = Buffer.from(bytes.subarray(at, end));
            const stop = reader.read(part, 0, part.length, {
              data: (from, start, last) => (body += from.toString('latin1', start, last)),
            });
            if (stop < 0) return { body, end: stop, isDone: false };
            at += stop;
            if (reader.isDone) break;
          }
          return { body, end: at, isDone: reader.isDone };
        };
        assert.deepEqual(read(cuts), read([]));
      },
    ),
    runs,
  );
});

test('a target is normal after it was made so once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('/', '.', '..', '%2e', '%2E', '%2f', '%41', 'a', '%', '%25', '?', '//'), {
        maxLength: 12,
      }),
      parts => {
        const once = normaliseTarget(`/${parts.join('')}`);
        if (once === undefined) return;
        assert.deepEqual(normaliseTarget(once.path)?.path, once.path);
        assert.doesNotMatch(once.path, /\/\.\.?(\/|$)/);
        assert.match(once.path, /^\//);
      },
    ),
    runs,
  );
});
