import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem, problemOf } from './problems.ts';
import { readRequestHead, RequestHead } from './request-head.ts';

function read(text: string): { readonly result: number; readonly head: RequestHead } {
  const bytes = Buffer.from(text, 'latin1');
  const head = new RequestHead();
  return { result: readRequestHead(bytes, 0, bytes.length, head), head };
}

const nameOf = (code: number): string =>
  Object.entries(problem).find(([, value]) => value === code)?.[0] ?? String(code);

const lines = (...parts: readonly string[]): string => `${parts.join('\r\n')}\r\n\r\n`;
const get = (...fields: readonly string[]): string => lines('GET / HTTP/1.1', ...fields);
const post = (...fields: readonly string[]): string => lines('POST / HTTP/1.1', 'Host: a', ...fields);

/**
 * Attempts to make two readers of one connection see different requests, as they are published under request smuggling,
 * and what each of them is refused for.
 */
const refused: readonly (readonly [words: string, request: string, why: keyof typeof problem])[] = [
  ['both framings', post('Content-Length: 4', 'Transfer-Encoding: chunked'), 'lengthAndEncoding'],
  [
    'both framings, other order',
    post('Transfer-Encoding: chunked', 'Content-Length: 4'),
    'lengthAndEncoding',
  ],
  ['two lengths', post('Content-Length: 4', 'Content-Length: 5'), 'lengthTwice'],
  ['the same length twice', post('Content-Length: 4', 'Content-Length: 4'), 'lengthTwice'],
  ['a list of lengths', post('Content-Length: 4, 4'), 'lengthInvalid'],
  ['a signed length', post('Content-Length: +4'), 'lengthInvalid'],
  ['a negative length', post('Content-Length: -1'), 'lengthInvalid'],
  ['a hexadecimal length', post('Content-Length: 0x4'), 'lengthInvalid'],
  ['a length with a fraction', post('Content-Length: 4.0'), 'lengthInvalid'],
  ['an empty length', post('Content-Length:'), 'lengthInvalid'],
  ['a length beyond numbers', post('Content-Length: 99999999999999999999'), 'lengthInvalid'],
  ['a length with a space in it', post('Content-Length: 1 2'), 'lengthInvalid'],
  ['a length in other digits', post('Content-Length: \xb2'), 'lengthInvalid'],
  ['an unknown encoding', post('Transfer-Encoding: xchunked'), 'encodingUnknown'],
  ['an encoding behind a comma', post('Transfer-Encoding: , chunked'), 'encodingUnknown'],
  ['chunked that is not last', post('Transfer-Encoding: chunked, identity'), 'encodingUnknown'],
  ['chunked behind another', post('Transfer-Encoding: gzip, chunked'), 'encodingUnknown'],
  ['a quoted encoding', post('Transfer-Encoding: "chunked"'), 'encodingUnknown'],
  ['an encoding with a vertical tab', post('Transfer-Encoding: \x0bchunked'), 'fieldValue'],
  ['an encoding with a form feed', post('Transfer-Encoding: chunked\x0c'), 'fieldValue'],
  ['two encodings', post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), 'encodingTwice'],
  [
    'two encodings, one pretended',
    post('Transfer-Encoding: chunked', 'Transfer-encoding: cow'),
    'encodingTwice',
  ],
  [
    'an encoding in HTTP/1.0',
    lines('POST / HTTP/1.0', 'Host: a', 'Transfer-Encoding: chunked'),
    'encodingOld',
  ],
  ['a space before the colon', post('Transfer-Encoding : chunked'), 'fieldName'],
  ['a tab before the colon', post('Content-Length\t: 4'), 'fieldName'],
  ['a field that begins with a space', lines('GET / HTTP/1.1', ' Host: a'), 'folded'],
  ['a continued field', post('X: y', ' Transfer-Encoding: chunked'), 'folded'],
  ['a field continued by a tab', post('Transfer-Encoding:', '\tchunked'), 'folded'],
  ['a field without a colon', post('Transfer-Encoding chunked'), 'fieldName'],
  ['a field without a name', post(': chunked'), 'fieldName'],
  ['a name with a NUL', post('Transfer-Encoding\0: chunked'), 'fieldName'],
  ['a name that is not ASCII', post('Transfer-\xc3ncoding: chunked'), 'fieldName'],
  ['a value with a NUL', post('X: a\0b'), 'fieldValue'],
  ['a value with DEL', post('X: a\x7fb'), 'fieldValue'],
  ['a lone CR in a value', post('X: a\rTransfer-Encoding: chunked'), 'lineEnd'],
  ['a lone LF after a value', 'POST / HTTP/1.1\r\nHost: a\nTransfer-Encoding: chunked\r\n\r\n', 'lineEnd'],
  ['a lone LF after the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', 'lineEnd'],
  ['a lone LF as the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n\n', 'lineEnd'],
  ['two CR before LF', 'GET / HTTP/1.1\r\nHost: a\r\r\n\r\n', 'lineEnd'],
  ['a CR before a name', 'GET / HTTP/1.1\r\n\rHost: a\r\n\r\n', 'lineEnd'],
  ['no Host', get('X: y'), 'hostMissing'],
  ['two Hosts', get('Host: a', 'Host: b'), 'hostTwice'],
  ['the same Host twice', get('Host: a', 'host: a'), 'hostTwice'],
  ['a space in front', ' GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'method'],
  ['two spaces', lines('GET  / HTTP/1.1', 'Host: a'), 'target'],
  ['a tab for a space', lines('GET\t/ HTTP/1.1', 'Host: a'), 'method'],
  ['a space in the target', lines('GET /a b HTTP/1.1', 'Host: a'), 'requestLine'],
  ['a space behind the version', lines('GET / HTTP/1.1 ', 'Host: a'), 'requestLine'],
  ['a NUL in the target', lines('GET /\0 HTTP/1.1', 'Host: a'), 'target'],
  ['a fragment', lines('GET /#x HTTP/1.1', 'Host: a'), 'target'],
  ['a backslash', lines('GET /\\x HTTP/1.1', 'Host: a'), 'target'],
  ['a target that is not ASCII', lines('GET /\xe4 HTTP/1.1', 'Host: a'), 'target'],
  ['a method that is no token', lines('G(T / HTTP/1.1', 'Host: a'), 'method'],
  ['HTTP/0.9', 'GET /\r\n', 'requestLine'],
  ['HTTP/1.2', lines('GET / HTTP/1.2', 'Host: a'), 'version'],
  ['HTTP/2.0', lines('GET / HTTP/2.0', 'Host: a'), 'version'],
  ['http in lower case', lines('GET / http/1.1', 'Host: a'), 'requestLine'],
  ['a version with two digits', lines('GET / HTTP/1.10', 'Host: a'), 'requestLine'],
  ["HTTP/2's preface", 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'version'],
  ['CONNECT', lines('CONNECT a:443 HTTP/1.1', 'Host: a:443'), 'connect'],
  ['an expectation that nobody knows', post('Expect: 200-ok'), 'expectation'],
  ['101 fields', get('Host: a', ...Array.from({ length: 100 }, () => 'X: y')), 'tooManyFields'],
  ['a long method', `${'A'.repeat(33)} / HTTP/1.1\r\nHost: a\r\n\r\n`, 'method'],
  ['a long target', lines(`GET /${'a'.repeat(9000)} HTTP/1.1`, 'Host: a'), 'lineTooLong'],
  ['a long target that does not end', `GET /${'a'.repeat(9000)}`, 'lineTooLong'],
  ['long fields', get('Host: a', `X: ${'a'.repeat(33_000)}`), 'headTooLong'],
  ['long fields that do not end', `GET / HTTP/1.1\r\nX: ${'a'.repeat(33_000)}`, 'headTooLong'],
  ['TLS on a plain port', '\x16\x03\x01\x02\x00\x01\x00', 'method'],
];

