import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millisecondsOf } from './compile-duration.ts';
import { compileGrpcMatch, compileMatch } from './compile-match.ts';

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

const expression = (value: string) =>
  compileMatch({
    path: { type: 'RegularExpression', value },
    headers: [{ type: 'RegularExpression', name: 'X-Beta', value: 'y(es)?' }],
    queryParams: [{ type: 'RegularExpression', name: 'v', value: '[0-9]+' }],
  });

test('expressions of paths, headers and query parameters are kept as they are', () => {
  assert.deepEqual(expression('(?i)/users/[0-9]+'), {
    path: { type: 'RegularExpression', value: '(?i)/users/[0-9]+' },
    headers: [{ type: 'RegularExpression', name: 'x-beta', value: 'y(es)?' }],
    query: [{ type: 'RegularExpression', name: 'v', value: '[0-9]+' }],
  });
});

for (const value of ['/a(?=b)', '/(a)\\1', '/a)(b', '/[', `/${'a'.repeat(2000)}`, '/((a{100}){100}){100}'])
  test(`the expression ${value.slice(0, 30)} is refused with its field`, () => {
    const match = expression(value);
    assert.equal('field' in match && match.field, 'path.value');
  });

test('a call may be matched by expressions of its service and its method', () => {
  assert.deepEqual(
    compileGrpcMatch({ method: { type: 'RegularExpression', service: 'shop[.].*', method: 'Get|List' } }),
    { path: { type: 'RegularExpression', value: '/(?:shop[.].*)/(?:Get|List)' }, headers: [], query: [] },
  );
  const refused = compileGrpcMatch({ method: { type: 'RegularExpression', service: '(' } });
  assert.equal('field' in refused && refused.field, 'method.service');
});
