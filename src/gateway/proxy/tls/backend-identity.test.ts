import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { makeCertificate } from '../../testing/certificate.ts';
import { identityProblem } from './backend-identity.ts';

type Wanted = Parameters<typeof identityProblem>[0];

const byName = (hostname: string): Wanted => ({ hostname, subjectAltNames: [] });
const byUri = (value: string): Wanted => ({
  hostname: 'a.example',
  subjectAltNames: [{ type: 'URI', value }],
});
const byOther = (value: string): Wanted => ({
  hostname: 'a.example',
  subjectAltNames: [{ type: 'Hostname', value }],
});

const cases: readonly (readonly [names: readonly string[], wanted: Wanted, isRight: boolean])[] = [
  [['DNS:a.example'], byName('a.example'), true],
  [['DNS:A.Example'], byName('a.example'), true],
  [['DNS:*.b.example'], byName('a.b.example'), true],
  [['DNS:*.b.example'], byName('a.a.b.example'), false],
  [['DNS:b.example'], byName('a.example'), false],
  // The common name of all of them is a.example.
  [[], byName('a.example'), false],
  [['URI:spiffe://a/b'], byName('a.example'), false],
  // Alternative names stand in the hostname's place.
  [['DNS:a.example'], byOther('b.example'), false],
  [['DNS:b.example'], byOther('b.example'), true],
  [['URI:spiffe://a/b'], byUri('spiffe://a/b'), true],
  [['URI:spiffe://a/b', 'DNS:a.example'], byUri('spiffe://a/c'), false],
  [['URI:spiffe://a/B'], byUri('spiffe://a/b'), false],
  // One name that reads like two.
  [['DNS:a.example, URI:spiffe://a/b'], byUri('spiffe://a/b'), false],
  [['URI:spiffe://x, URI:spiffe://a/b'], byUri('spiffe://a/b'), false],
];

for (const [names, wanted, isRight] of cases) {
  const [one] = wanted.subjectAltNames;
  test(`a certificate for ${names.join(' and ') || 'no name'} is ${isRight ? '' : 'not '}that of ${one?.value ?? wanted.hostname}`, () => {
    const { subjectAltName = '' } = new X509Certificate(makeCertificate('a.example', names).certificate);
    const problem = identityProblem(wanted, { subjectaltname: subjectAltName });
    assert.equal(problem === undefined, isRight, problem?.message);
  });
}
