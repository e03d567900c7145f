import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from './problems.ts';
import { isChunked, readResponseHead, ResponseHead, untilClose } from './response-head.ts';

function read(text: string): { readonly result: number; readonly head: ResponseHead } {
  const bytes = Buffer.from(text, 'latin1');
  const head = new ResponseHead();
  return { result: readResponseHead(bytes, 0, bytes.length, head), head };
}

const answer = (line: string, ...fields: readonly string[]): string =>
  `${[line, ...fields].join('\r\n')}\r\n\r\n`;
const nameOf = (code: number): string =>
  Object.entries(problem).find(([, value]) => value === code)?.[0] ?? String(code);

const refused: readonly (readonly [words: string, response: string, why: keyof typeof problem])[] = [
  [
    'both framings',
    answer('HTTP/1.1 200 OK', 'Content-Length: 4', 'Transfer-Encoding: chunked'),
    'lengthAndEncoding',
  ],
  ['two lengths', answer('HTTP/1.1 200 OK', 'Content-Length: 4', 'Content-Length: 5'), 'lengthTwice'],
  ['a length that is none', answer('HTTP/1.1 200 OK', 'Content-Length: 4,5'), 'lengthInvalid'],
  ['an unknown encoding', answer('HTTP/1.1 200 OK', 'Transfer-Encoding: gzip'), 'encodingUnknown'],
  ['a continued field', answer('HTTP/1.1 200 OK', 'X: y', ' z'), 'folded'],
  ['a space before the colon', answer('HTTP/1.1 200 OK', 'Content-Length : 4'), 'fieldName'],
  ['a lone LF', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n', 'lineEnd'],
  ['a field with a control character', answer('HTTP/1.1 200 OK', 'X: \x01'), 'fieldValue'],
  ['no status', answer('HTTP/1.1 OK'), 'statusLine'],
  ['a status with four digits', answer('HTTP/1.1 2000 OK'), 'statusLine'],
  ['status 600', answer('HTTP/1.1 600 X'), 'statusLine'],
  ['status 099', answer('HTTP/1.1 099 X'), 'statusLine'],
  ['HTTP/2.0', answer('HTTP/2.0 200 OK'), 'statusLine'],
  ['no HTTP at all', 'SSH-2.0-OpenSSH\r\n', 'statusLine'],
];

for (const [words, response, why] of refused) {
  test(`an answer is refused: ${words}`, () => assert.equal(nameOf(read(response).result), why));
}

test('the end of a body is found by length, by chunks, or by the end of the connection', () => {
  assert.equal(read(answer('HTTP/1.1 200 OK', 'Content-Length: 7')).head.length, 7);
  assert.equal(read(answer('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')).head.length, isChunked);
  assert.equal(read(answer('HTTP/1.1 200 OK')).head.length, untilClose);
});

test('a reason may be missing, with or without its space', () => {
  assert.equal(read(answer('HTTP/1.1 204 ')).head.reason, '');
  assert.equal(read(answer('HTTP/1.1 204')).head.status, 204);
  assert.equal(read(answer('HTTP/1.1 404 Not There')).head.reason, 'Not There');
});

test('a connection is kept by version and Connection', () => {
  const persistent = (...lines: readonly [string, ...string[]]) => read(answer(...lines)).head.isPersistent;
  assert.equal(persistent('HTTP/1.1 200 OK'), true);
  assert.equal(persistent('HTTP/1.1 200 OK', 'Connection: close'), false);
  assert.equal(persistent('HTTP/1.0 200 OK'), false);
  assert.equal(persistent('HTTP/1.0 200 OK', 'Connection: Keep-Alive'), true);
});

test('how long the other side keeps an idle connection is read', () => {
  assert.equal(read(answer('HTTP/1.1 200 OK', 'Keep-Alive: timeout=5, max=100')).head.keepAliveSeconds, 5);
});

test('of a head that has not come whole more is wanted, wherever it is cut', () => {
  const response = answer('HTTP/1.1 200 OK', 'Content-Length: 3', 'X: some value');
  for (let length = 0; length < response.length; length++)
    assert.equal(read(response.slice(0, length)).result, 0, `cut after ${length}`);
});
