import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSnippet } from './snippet.ts';

test('headers by fixed values are understood', () => {
  const read = readSnippet(
    `# security
    more_set_headers "X-Frame-Options: DENY" "X-A: b; c";
    add_header X-B "1; 2" always;
    proxy_set_header X-C c;
    more_clear_headers Server;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";`,
  );
  assert.deepEqual(read, {
    response: {
      set: [
        { name: 'X-Frame-Options', value: 'DENY' },
        { name: 'X-A', value: 'b; c' },
        { name: 'X-B', value: '1; 2' },
      ],
      remove: ['Server'],
    },
    request: { set: [{ name: 'X-C', value: 'c' }] },
    unknown: [],
    guards: false,
  });
});

for (const [text, guards] of [
  ['deny all;', true],
  ['allow 10.0.0.0/8; deny all;', true],
  ['if ($http_x != "y") { return 403; }', true],
  ['add_header X $host;', false],
  ['proxy_set_header Host x.example;', false],
  ['rewrite ^/a /b;', false],
  ['more_set_headers "broken;', false],
  ['more_set_headers "A: b\u0000";', false],
  [`add_header ${'"'.repeat(5000)}`, false],
] as const)
  test(`${text.slice(0, 40)} is left to people${guards ? ', and keeps somebody out' : ''}`, () => {
    const read = readSnippet(text);
    assert.notDeepEqual(read.unknown, []);
    assert.equal(read.guards, guards);
  });
