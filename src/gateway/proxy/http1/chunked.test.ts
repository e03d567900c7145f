import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkedReader } from './chunked.ts';
import { problem } from './problems.ts';

interface Found {
  readonly body: string;
  readonly stop: number;
  readonly isDone: boolean;
  readonly trailers: readonly string[];
}

/** Reads a body that comes in pieces; `stop` counts from the beginning, or is a problem. */
function read(pieces: readonly string[]): Found {
  const reader = new ChunkedReader();
  let body = '';
  let consumed = 0;
  for (const piece of pieces) {
    const bytes = Buffer.from(piece, 'latin1');
    const stop = reader.read(bytes, 0, bytes.length, {
      data: (from, start, end) => (body += from.toString('latin1', start, end)),
    });
    if (stop < 0) return { body, stop, isDone: false, trailers: [] };
    consumed += stop;
    if (reader.isDone) break;
  }
  const { trailers, isDone } = reader;
  const names = Array.from(
    { length: trailers?.count ?? 0 },
    (_, index) => `${trailers?.name(index)}=${trailers?.value(index)}`,
  );
  return { body, stop: consumed, isDone, trailers: names };
}

const whole = '5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-Sum: 11\r\nX-B: c\r\n\r\n';

test('a body is read with its extensions read over and its trailers kept', () => {
  assert.deepEqual(read([whole]), {
    body: 'hello world',
    stop: whole.length,
    isDone: true,
    trailers: ['X-Sum=11', 'X-B=c'],
  });
});

test('a body is the same wherever it is cut, and ends where it ends', () => {
  const more = `${whole}GET / HTTP/1.1\r\n`;
  const expected = read([whole]);
  for (let at = 0; at <= more.length; at++)
    assert.deepEqual(read([more.slice(0, at), more.slice(at)]), expected, `cut after ${at}`);
  assert.deepEqual(read(more.split('')), expected);
});

const refused: readonly (readonly [words: string, body: string, why: keyof typeof problem])[] = [
  ['a size that is no number', 'g\r\n', 'chunkSize'],
  ['a size with 0x', '0x5\r\nhello\r\n', 'chunkSize'],
  ['a negative size', '-5\r\n', 'chunkSize'],
  ['a signed size', '+5\r\n', 'chunkSize'],
  ['an empty size', '\r\n', 'chunkSize'],
  ['a size with a space in front', ' 5\r\nhello\r\n', 'chunkSize'],
  ['a size with a space behind', '5 \r\nhello\r\n', 'chunkSize'],
  ['a size with an underscore', '1_0\r\n', 'chunkSize'],
  ['a size beyond numbers', 'fffffffffffff0\r\n', 'chunkSize'],
  ['a size behind many zeros', `${'0'.repeat(13)}5\r\nhello\r\n`, 'chunkSize'],
  ['a size line that ends with LF', '5\nhello\r\n', 'chunkSize'],
  ['a size line that ends with CR alone', '5\rhello\r\n', 'chunkSize'],
  ['an extension with LF alone', '5;a\nhello\r\n', 'chunkExtension'],
  ['an extension with a NUL', '5;\0\r\nhello\r\n', 'chunkExtension'],
  ['a long extension', `5;${'a'.repeat(300)}\r\nhello\r\n`, 'chunkExtension'],
  ['a chunk longer than its size', '5\r\nhellox\r\n', 'chunkEnd'],
  ['a chunk that ends with LF', '5\r\nhello\n', 'chunkEnd'],
  ['a chunk without an end', '5\r\nhello5\r\n', 'chunkEnd'],
  ['a trailer without a colon', '0\r\nX\r\n\r\n', 'trailer'],
  ['a continued trailer', '0\r\nX: y\r\n z\r\n\r\n', 'trailer'],
  ['trailers that end with LF', '0\r\n\n', 'trailer'],
  ['long trailers', `0\r\nX: ${'a'.repeat(9000)}\r\n\r\n`, 'trailer'],
];

for (const [words, body, why] of refused) {
  test(`a chunked body is refused: ${words}`, () => {
    assert.equal(read([body]).stop, problem[why]);
    assert.equal(read(body.split('')).stop, problem[why], 'octet by octet');
  });
}

test('a body that is all extensions is refused', () => {
  const body = Array.from({ length: 200 }, () => `1;${'a'.repeat(200)}\r\nx\r\n`).join('');
  assert.equal(read([body]).stop, problem.chunkExtension);
});
