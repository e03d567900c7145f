import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { makeCertificate } from '../../src/gateway/testing/certificate.ts';
import type { RouteTable, TableCertificate } from '../../src/gateway/table.ts';
import { startPlainBackend } from './gateway-backend.ts';
import { dial, dialTls, eventually } from './gateway-client.ts';
import { at, prefix, provenance, tableOf } from './gateway-table.ts';
import { freePort, startTestWorker } from './gateway-worker.ts';

const get = (host: string): string => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

function certificateFor(name: string): TableCertificate {
  const { certificate, key } = makeCertificate(name);
  return { key, chain: certificate, provenance: provenance('Secret', name, 'data') };
}

/** Two HTTPS listeners of one port, for a.example and for every other name below example. */
function twoListeners(
  port: number,
  backend: number,
  certificates: readonly [TableCertificate, TableCertificate],
): RouteTable {
  const rules = [prefix('/', 'b')];
  const table = tableOf({ httpsPorts: { a: port, wide: port }, rules, backends: { b: [at(backend)] } });
  const { a, wide } = table.listeners;
  assert.ok(a !== undefined && wide !== undefined);
  return {
    ...table,
    listeners: {
      a: { ...a, hostname: 'a.example', certificates: ['one'] },
      wide: { ...wide, hostname: '*.example', certificates: ['two'] },
    },
    hosts: {
      'a a.example': { listener: 'a', hostname: 'a.example', rules },
      'wide *.example': { listener: 'wide', hostname: '*.example', rules },
    },
    certificates: { one: certificates[0], two: certificates[1] },
  };
}

const nameIn = (socket: unknown): unknown => (socket as TLSSocket).getPeerCertificate().subject.CN;

test('a name gets its listener’s certificate, and only that listener’s routes', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const certificates = [certificateFor('one'), certificateFor('two')] as const;
  const proxy = await startTestWorker(context, twoListeners(port, backend.port, certificates));
  for (const [name, subject] of [
    ['a.example', 'one'],
    ['b.example', 'two'],
  ] as const) {
    const client = dialTls(context, port, name);
    client.say(get(`${name}:${port}`));
    await client.until(heard => heard.endsWith('hello'), `an answer for ${name}`);
    assert.equal(nameIn(client.socket), subject);
  }
  assert.match(backend.heard.join(''), /x-forwarded-proto: https/);
  const misled = dialTls(context, port, 'a.example');
  misled.say(get('b.example'));
  await misled.until(heard => heard.startsWith('HTTP/1.1 421'), 'a name of another listener is misdirected');
  for (const name of ['other.test', '']) {
    const stranger = dialTls(context, port, name);
    await stranger.closed();
    assert.equal(stranger.heard, '', `no listener has the name "${name}"`);
  }
  await eventually(
    () => proxy.log().some(line => line['why'] === 'misdirected' && line['sni'] === 'a.example'),
    'the log',
  );
});

test('a new certificate is for new connections at once; those that are open go on', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const [old, other, renewed] = [certificateFor('old'), certificateFor('other'), certificateFor('renewed')];
  const proxy = await startTestWorker(context, twoListeners(port, backend.port, [old, other]));
  const open = dialTls(context, port, 'a.example');
  open.say(get('a.example'));
  await open.until(heard => heard.endsWith('hello'), 'an answer');
  assert.equal(nameIn(open.socket), 'old');
  proxy.take(twoListeners(port, backend.port, [renewed, other]));
  const next = dialTls(context, port, 'a.example');
  next.say(get('a.example'));
  await next.until(heard => heard.endsWith('hello'), 'an answer');
  assert.equal(nameIn(next.socket), 'renewed');
  open.heard = '';
  open.say(get('a.example'));
  await open.until(heard => heard.endsWith('hello'), 'an answer on the connection that was open');
});

test('a certificate that cannot be used is told of, and costs only its own listener', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const broken = { ...certificateFor('broken'), key: 'no key' };
  const proxy = await startTestWorker(
    context,
    twoListeners(port, backend.port, [broken, certificateFor('two')]),
  );
  const client = dialTls(context, port, 'a.example');
  await client.closed();
  await eventually(() => proxy.told.some(message => message.type === 'problem'), 'a problem is told');
  const other = dialTls(context, port, 'b.example');
  other.say(get('b.example'));
  await other.until(heard => heard.endsWith('hello'), 'an answer');
});

test('who speaks no TLS on a TLS port, or never finishes the handshake, is ended', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const certificates = [certificateFor('one'), certificateFor('two')] as const;
  await startTestWorker(context, twoListeners(port, backend.port, certificates), { handshake: 300 });
  const plain = dial(context, port);
  plain.say(get('a.example'));
  await plain.closed();
  assert.doesNotMatch(plain.heard, /HTTP/);
  const silent = dial(context, port);
  await silent.closed();
});

test('a session goes on in a later connection, until the keys for that are renewed', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const port = await freePort();
  const proxy = await startTestWorker(
    context,
    twoListeners(port, backend.port, [certificateFor('one'), certificateFor('two')]),
  );
  const begin = async (session: Buffer | undefined) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername: 'a.example',
      rejectUnauthorized: false,
      // TLS 1.2 gives its ticket within the handshake.
      maxVersion: 'TLSv1.2',
      ...(session === undefined ? {} : { session }),
    });
    context.after(() => socket.destroy());
    await once(socket, 'secureConnect');
    return { session: socket.getSession(), isReused: socket.isSessionReused() };
  };
  const first = await begin(undefined);
  assert.deepEqual([first.isReused, (await begin(first.session)).isReused], [false, true]);
  proxy.worker.handle({ type: 'tickets', ticketKeys: Buffer.alloc(48, 9).toString('base64') }, undefined);
  const renewed = await begin(first.session);
  assert.deepEqual([renewed.isReused, (await begin(renewed.session)).isReused], [false, true]);
});
