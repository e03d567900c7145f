import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPlainBackend } from './gateway-backend.ts';
import { dial, eventually } from './gateway-client.ts';
import {
  ask,
  connectHttp2,
  frameText,
  framesOf,
  getBlock,
  goAwayCode,
  hello,
  number32,
} from './gateway-http2.ts';
import { startProxyTo } from './gateway-worker.ts';

const type = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  window: 8,
  more: 9,
};
const [protocolError, flowError, closedError, sizeError, codecError, calm] = [1, 3, 5, 6, 9, 11];
const endHeaders = 4;
const whole = 5;
const get = (stream: number, block = getBlock) => frameText(type.headers, whole, stream, block);
const octets = (count: number) => 'x'.repeat(count);
/** A literal field without a table, with names and values of up to 126 octets. */
const literal = (name: string, value: string) =>
  `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`;
const many = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join('');

/** What a client says after its preface, and the code of the GOAWAY that ends its connection. */
const ended: readonly (readonly [what: string, says: string, code: number])[] = [
  ['a frame before its settings', frameText(type.ping, 0, 0, octets(8)), protocolError],
  ['a frame of more than 16 KB', hello + frameText(type.ping, 0, 0, octets(16_385)), sizeError],
  ['settings on a stream', hello + frameText(type.settings, 0, 1), protocolError],
  ['settings of five octets', hello + frameText(type.settings, 0, 0, octets(5)), sizeError],
  ['a window of 2 GB', hello + frameText(type.settings, 0, 0, `\0\x04${number32(0x80_00_00_00)}`), flowError],
  [
    'a window that grows beyond 2 GB',
    hello + frameText(type.window, 0, 0, number32(0x7f_ff_ff_ff)),
    flowError,
  ],
  ['a window that grows by nothing', hello + frameText(type.window, 0, 0, number32(0)), protocolError],
  ['a ping of seven octets', hello + frameText(type.ping, 0, 0, octets(7)), sizeError],
  ['a push', hello + frameText(type.push, endHeaders, 1, number32(2)), protocolError],
  ['data on a stream that it has not opened', hello + frameText(type.data, 0, 1, 'x'), protocolError],
  [
    'a reset of a stream that it has not opened',
    hello + frameText(type.reset, 0, 1, number32(8)),
    protocolError,
  ],
  ['a stream with the number of a server’s', hello + get(2), protocolError],
  ['a stream without a number', hello + get(0), protocolError],
  ['a header block that nothing can be read from', hello + get(1, '\xff\xff\xff\xff\xff\xff'), codecError],
  ['an entry of a table that is not there', hello + get(1, '\xfe'), codecError],
  ['a table beyond what was agreed', hello + get(1, `\x3f\xe1\xff\x03${getBlock}`), codecError],
  ['a string with the end of all strings in it', hello + get(1, '\0\x84\xff\xff\xff\xfc\x01x'), codecError],
  [
    'padding that is longer than its frame',
    hello + get(1) + frameText(type.data, 8, 1, '\xff'),
    protocolError,
  ],
  [
    'another frame within a header block',
    hello + frameText(type.headers, 0, 1, getBlock) + frameText(type.ping, 0, 0, octets(8)),
    protocolError,
  ],
  [
    'a header block without end',
    hello +
      frameText(type.headers, 0, 1, getBlock) +
      many(40, () => frameText(type.more, 0, 1, literal('a', 'b'))),
    calm,
  ],
  ['pings without end', hello + many(3000, () => frameText(type.ping, 0, 0, octets(8))), calm],
  ['settings without end', hello + many(1000, () => frameText(type.settings, 0, 0)), calm],
  ['priorities without end', hello + many(3000, () => frameText(type.priority, 0, 1, octets(5))), calm],
  [
    'empty pieces of a body without end',
    `${hello}${frameText(type.headers, endHeaders, 1, `\x83${getBlock.slice(1)}`)}${many(3000, () => frameText(type.data, 0, 1))}`,
    calm,
  ],
  [
    'requests that it takes back at once, without end',
    hello + many(2000, index => get(index * 2 + 1) + frameText(type.reset, 0, index * 2 + 1, number32(8))),
    calm,
  ],
  [
    'requests with a few octets of a body that it takes back at once, without end',
    hello +
      many(2000, index => {
        const stream = index * 2 + 1;
        const body = frameText(type.data, 0, stream, 'x').repeat(4);
        return (
          frameText(type.headers, endHeaders, stream, `\x83${getBlock.slice(1)}`) +
          body +
          frameText(type.reset, 0, stream, number32(8))
        );
      }),
    calm,
  ],
];

