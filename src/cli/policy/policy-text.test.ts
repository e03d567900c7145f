import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matrixForms, matrixText, portsText } from './matrix-text.ts';

const cells = [
  {
    from: 'shop/web',
    to: 'shop/api',
    everything: false,
    ports: [
      { protocol: 'TCP' as const, from: 80, to: 80 },
      { protocol: 'TCP' as const, from: 8000, to: 8010 },
      { protocol: 'UDP' as const, from: 0, to: 65_535 },
    ],
  },
  { from: 'shop/api', to: 'shop/web', everything: false, ports: [] },
  { from: 'shop/api', to: 'world', everything: true, ports: [] },
];

test('ports are numbers, ranges, all of a protocol, everything or nothing', () => {
  assert.deepEqual(cells.map(portsText), ['TCP 80, 8000-8010; UDP all', 'nothing', 'everything']);
});

test('people see who may speak, programs every pair', () => {
  assert.equal(
    matrixText(cells, 'text'),
    'shop/web  →  shop/api  TCP 80, 8000-8010; UDP all\nshop/api  →  world     everything\n2 of 3 pairs may speak; the others may not.\n',
  );
  assert.equal(matrixText(cells, 'csv').split('\n')[2], '"shop/api","shop/web","nothing",""');
  assert.match(matrixText(cells, 'dot'), /"shop\/web" -> "shop\/api" \[label="TCP 80/);
  assert.match(matrixText(cells, 'mermaid'), /n0\["shop\/web"\]/);
  assert.equal((JSON.parse(matrixText(cells, 'json')) as { cells: unknown[] }).cells.length, 3);
  for (const form of matrixForms) assert.notEqual(matrixText([], form), '');
});
