import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millisecondsOf } from './compile-duration.ts';
import { compileMatch } from './compile-match.ts';

for (const [written, compared] of [
  ['/caf%c3%a9', '/caf%C3%A9'],
  ['/%7Eme', '/~me'],
  ['/a%2fb', '/a%2Fb'],
  ['/a/b', '/a/b'],
] as const)
  test(`the path ${written} is compared as requests come: ${compared}`, () => {
    for (const type of ['Exact', 'PathPrefix'] as const) {
      const match = compileMatch({ path: { type, value: written } });
      assert.deepEqual('path' in match && match.path, { type, value: compared });
    }
  });

for (const value of ['/a%zz', '/a%', '/a%00'])
  test(`the path ${value}, which no request can have, is not supported`, () => {
    const match = compileMatch({ path: { type: 'Exact', value } });
    assert.equal('field' in match && match.field, 'path.value');
  });

test('a time limit is never longer than a timer can be, which would end at once', () => {
  assert.equal(millisecondsOf('99999h'), 2 ** 31 - 1);
  assert.equal(millisecondsOf('1h30m'), 5_400_000);
});