test('a client that breaks the rules of a connection is told why and closed, and everybody else is served', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const { port } = await startProxyTo(context, backend);
  const other = connectHttp2(context, port);
  for (const [what, says, code] of ended) {
    const client = dial(context, port);
    client.say(says.startsWith('PRI') ? says : `${hello.slice(0, 24)}${says}`);
    await client.until(heard => goAwayCode(heard) !== undefined, `an end after ${what}`);
    assert.equal(goAwayCode(client.heard), code, what);
    await client.closed();
    assert.equal((await ask(other, { ':path': '/' })).status, 200, `others after ${what}`);
  }
});

const post = `\x83${getBlock.slice(1)}`;
/** Header blocks of requests that are none, and the status that their client gets before the stream's end. */
const malformed: readonly (readonly [what: string, block: string, status: number])[] = [
  ['a name in upper case', getBlock + literal('X-A', 'b'), 400],
  ['a line break in a value', getBlock + literal('x-a', 'b\r\nx-c: d'), 400],
  ['a NUL in a value', getBlock + literal('x-a', 'b\0'), 400],
  ['a space around a value', getBlock + literal('x-a', ' b'), 400],
  ['a colon within a name', getBlock + literal('x:a', 'b'), 400],
  ['an empty name', getBlock + literal('', 'b'), 400],
  ['connection', getBlock + literal('connection', 'close'), 400],
  ['transfer-encoding', post + literal('transfer-encoding', 'chunked'), 400],
  ['te of something else than trailers', getBlock + literal('te', 'gzip'), 400],
  ['a second path', `${getBlock}\x84`, 400],
  ['a pseudo header behind others', `\x82\x86${literal('x-a', 'b')}\x84\x01\x09a.example`, 400],
  ['a pseudo header that there is none of', getBlock + literal(':x', 'b'), 400],
  ['the way of WebSockets over HTTP/2', getBlock + literal(':protocol', 'websocket'), 400],
  ['no path', '\x82\x86\x01\x09a.example', 400],
  ['no scheme', '\x82\x84\x01\x09a.example', 400],
  ['no name', '\x82\x86\x84', 400],
  ['a Host that is another name', getBlock + literal('host', 'b.example'), 400],
  [
    'a path in absolute form',
    `\x82\x86\x04\x0fhttp://a.example\x01\x09a.example`.replace('\x0f', '\x10'),
    400,
  ],
  ['a path with a line break', `\x82\x86\x04\x04/\r\nx\x01\x09a.example`, 400],
  ['two lengths', post + literal('content-length', '1') + literal('content-length', '1'), 400],
  ['a length with an end', post + literal('content-length', '5'), 400],
  ['CONNECT', `\x02\x07CONNECT\x86\x84\x01\x09a.example`, 405],
  ['too many fields', getBlock + many(120, index => literal(`x-${index}`, 'b')), 431],
];

test('a request that is none is answered on its stream and reaches no backend, and the connection goes on', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const { port, proxy } = await startProxyTo(context, backend);
  const client = dial(context, port);
  client.say(hello);
  for (const [index, [what, block, status]] of malformed.entries()) {
    const stream = index * 2 + 1;
    client.say(get(stream, block));
    await client.until(
      heard => framesOf(heard).some(one => one.stream === stream && one.type === type.headers),
      what,
    );
    await eventually(() => proxy.log().length > index, `a line of the log for ${what}`);
    assert.equal(proxy.log()[index]?.['status'], status, what);
  }
  assert.deepEqual(backend.heard, []);
  client.say(get(999));
  await client.until(heard => heard.includes('hello'), 'the connection goes on');
});

/** On a stream with a body of five octets: what is said of it, and the code that ends the stream. */
const broken: readonly (readonly [what: string, says: string, code: number])[] = [
  ['more than Content-Length', frameText(type.data, 1, 1, 'sixsix'), protocolError],
  ['less than Content-Length', frameText(type.data, 1, 1, 'four'), protocolError],
  ['trailers that do not end it', frameText(type.headers, endHeaders, 1, literal('x-a', 'b')), protocolError],
  ['trailers with a path', frameText(type.headers, whole, 1, '\x84'), protocolError],
  ['a window beyond 2 GB', frameText(type.window, 0, 1, number32(0x7f_ff_ff_ff)), flowError],
  ['data after its end', frameText(type.data, 1, 1, 'hello') + frameText(type.data, 1, 1, 'x'), closedError],
];

