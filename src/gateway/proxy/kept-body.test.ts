import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptBody } from './kept-body.ts';

const octets = Buffer.from('hello');

test('a body is kept up to its limit, and none of a longer one', () => {
  const share = { kept: 0 };
  const body = new KeptBody(share, 8);
  body.add(octets, 0, 5);
  body.add(octets, 1, 4);
  assert.equal(body.octets.toString(), 'helloell');
  body.add(octets, 0, 1);
  assert.deepEqual([body.isWhole, body.octets.length, share.kept], [false, 0, 0]);
  body.add(octets, 0, 1);
  assert.deepEqual([body.isWhole, body.octets.length, share.kept], [false, 0, 0], 'nothing comes back');
});

test('a body that comes octet by octet takes no more memory than it has octets, twice over', () => {
  const share = { kept: 0 };
  const body = new KeptBody(share);
  for (let octet = 0; octet < 64 * 1024; octet++) body.add(octets, octet % 5, (octet % 5) + 1);
  assert.ok(body.isWhole && body.octets.toString().startsWith('hellohello'));
  assert.ok(share.kept <= 128 * 1024, String(share.kept));
  body.forget();
  body.forget();
  assert.equal(share.kept, 0);
});

test('bodies of many requests find room for so many octets together, and again when some are over', () => {
  const share = { kept: 0 };
  const most = 1024 * 1024;
  const piece = Buffer.alloc(most);
  const bodies = Array.from({ length: 40 }, () => new KeptBody(share, most));
  for (const body of bodies) body.add(piece, 0, most);
  const [whole, crowdedOut] = [
    bodies.filter(body => body.isWhole),
    bodies.filter(body => body.isCrowdedOut && body.octets.length === 0),
  ];
  assert.deepEqual([whole.length, crowdedOut.length], [32, 8]);
  whole[0]?.forget();
  const other = new KeptBody(share, most);
  other.add(piece, 0, most);
  assert.ok(other.isWhole);
});