for (const [words, request, why] of refused) {
  test(`a request is refused: ${words}`, () => {
    assert.equal(nameOf(read(request).result), why);
    assert.ok(problemOf(read(request).result).status >= 400);
  });
}

test('a request is read to the end of its head', () => {
  const request = post('Content-Length: 3', 'X-A: 1', 'Connection: keep-alive, X-A');
  const { result, head } = read(`${request}abc`);
  assert.equal(result, request.length);
  assert.deepEqual(
    [head.method, head.target, head.minor, head.host, head.length, head.keepAlive, head.names],
    ['POST', '/', 1, 'a', 3, true, ['x-a']],
  );
  assert.equal(head.fields.count, 4);
  assert.equal(head.fields.name(2), 'X-A');
});

test('an empty line before a request is read over, two are not', () => {
  assert.ok(read(`\r\n${get('Host: a')}`).result > 0);
  assert.equal(nameOf(read(`\r\n\r\n${get('Host: a')}`).result), 'method');
});

test('white space around a value is not part of it', () => {
  const { head } = read(get('Host: \t a \t'));
  assert.equal(head.host, 'a');
});

test('names of fields and encodings have no case', () => {
  const { head } = read(lines('POST / HTTP/1.1', 'hOsT: a', 'TRANSFER-ENCODING: Chunked'));
  assert.deepEqual([head.host, head.length], ['a', -1]);
});

test('fields that frame a message stay when Connection names them', () => {
  const { head } = read(post('Content-Length: 3', 'Connection: close, content-length, host, x-b'));
  assert.deepEqual(head.names, ['x-b']);
  assert.equal(head.close, true);
});

test('an HTTP/1.0 client needs no Host', () => {
  const { result, head } = read(lines('GET / HTTP/1.0', 'X: y'));
  assert.ok(result > 0);
  assert.deepEqual([head.minor, head.host], [0, undefined]);
});

test('of a head that has not come whole more is wanted, wherever it is cut', () => {
  const request = post('Content-Length: 3', 'X: some value');
  for (let length = 0; length < request.length; length++)
    assert.equal(read(request.slice(0, length)).result, 0, `cut after ${length}`);
});

test('what a connection had before leaves nothing behind', () => {
  const head = new RequestHead();
  const first = Buffer.from(
    post('Transfer-Encoding: chunked', 'Connection: close, x', 'X-Request-Id: 1', 'Expect: 100-continue'),
  );
  const second = Buffer.from(get('Host: b'));
  assert.ok(readRequestHead(first, 0, first.length, head) > 0);
  assert.ok(readRequestHead(second, 0, second.length, head) > 0);
  assert.deepEqual(
    [head.host, head.length, head.close, head.names, head.requestId, head.expectsContinue],
    ['b', 0, false, [], undefined, false],
  );
});