test('a stream whose body is not what was said ends alone', async context => {
  // The backend never answers, so that the stream is there until it is ended.
  const backend = await startPlainBackend(context, 'hello');
  backend.server.removeAllListeners('connection');
  backend.server.on('connection', socket => void socket.resume().on('error', () => undefined));
  const { port } = await startProxyTo(context, backend);
  for (const [what, says, code] of broken) {
    const client = dial(context, port);
    client.say(hello + frameText(type.headers, endHeaders, 1, post + literal('content-length', '5')) + says);
    const isReset = (heard: string) =>
      framesOf(heard).some(one => one.stream === 1 && one.type === type.reset);
    const heard = await client.until(isReset, what);
    const reset = framesOf(heard).find(one => one.type === type.reset);
    assert.equal(reset?.payload.readUInt32BE(), code, what);
    assert.equal(goAwayCode(heard), undefined, `the connection goes on after ${what}`);
  }
});

test('more streams than are offered are refused, unprocessed, and the others answered', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const { port } = await startProxyTo(context, backend);
  const client = dial(context, port);
  // Bodies that do not end keep streams open.
  client.say(hello + many(140, index => frameText(type.headers, endHeaders, index * 2 + 1, post)));
  const resets = (heard: string) => framesOf(heard).filter(one => one.type === type.reset);
  const heard = await client.until(text => resets(text).length === 12, 'twelve are refused');
  assert.ok(resets(heard).every(({ payload }) => payload.readUInt32BE() === 7));
});

test('who begins and says nothing more is closed after the time for that', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const { port } = await startProxyTo(context, backend, { head: 200, idle: 200, linger: 100 });
  const says: readonly (readonly [what: string, text: string])[] = [
    ['two octets', 'PR'],
    ['half of the preface', hello.slice(0, 12)],
    ['the preface alone', hello.slice(0, 24)],
    ['half of a frame', hello + get(1).slice(0, 12)],
    ['a header block that stops', hello + frameText(type.headers, 0, 1, getBlock)],
    ['a connection without a request', hello],
    ['a request, and then nothing', hello + get(1)],
  ];
  for (const [what, text] of says) {
    const client = dial(context, port);
    client.say(text);
    await client.closed();
    assert.ok(client.isEnded || client.isClosed, what);
  }
});

test('who takes nothing of an answer loses it, and the backend’s connection is closed', async context => {
  const backend = await startPlainBackend(context, octets(300_000));
  const { port, proxy } = await startProxyTo(context, backend, { clientPause: 300 });
  const client = dial(context, port);
  // A window of nothing for each stream.
  client.say(`${hello}${frameText(type.settings, 0, 0, `\0\x04${number32(0)}`)}${get(1)}`);
  await client.until(
    heard => framesOf(heard).some(one => one.type === type.reset && one.stream === 1),
    'the stream is reset',
  );
  await eventually(() => proxy.log().length === 1, 'a line of the log');
  assert.equal(goAwayCode(client.heard), undefined);
  await eventually(() => backend.sockets[0]?.destroyed === true, 'the backend’s connection is closed');
});

test('who asks on and on and reads no answer is closed', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const { port, proxy } = await startProxyTo(context, backend, { linger: 100 });
  const client = dial(context, port);
  client.socket.pause();
  client.say(hello);
  // No window holds heads back; a name that is none is answered by the proxy itself.
  const block = `\x02\x04HEAD\x86\x84\x01\x02-/`;
  let said = 0;
  const batch = () => many(1000, () => get(said++ * 2 + 1, block));
  const more = () => {
    while (client.socket.writable && client.socket.write(batch(), 'latin1'));
  };
  client.socket.on('drain', more);
  more();
  const clients = () => {
    proxy.worker.handle({ type: 'ping' }, undefined);
    const last = proxy.told.findLast(message => message.type === 'pong');
    return last?.status.clients;
  };
  await eventually(() => clients() === 1, 'it is there');
  await eventually(() => clients() === 0, 'it is closed');
});
