import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { makeCertificate } from '../../src/gateway/testing/certificate.ts';
import type { RouteTable, TableBackend, TableBackendTls } from '../../src/gateway/table.ts';
import { answer } from './gateway-backend.ts';
import { dial } from './gateway-client.ts';
import { at, prefix, provenance, reference, rule, tableOf } from './gateway-table.ts';
import { freePort, startTestWorker } from './gateway-worker.ts';

const own = makeCertificate('backend', ['DNS:b.example', 'URI:spiffe://b']);
const stranger = makeCertificate('backend', ['DNS:b.example', 'URI:spiffe://b']);
const gateway = makeCertificate('gateway');

/** Says what the handshake said. */
async function startTlsBackend(context: TestContext, options: TlsOptions = {}): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ cert: own.certificate, key: own.key, ...options }, socket => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    const { servername, alpnProtocol } = socket as TLSSocket & { readonly servername: string };
    socket.on('data', () => {
      const client = String(socket.getPeerCertificate().subject?.CN ?? 'nobody');
      socket.write(answer(`${servername} ${String(alpnProtocol)} ${client}`));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

const policy: TableBackendTls = {
  hostname: 'b.example',
  subjectAltNames: [],
  authorities: own.certificate,
};

function securedTable(port: number, backend: number, more: Partial<TableBackend>): RouteTable {
  const table = tableOf({
    ports: { http: port },
    rules: [prefix('/', 'b')],
    backends: { b: [at(backend)] },
  });
  const provenanceOf = provenance('Secret', 's', 'data');
  return {
    ...table,
    certificates: { own: { chain: gateway.certificate, key: gateway.key, provenance: provenanceOf } },
    backends: { b: { service: 'test/s', port: 80, endpoints: [at(backend)], ...more } },
  };
}

async function bodyOf(context: TestContext, port: number): Promise<string> {
  const client = dial(context, port);
  client.say('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
  await client.closed();
  const [head = '', body = ''] = client.heard.split('\r\n\r\n');
  const status = head.split(' ')[1] ?? '';
  return status === '200' ? body : status;
}

const uri = (value: string) => [{ type: 'URI', value }] as const;

const cases: readonly (readonly [what: string, tls: TableBackendTls, heard: string])[] = [
  ['its name and authority', policy, 'b.example http/1.1 nobody'],
  ['another authority', { ...policy, authorities: stranger.certificate }, '502'],
  ['another name', { ...policy, hostname: 'c.example' }, '502'],
  ['a name in its URI', { ...policy, subjectAltNames: uri('spiffe://b') }, 'b.example http/1.1 nobody'],
  ['another URI', { ...policy, subjectAltNames: uri('spiffe://c') }, '502'],
  [
    'another name for the handshake alone',
    { ...policy, hostname: 'c.example', subjectAltNames: [{ type: 'Hostname', value: 'b.example' }] },
    'c.example http/1.1 nobody',
  ],
  ['our certificate', { ...policy, clientCertificate: 'own' }, 'b.example http/1.1 gateway'],
  ['a certificate of ours that there is none of', { ...policy, clientCertificate: 'none' }, '502'],
  ['authorities that are none', { ...policy, authorities: '' }, '502'],
  ['authorities of the system', { hostname: 'b.example', subjectAltNames: [] }, '502'],
  ['a policy with a problem', { ...policy, problem: 'the ConfigMap is missing' }, '500'],
];

test('a backend with a policy is spoken to by TLS, and only as what the policy says it is', async context => {
  const backend = await startTlsBackend(context, {
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  const port = await freePort();
  const proxy = await startTestWorker(context, securedTable(port, backend, { tls: policy }));
  for (const [what, tls, heard] of cases) {
    // One after the other on one worker: what was connected by an earlier policy is not used for a later one.
    proxy.take(securedTable(port, backend, { tls }));
    assert.equal(await bodyOf(context, port), heard, what);
  }
  proxy.take(securedTable(port, backend, {}));
  assert.equal(await bodyOf(context, port), '502', 'without a policy it is spoken to in clear');
});

test('HTTP/2 by TLS goes to backends that choose it, and to no others', async context => {
  const server = createSecureServer({ cert: own.certificate, key: own.key });
  const sockets = new Set<Socket>();
  server.on('secureConnection', (socket: Socket) => sockets.add(socket));
  server.on('stream', stream => {
    stream.respond({ ':status': 200, 'content-length': 2 });
    stream.end('h2');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const port = await freePort();
  const { port: backend } = server.address() as AddressInfo;
  const wanted = { tls: policy, appProtocol: 'kubernetes.io/h2c' };
  const proxy = await startTestWorker(context, securedTable(port, backend, wanted));
  assert.equal(await bodyOf(context, port), 'h2');
  proxy.take(securedTable(port, await startTlsBackend(context), wanted));
  assert.equal(await bodyOf(context, port), '502');
});

test('a mirror and a share of a split have their own backends’ policies', async context => {
  const [plain, secured] = [await startTlsBackend(context), await startTlsBackend(context)];
  const port = await freePort();
  const split = rule('PathPrefix', '/', [reference('bad', 0), reference('b', 1)]);
  const table = securedTable(port, secured, { tls: policy });
  const hosts = { 'http *': { listener: 'http', hostname: '*', rules: [split] } };
  const bad: TableBackend = {
    service: 'test/bad',
    port: 80,
    endpoints: [at(plain)],
    tls: { ...policy, hostname: 'c.example' },
  };
  await startTestWorker(context, { ...table, hosts, backends: { ...table.backends, bad } });
  assert.equal(await bodyOf(context, port), 'b.example false nobody');
});
