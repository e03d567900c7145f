import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { after, before, test } from 'node:test';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { makeAuthority, signCertificate } from './certificate.ts';

const now = Date.parse('2026-05-01T12:00:00Z');
const day = 24 * 3_600_000;
const authority = makeAuthority('shop authority', now);
const names = ['shop.example.com', '*.example.org', '127.0.0.1', 'fd00::1'];
const leaf = signCertificate(authority, {
  commonName: 'shop',
  names,
  usage: 'server',
  now,
  lifetime: 90 * day,
});

let library: typeof import('@peculiar/x509');
before(async () => {
  await import('reflect-metadata');
  library = await import('@peculiar/x509');
});

test('a second implementation reads every field as it was written', async () => {
  const read = new library.X509Certificate(leaf.certificate);
  assert.equal(read.subject, 'CN=shop');
  assert.equal(read.issuer, 'CN=shop authority');
  assert.equal(read.notBefore.getTime(), now - 3_600_000);
  assert.equal(read.notAfter.getTime(), now + 90 * day);
  assert.equal(
    await read.verify({ publicKey: new library.X509Certificate(authority.certificate), date: new Date(now) }),
    true,
  );
  const alternative = read.getExtension(library.SubjectAlternativeNameExtension);
  assert.deepEqual(
    alternative?.names.items.map(({ type, value }) => [type, value]),
    [
      ['dns', 'shop.example.com'],
      ['dns', '*.example.org'],
      ['ip', '127.0.0.1'],
      ['ip', 'fd00::1'],
    ],
  );
  assert.deepEqual(
    [...(read.getExtension(library.ExtendedKeyUsageExtension)?.usages ?? [])],
    [library.ExtendedKeyUsage.serverAuth],
  );
  assert.equal(read.getExtension(library.KeyUsagesExtension)?.usages, library.KeyUsageFlags.digitalSignature);
  assert.equal(read.getExtension(library.BasicConstraintsExtension)?.ca, false);
});

test('an authority says that it is one, and its leaf names its key', () => {
  const read = new library.X509Certificate(authority.certificate);
  const flags = library.KeyUsageFlags;
  assert.equal(read.getExtension(library.BasicConstraintsExtension)?.ca, true);
  assert.equal(
    read.getExtension(library.KeyUsagesExtension)?.usages,
    flags.digitalSignature | flags.keyCertSign | flags.cRLSign,
  );
  assert.equal(
    new library.X509Certificate(leaf.certificate).getExtension(library.AuthorityKeyIdentifierExtension)
      ?.keyId,
    read.getExtension(library.SubjectKeyIdentifierExtension)?.keyId,
  );
});

test('a certificate ends with its authority at the latest, also beyond 2049', () => {
  const late = makeAuthority('late', Date.parse('2045-01-01T00:00:00Z'));
  const made = signCertificate(late, {
    commonName: 'a',
    usage: 'client',
    now: Date.parse('2049-06-01T00:00:00Z'),
  });
  const end = (pem: string) => Date.parse(new X509Certificate(pem).validTo);
  assert.equal(end(made.certificate), end(late.certificate));
  assert.equal(new Date(end(made.certificate)).getUTCFullYear(), 2054);
});

test('groups and names with commas, equals signs and other letters stay one value', () => {
  const made = signCertificate(authority, {
    commonName: 'a=b, ü',
    organizations: ['one', 'two,CN=x'],
    usage: 'client',
    now,
  });
  const read = new library.X509Certificate(made.certificate);
  assert.deepEqual(read.subjectName.getField('O'), ['one', 'two,CN=x']);
  assert.deepEqual(read.subjectName.getField('CN'), ['a=b, ü']);
});

test('many names need long lengths', () => {
  const many = Array.from({ length: 3000 }, (_, index) => `host-${index}.example.com`);
  const made = signCertificate(authority, { commonName: 'many', names: many, usage: 'server', now });
  assert.equal(new X509Certificate(made.certificate).subjectAltName?.split(', ').length, 3000);
});

const servers: Server[] = [];
after(() => servers.forEach(server => server.close()));

test('a TLS client that trusts the authority accepts the leaf for its names and for no others', async () => {
  const today = makeAuthority('today', Date.now());
  const pair = signCertificate(today, { commonName: 'shop', names, usage: 'server', now: Date.now() });
  assert.ok(new X509Certificate(pair.certificate).checkPrivateKey(createPrivateKey(pair.key)));
  const server = createServer({ cert: pair.certificate, key: pair.key }, socket => socket.end());
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const handshake = async (servername: string) => {
    const client: TLSSocket = connect({ port, host: '127.0.0.1', servername, ca: today.certificate });
    try {
      await once(client, 'secureConnect');
    } finally {
      client.destroy();
    }
  };
  await handshake('shop.example.com');
  await handshake('www.example.org');
  await assert.rejects(handshake('bank.example.com'), /altnames/);
});
