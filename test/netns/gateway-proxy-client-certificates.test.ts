import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { makeCertificate } from '../../src/gateway/testing/certificate.ts';
import type { RouteTable, TableClientValidation } from '../../src/gateway/table.ts';
import { startPlainBackend } from './gateway-backend.ts';
import { at, prefix, provenance, tableOf } from './gateway-table.ts';
import { freePort, startTestWorker } from './gateway-worker.ts';

const [server, alice, mallory] = ['a.example', 'alice', 'mallory'].map(name => makeCertificate(name));
assert.ok(server !== undefined && alice !== undefined && mallory !== undefined);

function validating(
  ports: readonly (readonly [port: number, validation: TableClientValidation | undefined])[],
  backend: number,
): RouteTable {
  const table = tableOf({
    httpsPorts: Object.fromEntries(ports.map(([port], index) => [`https-${index}`, port])),
    rules: [prefix('/', 'b')],
    backends: { b: [at(backend)] },
    certificate: {
      chain: server?.certificate ?? '',
      key: server?.key ?? '',
      provenance: provenance('Secret', 's', 'data'),
    },
  });
  return {
    ...table,
    listeners: Object.fromEntries(
      Object.entries(table.listeners).map(([name, listener], index) => {
        const clientValidation = ports[index]?.[1];
        return [name, clientValidation === undefined ? listener : { ...listener, clientValidation }];
      }),
    ),
  };
}

interface Asked {
  readonly isAnswered: boolean;
  readonly isResumed: boolean;
  readonly session: Buffer | undefined;
}

/** One request; a handshake that fails, early or late, is no answer. */
async function ask(context: TestContext, port: number, options: ConnectionOptions = {}): Promise<Asked> {
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port,
    servername: 'a.example',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...options,
  });
  context.after(() => socket.destroy());
  let heard = '';
  let session: Buffer | undefined;
  socket.on('session', ticket => (session = ticket));
  socket.on('error', () => socket.destroy());
  socket.on('data', chunk => (heard += chunk.toString('latin1')));
  socket.write('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
  socket.on('end', () => socket.end());
  let isResumed = false;
  socket.on('secureConnect', () => (isResumed = socket.isSessionReused()));
  await new Promise(resolve => socket.once('close', resolve));
  return { isAnswered: heard.endsWith('hello'), isResumed, session };
}

const ofAlice = { cert: alice.certificate, key: alice.key };
const ofMallory = { cert: mallory.certificate, key: mallory.key };
const strict: TableClientValidation = { mode: 'AllowValidOnly', authorities: alice.certificate };
const lenient: TableClientValidation = { mode: 'AllowInsecureFallback', authorities: alice.certificate };

test('clients of a port that wants certificates need one of its authorities, in both versions of TLS', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const [strictPort, lenientPort, openPort] = [await freePort(), await freePort(), await freePort()];
  const ports = [
    [strictPort, strict],
    [lenientPort, lenient],
    [openPort, undefined],
  ] as const;
  const proxy = await startTestWorker(context, validating(ports, backend.port));
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const cases = [
      [strictPort, ofAlice, true],
      [strictPort, ofMallory, false],
      [strictPort, {}, false],
      [lenientPort, ofAlice, true],
      [lenientPort, ofMallory, true],
      [lenientPort, {}, true],
      [openPort, {}, true],
    ] as const;
    for (const [index, [port, own, isAnswered]] of cases.entries())
      assert.equal(
        (await ask(context, port, { ...own, maxVersion })).isAnswered,
        isAnswered,
        `case ${index}, ${maxVersion}`,
      );
  }
  // Other authorities from now on: who was let in before is not any more.
  const { session } = await ask(context, strictPort, ofAlice);
  proxy.take(validating([[strictPort, { ...strict, authorities: mallory.certificate }]], backend.port));
  assert.equal((await ask(context, strictPort, ofAlice)).isAnswered, false);
  assert.equal((await ask(context, strictPort, { ...(session && { session }) })).isAnswered, false);
  assert.equal((await ask(context, strictPort, ofMallory)).isAnswered, true);
});

test('a session that was begun without a certificate does not lead into a port that wants one', async context => {
  const backend = await startPlainBackend(context, 'hello');
  const [strictPort, openPort] = [await freePort(), await freePort()];
  const ports = [
    [strictPort, strict],
    [openPort, undefined],
  ] as const;
  await startTestWorker(context, validating(ports, backend.port));
  const { session } = await ask(context, openPort);
  assert.ok(session !== undefined, 'the port gives tickets');
  assert.equal((await ask(context, openPort, { session })).isResumed, true);
  assert.deepEqual(
    (({ isAnswered, isResumed }) => [isAnswered, isResumed])(await ask(context, strictPort, { session })),
    [false, false],
  );
  const own = await ask(context, strictPort, ofAlice);
  assert.ok(own.session !== undefined);
  const again = await ask(context, strictPort, { session: own.session });
  assert.deepEqual([again.isAnswered, again.isResumed], [true, true], 'its own sessions go on');
});
