import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { encodeCheck, readCheck } from './check-message.ts';

/** The messages' fields as Envoy's files have them, for a second implementation of the encoding. */
const { root } = protobuf.parse(`syntax = "proto3"; package t;
  message SocketAddress { string address = 2; uint32 port_value = 3; }
  message Address { SocketAddress socket_address = 1; }
  message Peer { Address address = 1; }
  message HttpRequest { string id = 1; string method = 2; map<string, string> headers = 3; string path = 4; string host = 5;
    string scheme = 6; int64 size = 9; string protocol = 10; string body = 11; bytes raw_body = 12; }
  message Request { HttpRequest http = 2; }
  message AttributeContext { Peer source = 1; Peer destination = 2; Request request = 4; }
  message CheckRequest { AttributeContext attributes = 1; }
  message Status { int32 code = 1; string message = 2; }
  message HeaderValue { string key = 1; string value = 2; bytes raw_value = 3; }
  message BoolValue { bool value = 1; }
  message HeaderValueOption { HeaderValue header = 1; BoolValue append = 2; int32 append_action = 3; }
  message HttpStatus { int32 code = 1; }
  message Denied { HttpStatus status = 1; repeated HeaderValueOption headers = 2; string body = 3; }
  message Ok { repeated HeaderValueOption headers = 2; repeated string headers_to_remove = 5;
    repeated HeaderValueOption response_headers_to_add = 6; }
  message CheckResponse { Status status = 1; Denied denied_response = 2; Ok ok_response = 3; }`);
const checkRequest = root.lookupType('t.CheckRequest');
const checkResponse = root.lookupType('t.CheckResponse');

const check = {
  source: { address: '192.0.2.1', port: 40_000 },
  destination: { address: '', port: 80 },
  id: 'id',
  method: 'POST',
  path: '/a',
  query: 'b=c',
  host: 'a.example',
  scheme: 'http',
  protocol: 'HTTP/1.1',
  headers: new Map([
    [':path', '/a?b=c'],
    ['x-ä', 'ö'],
  ]),
  size: 300,
  body: Buffer.from('hello'),
};

test('what is asked reads as Envoy’s message', () => {
  const read = checkRequest.toObject(checkRequest.decode(encodeCheck(check)), { longs: Number }) as {
    attributes: { source: unknown; request: { http: object } };
  };
  assert.deepEqual(read.attributes.request.http, {
    id: 'id',
    method: 'POST',
    headers: { ':path': '/a?b=c', 'x-ä': 'ö' },
    path: '/a?b=c',
    host: 'a.example',
    scheme: 'http',
    size: 300,
    protocol: 'HTTP/1.1',
    body: 'hello',
  });
  assert.deepEqual(read.attributes.source, {
    address: { socketAddress: { address: '192.0.2.1', portValue: 40_000 } },
  });
  const raw = checkRequest.decode(encodeCheck({ ...check, body: Buffer.of(0xff, 0) }));
  assert.deepEqual(
    [
      ...(checkRequest.toObject(raw) as { attributes: { request: { http: { rawBody: Buffer } } } }).attributes
        .request.http.rawBody,
    ],
    [0xff, 0],
  );
});

const said = (message: object) =>
  readCheck(Buffer.from(checkResponse.encode(checkResponse.fromObject(message)).finish()));
const header = (key: string, value: string, more: object = {}) => ({ header: { key, value }, ...more });

test('a yes changes the request and the answer', () => {
  const verdict = said({
    status: { code: 0 },
    okResponse: {
      headers: [
        header('x-user', 'alice'),
        header('x-group', 'b', { append: { value: true } }),
        header('x-new', '1', { appendAction: 1 }),
        header('host', 'evil.example'),
      ],
      headersToRemove: ['authorization', 'Host'],
      responseHeadersToAdd: [header('x-seen', 'yes')],
    },
  });
  assert.equal(verdict.type, 'allowed');
  if (verdict.type !== 'allowed') return;
  assert.equal(
    verdict.change('host: a.example\r\nX-User: mallory\r\nx-group: a\r\nAuthorization: x\r\n'),
    'host: a.example\r\nx-user: alice\r\nx-group: a, b\r\nx-new: 1\r\n',
  );
  assert.equal(verdict.answerLines, 'x-seen: yes\r\n');
  assert.equal(said({}).type, 'allowed', 'no status is the status of nothing wrong');
});

test('a no has its own status, headers and body, and is no success', () => {
  const no = (status: number) => ({
    status: { code: 7 },
    deniedResponse: { status: { code: status }, headers: [header('www-authenticate', 'Basic')], body: 'no' },
  });
  const seen = (message: object) => {
    const verdict = said(message);
    assert.equal(verdict.type, 'refused');
    return verdict.type === 'refused' ? [verdict.status, verdict.why, verdict.lines, verdict.body] : [];
  };
  assert.deepEqual(seen(no(401)), [401, 'denied', 'www-authenticate: Basic\r\n', 'no']);
  assert.deepEqual(seen(no(200)), [403, 'denied', 'www-authenticate: Basic\r\n', 'no']);
  assert.deepEqual(seen({ status: { code: 16 } }), [403, 'denied', '', undefined]);
  // Both at once: the status decides.
  assert.equal(seen({ ...no(401), okResponse: {} })[0], 401);
});

test('an answer that is none is not a yes', () => {
  const texts = [
    '\xff',
    '\x0a\x7f',
    '\x0a\x02\x08',
    '\x1a\x01\xff',
    '\x0b',
    '\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01',
    '\x0d',
  ];
  for (const text of texts)
    assert.equal(readCheck(Buffer.from(text, 'latin1')).type, 'refused', JSON.stringify(text));
  for (const [key, value] of [
    ['x a', 'b'],
    ['', 'b'],
    ['x', 'a\r\nb: c'],
    ['x', 'a\0'],
  ] as const)
    assert.equal(said({ okResponse: { headers: [header(key, value)] } }).type, 'refused', key + value);
});
