import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SessionSeal } from './session-seal.ts';

const session = { backend: 'shop/web:80', endpoint: '10.0.0.1:8080', begunAt: 1_700_000_000 };
const seal = new SessionSeal(Buffer.alloc(32, 1));

test('a session opens for every proxy of its Gateway, and for nobody else', () => {
  const text = seal.seal('s', session);
  assert.deepEqual(new SessionSeal(Buffer.alloc(32, 1)).open('s', text), session);
  assert.equal(new SessionSeal(Buffer.alloc(32, 2)).open('s', text), undefined);
  assert.equal(seal.open('other', text), undefined);
  assert.match(text, /^[\w-]+$/);
  assert.doesNotMatch(Buffer.from(text, 'base64url').toString('latin1'), /10\.0\.0\.1/);
  assert.notEqual(seal.seal('s', session), text);
});

test('a session that somebody changed, cut or made is none', () => {
  const text = seal.seal('s', session);
  const octets = Buffer.from(text, 'base64url');
  for (let at = 0; at < octets.length; at++) {
    const changed = Buffer.from(octets);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(seal.open('s', changed.toString('base64url')), undefined, `octet ${at}`);
    assert.equal(seal.open('s', octets.subarray(0, at).toString('base64url')), undefined);
  }
  for (const other of ['', 'x', '%00', 'ä', 'A'.repeat(100_000)])
    assert.equal(seal.open('s', other), undefined);
});
