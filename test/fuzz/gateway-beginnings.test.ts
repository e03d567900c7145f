import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCheck } from '../../src/gateway/proxy/auth/check-message.ts';
import { changeLines } from '../../src/gateway/proxy/auth/change-lines.ts';
import { proxyHeader, readProxyHeader } from '../../src/gateway/proxy/proxy-protocol.ts';
import { SessionSeal } from '../../src/gateway/proxy/session-seal.ts';
import { trustedClient } from '../../src/gateway/proxy/trusted-client.ts';

/** The same octets in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const rounds = 20_000;

/** One of the good ones with some octets changed, cut, or put in. */
function mutated(good: readonly Buffer[], random: (below: number) => number): Buffer {
  let octets = Buffer.from(good[random(good.length)] ?? Buffer.alloc(0));
  for (let changes = random(4); changes >= 0; changes--) {
    const at = random(octets.length + 1);
    const kind = random(3);
    if (kind === 0 && at < octets.length) octets[at] = random(256);
    else if (kind === 1) octets = octets.subarray(0, at);
    else octets = Buffer.concat([octets.subarray(0, at), Buffer.of(random(256)), octets.subarray(at)]);
  }
  return octets;
}

const from = { address: '192.0.2.1', port: 1 };
const from6 = { address: '2001:db8::1', port: 1 };

test('a PROXY header is one, or none, whatever comes, and names an address', () => {
  const good = ([1, 2] as const).flatMap(version => [
    proxyHeader(version, from, from),
    proxyHeader(version, from6, from6),
  ]);
  const random = generator(1);
  for (let round = 0; round < rounds; round++) {
    const octets = mutated(good, random);
    const header = readProxyHeader(octets);
    // Who sends on and on is told that it is none.
    const longer = readProxyHeader(Buffer.concat([octets, Buffer.alloc(5000, 'x')]));
    assert.notEqual(longer.type, 'more');
    if (header.type !== 'header') continue;
    assert.ok(header.length <= octets.length);
    const { address = '::', port = 0 } = header.source ?? {};
    assert.match(address, /^[0-9a-fA-F:.]+$/);
    assert.ok(port >= 0 && port <= 65_535);
    assert.equal(trustedClient(address, 1), address);
  }
});

test('an answer of ext_authz never breaks the request that it is about', () => {
  const yes = Buffer.from('1a1312110a0f0a06782d757365721205616c696365', 'hex');
  const no = Buffer.from('0a02080712050a03089103', 'hex');
  const random = generator(2);
  const lines = 'host: a.example\r\nx-user: mallory\r\n';
  for (let round = 0; round < rounds; round++) {
    const verdict = readCheck(mutated([yes, no], random));
    const text =
      verdict.type === 'allowed' ? verdict.change(lines) + verdict.answerLines : (verdict.lines ?? '');
    assert.match(text, /^(?:[!-9;-~]+: ?[\t\x20-\x7e\x80-\xff]*\r\n)*$/);
    if (verdict.type === 'allowed') assert.ok(text.startsWith('host: a.example\r\n'));
    else assert.ok(verdict.status >= 300);
  }
  assert.equal(changeLines('', [], []), '');
});

test('no change of a sealed session opens', () => {
  const seal = new SessionSeal(Buffer.alloc(32, 1));
  const text = seal.seal('s', { backend: 'a/b:80', endpoint: '10.0.0.1:80', begunAt: 1 });
  const good = Buffer.from(text, 'base64url');
  const random = generator(3);
  for (let round = 0; round < rounds; round++) {
    const octets = mutated([good], random);
    if (octets.equals(good)) continue;
    assert.equal(seal.open('s', octets.toString('base64url')), undefined);
  }
});
