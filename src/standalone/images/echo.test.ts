/** The echo image by real clients: what the Gateway API's conformance tests ask of their back end. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { WebSocket } from 'ws';
import { createAuthority, issueServing, signCertificate, type KeyPair } from '../apiserver/pki/index.ts';
import { startProgram, type RunningProgram } from './testing/program.ts';

const context = { NAMESPACE: 'ns', INGRESS_NAME: 'in', SERVICE_NAME: 'sv', POD_NAME: 'pod-1' };
const shown = { namespace: 'ns', ingress: 'in', service: 'sv', pod: 'pod-1' };

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

function ask(port: number, path: string, options: RequestOptions = {}, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = httpRequest({ host: '127.0.0.1', port, path, agent: false, ...options }, response => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: text }),
      );
    });
    call.once('error', reject);
    call.end(body);
  });
}

suite('the echo server', () => {
  let directory: string;
  let program: RunningProgram;
  let client: KeyPair;
  let trusted: string;
  let [http, h2c, https] = [0, 0, 0];

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'fairlead-echo-'));
    const authority = createAuthority(join(directory, 'pki'));
    const serving = issueServing(authority, { names: ['127.0.0.1', 'abc.example.com'] });
    trusted = authority.certificate;
    client = clientOf(authority.pair);
    for (const [name, text] of Object.entries({
      crt: serving.certificate,
      key: serving.key,
      ca: authority.certificate,
    }))
      writeFileSync(join(directory, name), text);
    program = startProgram('echo', [], {
      ...context,
      TLS_SERVER_CERT: join(directory, 'crt'),
      TLS_SERVER_PRIVKEY: join(directory, 'key'),
      TLS_CLIENT_CACERTS: join(directory, 'ca'),
    });
    http = await program.port(/listening on port (\d+) \(http\)/);
    h2c = await program.port(/listening on port (\d+) \(h2c\)/);
    https = await program.port(/listening on port (\d+) \(https\)/);
  });
  after(async () => {
    await program[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  test('shows the request, and prints its path', async () => {
    const headers = { Host: 'example.com:80', 'x-MANY': ['a', 'b'], 'Content-Type': 'text/plain' };
    const {
      status,
      headers: given,
      body,
    } = await ask(http, '/one//two?q=1', { headers, method: 'PUT' }, 'x');
    assert.equal(status, 200);
    assert.equal(given['content-type'], 'application/json');
    assert.equal(given['x-content-type-options'], 'nosniff');
    const facts = JSON.parse(body) as Record<string, unknown>;
    assert.deepEqual(facts, {
      path: '/one//two?q=1',
      host: 'example.com:80',
      method: 'PUT',
      proto: 'HTTP/1.1',
      headers: {
        Connection: ['close'],
        'Content-Length': ['1'],
        'Content-Type': ['text/plain'],
        'X-Many': ['a', 'b'],
      },
      httpPort: '0',
      ...shown,
    });
    await program.printed(/^Echoing back request made to \/one\/\/two\?q=1 to client \(127\.0\.0\.1:\d+\)$/m);
  });

  test('answers /health and the status that is asked for', async () => {
    assert.equal((await ask(http, '/health')).body, 'OK');
    for (const [path, status] of [
      ['/status/200', 200],
      ['/status/404', 404],
      ['/status/503', 503],
      ['/status/204', 204],
      ['/status/', 400],
      ['/status/503/more', 400],
      ['/status/503?x', 400],
      ['/status/099', 400],
      ['/status', 301],
    ] as const)
      assert.equal((await ask(http, path)).status, status, path);
  });

  test('waits as long as it is asked to', async () => {
    const start = performance.now();
    assert.equal((await ask(http, '/slow?delay=300ms')).status, 200);
    assert.ok(performance.now() - start >= 299, 'it waited');
    const wrong = await ask(http, '/slow?delay=soon');
    assert.equal(wrong.status, 500);
    assert.match(wrong.body, /invalid duration/);
  });

  test('sets the response headers that it is asked for', async () => {
    const { headers } = await ask(http, '/', {
      headers: { 'X-Echo-Set-Header': 'X-One:1, X-Two: 2,X-One:3, Content-Length: 1, broken name: x' },
    });
    assert.equal(headers['x-one'], '1,3');
    assert.equal(headers['x-two'], '2');
    assert.ok(!('broken name' in headers));
  });

  test('fails as often as a retry test asks, by status or by a reset', async () => {
    const path = '/retry/x?uuid=u1&succeedAfter=2&responseCode=503';
    const seen = [await ask(http, path), await ask(http, path), await ask(http, path)];
    assert.deepEqual(
      seen.map(each => each.status),
      [503, 503, 200],
    );
    await assert.rejects(ask(http, '/retry/x?uuid=u2&succeedAfter=1'), { code: 'ECONNRESET' });
    assert.equal((await ask(http, '/retry/x?uuid=u2&succeedAfter=1')).status, 200);
    assert.equal((await ask(http, '/retry/x?succeedAfter=1')).status, 400);
    assert.equal((await ask(http, '/retry/x?uuid=u3')).status, 400);
  });

  test('echoes WebSocket messages as text, in pieces and at any size', async () => {
    const webSocket = new WebSocket(`ws://127.0.0.1:${http}/ws`, { origin: 'http://example.com' });
    const messages: string[] = [];
    webSocket.on('message', data => messages.push((data as Buffer).toString()));
    await new Promise((open, failed) => webSocket.once('open', open).once('error', failed));
    const large = 'y'.repeat(70_000);
    for (const text of ['hello', large, '']) webSocket.send(text);
    webSocket.send(Buffer.from('bytes'));
    await new Promise<void>(pong => {
      webSocket.once('pong', () => pong());
      webSocket.ping();
    });
    assert.deepEqual(messages, ['hello', large, '', 'bytes']);
    const closed = new Promise<number>(resolve => webSocket.once('close', resolve));
    webSocket.close(1000);
    assert.equal(await closed, 1000);
  });

  test('refuses a WebSocket without an origin, a wrong handshake, and unmasked frames', async () => {
    const refused = (url: string, options = {}) =>
      new Promise<string>(resolve =>
        new WebSocket(url, options).once('error', error => resolve(error.message)),
      );
    assert.match(await refused(`ws://127.0.0.1:${http}/ws`), /403/);
    assert.match(await refused(`ws://127.0.0.1:${http}/other`, { origin: 'http://a.b' }), /200/);
    assert.equal((await ask(http, '/ws')).status, 400);
    const socket = connect(http, '127.0.0.1');
    socket.write(
      'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nOrigin: http://x\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x01a',
    );
    const bytes = await readAll(socket);
    assert.match(bytes.toString('latin1'), /^HTTP\/1\.1 101 .*s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/s);
    assert.deepEqual([...bytes.subarray(-4)], [0x88, 2, 0x03, 0xea], 'closed with 1002');
  });

  test('speaks HTTP/2 without TLS by prior knowledge, and tells everybody else', async () => {
    const curl = spawn('curl', ['-sS', '--http2-prior-knowledge', `http://127.0.0.1:${h2c}/h2?a=b`]);
    const facts = JSON.parse((await readAll(curl.stdout)).toString()) as Record<string, unknown>;
    assert.equal(facts.proto, 'HTTP/2.0');
    assert.equal(facts.path, '/h2?a=b');
    assert.equal(facts.host, `127.0.0.1:${h2c}`);
    assert.deepEqual(Object.keys(facts.headers as object).toSorted(), ['Accept', 'User-Agent']);
    const plain = await ask(h2c, '/');
    assert.deepEqual([plain.status, plain.body], [400, 'Expected h2c request']);
    const slow = connect(h2c, '127.0.0.1');
    for (const part of ['PRI * HT', 'TP/2.0\r\n\r\nSM\r\n\r\n', '\0\0\0\x04\0\0\0\0\0']) {
      slow.write(part, 'latin1');
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    const [first] = (await new Promise<Buffer>(resolve => slow.once('data', resolve))).subarray(3);
    assert.equal(first, 4, 'a SETTINGS frame, though the preface came in parts');
    slow.destroy();
  });

  test('an upgrade to h2c is an ordinary request on the port for HTTP', async () => {
    const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABk' };
    assert.equal((await ask(http, '/', { headers })).status, 200);
  });

  test('serves HTTPS in both versions, and tells what it knows about the connection', async () => {
    const session = connectHttp2(`https://127.0.0.1:${https}`, {
      ca: trusted,
      servername: 'abc.example.com',
      cert: client.certificate,
      key: client.key,
    });
    const stream = session.request({ ':path': '/tls', ':authority': 'abc.example.com' });
    const facts = JSON.parse((await readAll(stream)).toString()) as {
      readonly proto: string;
      readonly host: string;
      readonly tls: Record<string, unknown>;
    };
    session.close();
    assert.deepEqual([facts.proto, facts.host], ['HTTP/2.0', 'abc.example.com']);
    assert.deepEqual(facts.tls, {
      version: 'TLSv1.3',
      peerCertificates: facts.tls.peerCertificates,
      serverName: 'abc.example.com',
      negotiatedProtocol: 'h2',
      cipherSuite: 'TLS_AES_256_GCM_SHA384',
    });
    const [leaf] = facts.tls.peerCertificates as readonly string[];
    assert.equal(leaf?.replace(/\s/g, ''), client.certificate.replace(/\s/g, ''));

    const curl = spawn('curl', ['-sSk', '--http1.1', '--tls-max', '1.2', `https://127.0.0.1:${https}/old`]);
    const old = JSON.parse((await readAll(curl.stdout)).toString()) as typeof facts;
    assert.deepEqual([old.proto, old.tls.version], ['HTTP/1.1', 'TLSv1.2']);
    assert.ok(!('peerCertificates' in old.tls), 'none was given');
  });

  test('a client certificate of a stranger is refused, none at all is not', async () => {
    const stranger = clientOf(createAuthority(join(directory, 'other')).pair);
    const outcome = await new Promise<string>(resolve => {
      const socket = connectTls(
        {
          port: https,
          host: '127.0.0.1',
          rejectUnauthorized: false,
          cert: stranger.certificate,
          key: stranger.key,
        },
        () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      );
      socket.once('data', () => resolve('an answer'));
      socket.once('error', () => resolve('closed'));
      socket.once('close', () => resolve('closed'));
    });
    assert.equal(outcome, 'closed');
  });
});

test('a line protocol over TCP and TLS, and resets where they are asked for', async () => {
  await using program = startProgram('echo', [], { ...context, TCP_ECHO_SERVER: '1' });
  const port = await program.port(/protocol=tcp port=(\d+)/);
  const socket = connect(port, '127.0.0.1');
  socket.end('PING\nIS_TLS\r\nnothing\nTEST\n');
  const lines = (await readAll(socket)).toString().split('\n');
  assert.deepEqual(lines.slice(0, 3), ['Gateway API Test TCP Server', 'PONG', 'false']);
  assert.deepEqual(JSON.parse(lines[3] ?? ''), { ...shown, tcpport: '0', tlsport: '0', isTLS: false });

  await using resetting = startProgram('echo', [], { TCP_ECHO_SERVER: '1', TCP_MODE: 'RESET' });
  const broken = connect(await resetting.port(/protocol=tcp port=(\d+)/), '127.0.0.1');
  const code = await new Promise<string | undefined>(resolve =>
    broken.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
  );
  assert.equal(code, 'ECONNRESET');
});

test('a datagram comes back with the name of the pod', async () => {
  await using program = startProgram('echo', [], { ...context, UDP_ECHO_SERVER: '1' });
  const port = await program.port(/UDP server listening on :(\d+)/);
  for (const [type, address] of [
    ['udp4', '127.0.0.1'],
    ['udp6', '::1'],
  ] as const) {
    const socket = createSocket(type);
    const answered = new Promise<Buffer>(resolve => socket.once('message', resolve));
    socket.send('"hi" <&>', port, address);
    assert.deepEqual(JSON.parse((await answered).toString()), { request: '"hi" <&>', ...shown });
    socket.close();
  }
});

test('a port that is none ends the program with a sentence', async () => {
  await using program = startProgram('echo', [], { HTTP_PORT: '80a' });
  assert.equal(await program.ended, 1);
  assert.match(program.output(), /HTTP_PORT is no port: 80a/);
});

function clientOf(authority: KeyPair): KeyPair {
  return signCertificate(authority, { commonName: 'client', names: [], usage: 'client', now: Date.now() });
}

async function readAll(stream: NodeJS.ReadableStream | Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part as Buffer));
  return Buffer.concat(parts);
}
