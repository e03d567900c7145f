import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeLines, type FieldChange } from './change-lines.ts';

const lines = 'Host: a.example\r\nX-User: mallory\r\nx-a: 1\r\nX-A: 2\r\n';

const cases: readonly (readonly [
  what: string,
  remove: readonly string[],
  changes: readonly FieldChange[],
  expected: string,
])[] = [
  ['nothing', [], [], lines],
  [
    'a field that is said anew',
    [],
    [{ name: 'X-User', value: 'alice', when: 'always' }],
    'Host: a.example\r\nx-a: 1\r\nX-A: 2\r\nx-user: alice\r\n',
  ],
  ['a field that is gone', ['X-USER'], [], 'Host: a.example\r\nx-a: 1\r\nX-A: 2\r\n'],
  [
    'more of a field',
    [],
    [{ name: 'x-a', value: '3', when: 'append' }],
    'Host: a.example\r\nX-User: mallory\r\nx-a: 1, 2, 3\r\n',
  ],
  ['a field that is there', [], [{ name: 'x-a', value: '3', when: 'absent' }], lines],
  ['a field that is missing', [], [{ name: 'x-b', value: '3', when: 'present' }], lines],
  [
    'where it goes',
    ['host'],
    [
      { name: 'Host', value: 'b.example', when: 'always' },
      { name: 'content-length', value: '3', when: 'always' },
    ],
    lines,
  ],
];

for (const [what, remove, changes, expected] of cases)
  test(`lines with ${what}`, () => assert.equal(changeLines(lines, remove, changes), expected));
