import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Secret } from '../../../kube/types/config.ts';
import type { Gateway, Listener } from '../../../kube/types/gateway.ts';
import { makeAuthority, signCertificate } from '../../apiserver/pki/certificate.ts';
import { decide, LIFETIME } from './decide.ts';
import { wantedSecrets } from './wanted.ts';

const now = Date.parse('2026-05-01T12:00:00Z');
const day = 24 * 3_600_000;
const authority = makeAuthority('ours', now);
const stranger = makeAuthority('theirs', now);

function gateway(listeners: readonly Partial<Listener>[], annotation = 'true'): Gateway {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: {
      namespace: 'shop',
      name: 'shop',
      uid: 'u1',
      annotations: { 'fairlead.dev/self-signed': annotation },
    },
    spec: {
      gatewayClassName: 'fairlead',
      listeners: listeners.map(listener => ({ name: 'https', port: 443, protocol: 'HTTPS', ...listener })),
    },
  };
}

const https = (hostname: string | undefined, secret: string, namespace?: string): Partial<Listener> => ({
  ...(hostname === undefined ? {} : { hostname }),
  tls: { certificateRefs: [{ name: secret, ...(namespace === undefined ? {} : { namespace }) }] },
});

function secret(
  options: { names?: string; signedBy?: typeof authority; for?: string[]; issued?: number } = {},
): Secret {
  const { names, signedBy, issued = now } = options;
  const pair =
    signedBy === undefined
      ? { certificate: '', key: '' }
      : signCertificate(signedBy, {
          commonName: 'x',
          names: options.for ?? ['shop.example.com'],
          usage: 'server',
          now: issued,
          lifetime: LIFETIME,
        });
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: {
      namespace: 'shop',
      name: 'certificate',
      resourceVersion: '7',
      ...(names === undefined ? {} : { annotations: { 'fairlead.dev/self-signed-for': names } }),
    },
    data: {
      'tls.crt': Buffer.from(pair.certificate).toString('base64'),
      'tls.key': Buffer.from(pair.key).toString('base64'),
    },
  };
}

const wanted = [...wantedSecrets([gateway([https('shop.example.com', 'certificate')])]).values()][0];
const step = (present: Secret | undefined, asked = wanted) =>
  decide(present, asked, authority.certificate, now);

test('an annotated Gateway asks for the Secrets of its own namespace, with the names of all listeners', () => {
  const found = wantedSecrets([
    gateway([
      https('shop.example.com', 'one'),
      https('*.example.com', 'one'),
      https(undefined, 'two'),
      https('far.example.com', 'three', 'elsewhere'),
      { hostname: 'p.example.com', tls: { mode: 'Passthrough' } },
    ]),
  ]);
  assert.deepEqual(
    [...found].map(([key, { hostnames }]) => [key, hostnames]),
    [
      ['shop/one', ['*.example.com', 'shop.example.com']],
      ['shop/two', ['localhost']],
    ],
  );
});

test('a Gateway that does not ask gets nothing', () => {
  assert.equal(wantedSecrets([gateway([https('a.example.com', 'one')], 'false')]).size, 0);
});

test('a missing Secret is made, and goes with its Gateway', () => {
  const found = step(undefined);
  assert.equal(found.do, 'issue');
  assert.deepEqual(found.do === 'issue' && found.names, ['shop.example.com']);
  assert.equal(found.do === 'issue' && found.secret.metadata.ownerReferences?.[0]?.uid, 'u1');
});

test("somebody's own Secret stays as it is, whoever asks", () => {
  assert.deepEqual(step(secret()), { do: 'nothing' }, 'not annotated');
  assert.deepEqual(step(secret({ names: 'shop.example.com', signedBy: stranger })), { do: 'nothing' });
  const garbage = {
    ...secret({ names: 'shop.example.com' }),
    data: { 'tls.crt': 'bm90aGluZw==', 'tls.key': '' },
  };
  assert.deepEqual(step(garbage), { do: 'nothing' }, 'not readable');
});

test('an annotated Secret with empty values is filled, also without a Gateway', () => {
  const found = decide(
    secret({ names: 'B.example.com, a.example.com' }),
    undefined,
    authority.certificate,
    now,
  );
  assert.deepEqual(found.do === 'issue' && found.names, ['a.example.com', 'b.example.com']);
});

test('a good certificate is left alone until a month before its end', () => {
  const found = step(secret({ names: 'shop.example.com', signedBy: authority }));
  assert.deepEqual(found, { do: 'wait', until: now + LIFETIME - 30 * day });
});

test('addresses in a certificate are compared as addresses', () => {
  const present = secret({ names: 'fd00::1,10.0.0.1', signedBy: authority, for: ['10.0.0.1', 'fd00::1'] });
  assert.equal(decide(present, undefined, authority.certificate, now).do, 'wait');
});

test('a certificate near its end, or for other names, is made anew', () => {
  assert.equal(step(secret({ names: 'x', signedBy: authority, issued: now - 61 * day })).do, 'issue');
  assert.equal(step(secret({ names: 'x', signedBy: authority, for: ['old.example.com'] })).do, 'issue');
});

for (const names of ['', 'no name!', 'a.*.example.com', '-x', `${'a'.repeat(64)}.example.com`]) {
  test(`the annotation "${names.slice(0, 20)}" is refused with a reason`, () => {
    assert.equal(decide(secret({ names }), undefined, authority.certificate, now).do, 'refuse');
  });
}

test('an immutable Secret cannot be renewed, and it is said', () => {
  assert.equal(step({ ...secret({ names: 'x' }), immutable: true }).do, 'refuse');
});
