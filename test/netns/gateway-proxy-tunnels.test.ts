import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createPlain } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { makeCertificate } from '../../src/gateway/testing/certificate.ts';
import type { RouteTable, TableListener } from '../../src/gateway/table.ts';
import { startPlainBackend } from './gateway-backend.ts';
import { dial, dialTls, eventually, standsStill } from './gateway-client.ts';
import { at, prefix, provenance, tableOf } from './gateway-table.ts';
import { freePort, startTestWorker } from './gateway-worker.ts';

/** Says back what it hears, by its own TLS where it has a certificate; says that it ends when the client has. */
async function startEcho(
  context: TestContext,
  name: string | undefined,
): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const serve = (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', chunk => socket.write(chunk));
    socket.on('end', () => socket.end('bye'));
  };
  const pair = makeCertificate(name ?? 'none');
  const server =
    name === undefined
      ? createPlain({ allowHalfOpen: true }, serve)
      : createServer({ cert: pair.certificate, key: pair.key, allowHalfOpen: true }, serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

/** One port: pass.example passes through, end.example ends here, gone.example leads nowhere. */
function mixed(port: number, pass: number, end: number, closed: number): RouteTable {
  const { certificate: chain, key } = makeCertificate('end.example');
  const listener = (name: string, more: Partial<TableListener>): TableListener => ({
    name,
    port,
    protocol: 'TLS',
    hostname: `${name}.example`,
    certificates: [],
    provenance: provenance('Gateway', 'gateway', 'spec.listeners[0]'),
    ...more,
  });
  const host = (name: string, backend: string) => ({
    listener: name,
    hostname: `${name}.example`,
    rules: [prefix('/', backend)],
  });
  return {
    ...tableOf({
      rules: [],
      backends: { pass: [at(pass)], end: [at(end)], closed: [at(closed)], empty: [] },
      certificate: { chain, key, provenance: provenance('Secret', 's', 'data') },
    }),
    listeners: {
      pass: listener('pass', { isPassthrough: true }),
      end: listener('end', { certificates: ['certificate'] }),
      gone: listener('gone', { isPassthrough: true }),
      empty: listener('empty', { isPassthrough: true }),
      bare: listener('bare', { isPassthrough: true }),
    },
    hosts: {
      'pass pass.example': host('pass', 'pass'),
      'end end.example': host('end', 'end'),
      'gone gone.example': host('gone', 'closed'),
      'empty empty.example': host('empty', 'empty'),
    },
  };
}

const subjectOf = (socket: Socket): unknown => (socket as TLSSocket).getPeerCertificate().subject.CN;

test('names of one port pass through or end here, and octets go both ways to the last', async context => {
  const [pass, end] = [await startEcho(context, 'behind.example'), await startEcho(context, undefined)];
  const port = await freePort();
  const proxy = await startTestWorker(context, mixed(port, pass.port, end.port, await freePort()));
  const big = 'x'.repeat(3_000_000);
  for (const [name, subject] of [
    ['pass.example', 'behind.example'],
    ['END.example', 'end.example'],
  ] as const) {
    const client = dialTls(context, port, name);
    client.say('hello');
    await client.until(heard => heard === 'hello', `an echo by ${name}`);
    assert.equal(subjectOf(client.socket), subject);
    client.say(big);
    await client.until(heard => heard.length === 5 + big.length, 'all of it');
    client.socket.end();
    await client.until(heard => heard.endsWith('bye'), 'what is said after our end');
    await client.closed();
  }
  await eventually(() => proxy.log().length === 2, 'two lines in the log');
  assert.deepEqual(
    proxy.log().map(line => [line['protocol'], line['host'], line['backend'], line['why'], line['tries']]),
    [
      ['TLS', 'pass.example', 'pass', '', 1],
      ['TLS', 'end.example', 'end', '', 1],
    ],
  );
});

test('requests of one name and octets of others share a port, each by its own listener', async context => {
  const [pass, end] = [await startEcho(context, 'behind.example'), await startEcho(context, undefined)];
  const web = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const octets = mixed(port, pass.port, end.port, await freePort());
  const rules = [prefix('/', 'web')];
  const requests = tableOf({ httpsPorts: { web: port }, rules, backends: { web: [at(web.port)] } });
  const { web: listener } = requests.listeners;
  assert.ok(listener !== undefined);
  await startTestWorker(context, {
    ...octets,
    listeners: { ...octets.listeners, web: { ...listener, hostname: 'web.example' } },
    hosts: { ...octets.hosts, 'web web.example': { listener: 'web', hostname: 'web.example', rules } },
    backends: { ...octets.backends, ...requests.backends },
  });
  const get = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const client = dialTls(context, port, 'web.example');
  client.say(get('web.example'));
  await client.until(heard => heard.endsWith('hello'), 'an answer to the request');
  for (const [name, subject] of [
    ['pass.example', 'behind.example'],
    ['end.example', 'end.example'],
  ] as const) {
    const other = dialTls(context, port, name);
    other.say(get('web.example'));
    await other.until(heard => heard === get('web.example'), `an echo by ${name}`);
    assert.equal(subjectOf(other.socket), subject);
  }
  for (const name of ['pass.example', 'end.example']) {
    const misled = dialTls(context, port, 'web.example');
    misled.say(get(name));
    await misled.until(heard => heard.startsWith('HTTP/1.1 421'), `no request is for ${name}`);
  }
});

test('a connection that leads nowhere ends before any TLS, and the log says why', async context => {
  const port = await freePort();
  const proxy = await startTestWorker(context, mixed(port, 1, 1, await freePort()));
  const cases = [
    ['gone.example', 'upstream-refused'],
    ['empty.example', 'no-endpoints'],
    ['bare.example', 'no-route'],
    ['other.example', 'no-listener'],
    ['', 'no-listener'],
  ] as const;
  for (const [name] of cases) {
    const client = dialTls(context, port, name);
    await client.closed();
    assert.equal(client.heard, '');
  }
  await eventually(() => proxy.log().length === cases.length, 'the log');
  assert.deepEqual(
    proxy.log().map(line => [line['host'], line['why']]),
    cases.map(([name, why]) => [name, why]),
  );
});

test('clients that say no hello, or half of one, are closed; and a backend that dies takes only its own with it', async context => {
  const pass = await startEcho(context, 'behind.example');
  const port = await freePort();
  const proxy = await startTestWorker(context, mixed(port, pass.port, 1, 1));
  const impatient = await freePort();
  await startTestWorker(context, mixed(impatient, pass.port, 1, 1), { handshake: 300 });
  for (const text of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03', '']) {
    const client = dial(context, impatient);
    client.say(text);
    await client.closed();
    assert.equal(client.heard, '');
  }
  const [one, other] = [dialTls(context, port, 'pass.example'), dialTls(context, port, 'pass.example')];
  for (const client of [one, other]) {
    client.say('hello');
    await client.until(heard => heard === 'hello', 'an echo');
  }
  pass.sockets[0]?.destroy();
  await eventually(() => one.isClosed || other.isClosed, 'the end of one');
  const left = one.isClosed ? other : one;
  left.say(' again');
  await left.until(heard => heard === 'hello again', 'the other goes on');
  // A client that is gone takes its connection to the backend with it.
  left.socket.destroy();
  await eventually(() => pass.sockets.every(socket => socket.destroyed), 'nothing is left');
  await eventually(() => proxy.log().length === 2, 'the log');
});

test('a slow reader holds up its backend, not the proxy’s memory', async context => {
  let poured = 0;
  const server = createPlain(socket => {
    socket.on('error', () => undefined);
    const piece = Buffer.alloc(65_536);
    const more = () => {
      while (socket.writable && socket.write(piece)) poured += piece.length;
    };
    socket.on('drain', more);
    more();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const port = await freePort();
  await startTestWorker(context, mixed(port, 1, (server.address() as AddressInfo).port, 1));
  const client = dialTls(context, port, 'end.example');
  await once(client.socket, 'secureConnect');
  client.socket.pause();
  await standsStill(() => poured > 0 && poured);
  assert.ok(poured < 40_000_000, `${poured} octets`);
});
