import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCertificateReader } from './certificate.ts';
import { makeCertificate } from './testing/certificate.ts';
import { tlsSecret } from './testing/objects.ts';

const read = createCertificateReader();
const pair = makeCertificate();
const other = makeCertificate();

const problemOf = (certificate: string, key: string, type?: string): string => {
  const reading = read(tlsSecret('shop/cert', certificate, key, type));
  return 'problem' in reading ? reading.problem : '';
};

test('a certificate with its key can be served, and its id follows from the content', () => {
  const secret = tlsSecret('shop/cert', pair.certificate, pair.key);
  const reading = read(secret);
  assert.ok('certificate' in reading);
  assert.equal(read(secret), reading, 'it is read once');
  const again = read(tlsSecret('shop/cert', pair.certificate, pair.key));
  const renewed = read(tlsSecret('shop/cert', other.certificate, other.key));
  assert.ok('certificate' in again && 'certificate' in renewed);
  assert.equal(again.certificate.id, reading.certificate.id);
  assert.notEqual(renewed.certificate.id, reading.certificate.id);
});

test('a chain behind the certificate is served with it', () => {
  const reading = read(tlsSecret('shop/cert', `${pair.certificate}${other.certificate}`, pair.key));
  assert.ok('certificate' in reading);
  assert.equal(reading.certificate.chain.match(/BEGIN CERTIFICATE/g)?.length, 2);
});

test('what cannot be served is said, without a word of the key', () => {
  assert.match(problemOf(pair.certificate, pair.key, 'Opaque'), /type is Opaque/);
  assert.match(problemOf('', pair.key), /tls.crt is empty/);
  assert.match(problemOf(pair.certificate, ''), /tls.key is empty/);
  assert.match(problemOf('no PEM at all', pair.key), /no PEM certificate/);
  assert.match(problemOf(pair.certificate, other.key), /not the key/);
  const broken = pair.certificate.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
  assert.match(problemOf(broken, pair.key), /cannot be used|not the key/);
  const half = pair.key.slice(0, 60);
  const sentence = problemOf(pair.certificate, `${half}\n-----END PRIVATE KEY-----`);
  assert.match(sentence, /cannot be used/);
  assert.ok(!sentence.includes(half.slice(30, 60)));
});

test('a Secret without data is no certificate', () => {
  assert.ok(
    'problem' in
      read({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, type: 'kubernetes.io/tls' }),
  );
});
